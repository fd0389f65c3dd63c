<?php

declare(strict_types=1);

namespace SmartPay\Exception;

/** A webhook that is not to be believed. */
class WebhookException extends SmartPayException
{
}
