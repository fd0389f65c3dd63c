<?php

declare(strict_types=1);

namespace SmartPay\Exception;

/** No answer came, or none that can be read: it may have been done, and it may not. */
class ConnectionException extends SmartPayException
{
}
