<?php

declare(strict_types=1);

namespace SmartPay\Exception;

/** The gateway answered, and did not do it. Go by `errorCode`, never by the message. */
class ApiException extends SmartPayException
{
    /**
     * @param ?string $errorCode null where something between us and the gateway answered
     * @param ?string $requestId Quote it to support.
     * @param list<array{field: string, message: string}> $fields Which fields are at fault.
     * @param ?int $retryAfter Seconds to wait before trying again, where the gateway said so.
     */
    public function __construct(
        string $message,
        public readonly int $status,
        public readonly ?string $errorCode = null,
        public readonly ?string $requestId = null,
        public readonly array $fields = [],
        public readonly ?int $retryAfter = null,
        ?string $idempotencyKey = null,
    ) {
        parent::__construct($message, $idempotencyKey);
    }
}
