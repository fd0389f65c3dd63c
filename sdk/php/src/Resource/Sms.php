<?php

declare(strict_types=1);

namespace SmartPay\Resource;

use SmartPay\Answer;
use SmartPay\Transport;

final class Sms
{
    public function __construct(private readonly Transport $transport)
    {
    }

    /**
     * To one number, or to a list of them.
     *
     * @param array{phone: string|int|list<string|int>, message: string} $sms
     */
    public function send(array $sms, ?string $idempotencyKey = null): Answer
    {
        return $this->transport->pay('/v1/sms/', $sms, $idempotencyKey);
    }

    public function get(string $id): Answer
    {
        return $this->transport->get('/v1/sms/' . Transport::segment($id));
    }

    public function balance(): Answer
    {
        return $this->transport->get('/v1/sms/balance');
    }

    /**
     * Prompts a phone for the price; the credits are there once it is paid.
     *
     * @param array{credits: int, phone: string|int} $purchase
     */
    public function buyCredits(array $purchase, ?string $idempotencyKey = null): Answer
    {
        return $this->transport->pay('/v1/sms/credits', $purchase, $idempotencyKey);
    }
}
