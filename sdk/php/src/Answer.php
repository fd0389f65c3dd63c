<?php

declare(strict_types=1);

namespace SmartPay;

/**
 * What the gateway answered, read like an array: `$payment['checkout_request_id']`.
 *
 * @implements \ArrayAccess<string, mixed>
 */
final class Answer implements \ArrayAccess, \JsonSerializable
{
    /**
     * @param array<string, mixed> $body
     * @param int $status 202 where M-Pesa has not confirmed a payment: it is not to be sent again, its result will be told.
     * @param ?string $requestId Quote it to support.
     * @param bool $isReplayed The first answer to this idempotency key, given again.
     */
    public function __construct(
        public readonly array $body,
        public readonly int $status,
        public readonly ?string $requestId,
        public readonly bool $isReplayed,
    ) {
    }

    public function offsetExists(mixed $offset): bool
    {
        return isset($this->body[$offset]);
    }

    public function offsetGet(mixed $offset): mixed
    {
        return $this->body[$offset];
    }

    public function offsetSet(mixed $offset, mixed $value): never
    {
        throw new \LogicException('An answer cannot be changed.');
    }

    public function offsetUnset(mixed $offset): never
    {
        throw new \LogicException('An answer cannot be changed.');
    }

    /** @return array<string, mixed> */
    public function jsonSerialize(): array
    {
        return $this->body;
    }
}
