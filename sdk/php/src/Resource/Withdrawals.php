<?php

declare(strict_types=1);

namespace SmartPay\Resource;

use SmartPay\Answer;
use SmartPay\Transport;

final class Withdrawals
{
    public function __construct(private readonly Transport $transport)
    {
    }

    /**
     * Out of your wallet, to one of your verified phones.
     *
     * @param array{amount: int|string, phone: string|int} $withdrawal
     */
    public function create(array $withdrawal, ?string $idempotencyKey = null): Answer
    {
        return $this->transport->pay('/v1/account/withdrawals', $withdrawal, $idempotencyKey);
    }

    public function get(string $id): Answer
    {
        return $this->transport->get('/v1/account/withdrawals/' . Transport::segment($id));
    }
}
