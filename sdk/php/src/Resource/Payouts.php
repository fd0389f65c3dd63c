<?php

declare(strict_types=1);

namespace SmartPay\Resource;

use SmartPay\Answer;
use SmartPay\Pages;
use SmartPay\Transport;

final class Payouts
{
    public function __construct(private readonly Transport $transport)
    {
    }

    /** @param array{limit?: int, cursor?: string} $query */
    public function list(array $query = []): Answer
    {
        return $this->transport->get('/v1/payouts', $query);
    }

    /**
     * All, newest first, page by page as you go.
     *
     * @return \Generator<int, array<string, mixed>>
     */
    public function all(): \Generator
    {
        return Pages::items(
            fn (?string $cursor): Answer => $this->list(['cursor' => $cursor, 'limit' => 100]),
            'payouts',
        );
    }
}
