<?php

declare(strict_types=1);

namespace SmartPay\Exception;

/** Whatever this package throws of itself. */
class SmartPayException extends \RuntimeException
{
    /** @param ?string $idempotencyKey Of a call that moves money: repeat the very same call with it, and it is done once. */
    public function __construct(
        string $message,
        public readonly ?string $idempotencyKey = null,
        ?\Throwable $previous = null,
    ) {
        parent::__construct($message, 0, $previous);
    }
}
