<?php

declare(strict_types=1);

namespace SmartPay\Resource;

use SmartPay\Answer;
use SmartPay\Pages;
use SmartPay\Transport;

final class Transactions
{
    private const FIRST_LOOK_SECONDS = 2.0;
    private const LONGEST_PAUSE_SECONDS = 5.0;

    public function __construct(private readonly Transport $transport)
    {
    }

    /** By its checkout request id or its transaction id. */
    public function get(string $ref): Answer
    {
        return $this->transport->get('/v1/transactions/' . Transport::segment($ref));
    }

    /**
     * One page, newest first.
     *
     * @param array{limit?: int, offset?: int, cursor?: string, status?: string, key_id?: int, phone?: string, reference?: string, receipt?: string, from?: string, to?: string} $query
     */
    public function list(array $query = []): Answer
    {
        return $this->transport->get('/v1/transactions', $query);
    }

    /**
     * All that fit, newest first, page by page as you go.
     *
     * @param array{limit?: int, status?: string, key_id?: int, phone?: string, reference?: string, receipt?: string, from?: string, to?: string} $query
     * @return \Generator<int, array<string, mixed>>
     */
    public function all(array $query = []): \Generator
    {
        return Pages::items(
            fn (?string $cursor): Answer => $this->list(['cursor' => $cursor] + $query + ['limit' => 100]),
            'transactions',
        );
    }

    /**
     * Asks until the payment is final or the time is up, and returns it as it is then: `pending` in the latter case.
     * A webhook tells sooner, and costs no requests.
     *
     * @return array<string, mixed>
     */
    public function waitFor(string $ref, float $timeoutSeconds = 120): array
    {
        $until = microtime(true) + $timeoutSeconds;
        for ($pause = self::FIRST_LOOK_SECONDS; ; $pause = min($pause * 1.5, self::LONGEST_PAUSE_SECONDS)) {
            $transaction = $this->get($ref)['transaction'];
            $left = $until - microtime(true);
            if ($transaction['status'] !== 'pending' || $left <= 0) {
                return $transaction;
            }
            usleep((int) (min($pause, $left) * 1_000_000));
        }
    }
}
