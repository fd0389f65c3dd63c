<?php

declare(strict_types=1);

namespace SmartPay\Resource;

use SmartPay\Answer;
use SmartPay\Transport;

final class Stk
{
    public function __construct(private readonly Transport $transport)
    {
    }

    /**
     * Prompts a customer's phone for a payment.
     *
     * @param array{phone: string|int, amount: int|string, account_reference?: string, description?: string, callback_url?: string, metadata?: array<string, string>} $payment
     * @param ?string $idempotencyKey yours for each thing that you want done once, such as an order's number
     * @param ?int $wait seconds to wait for the customer, at most 55: `transaction` is in the answer if it is final by then
     */
    public function push(array $payment, ?string $idempotencyKey = null, ?int $wait = null): Answer
    {
        return $this->transport->pay('/v1/stk/push', $payment, $idempotencyKey, $wait);
    }
}
