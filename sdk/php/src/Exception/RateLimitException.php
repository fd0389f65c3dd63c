<?php

declare(strict_types=1);

namespace SmartPay\Exception;

/** 429: too much at a time. */
class RateLimitException extends ApiException
{
}
