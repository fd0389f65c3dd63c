<?php

declare(strict_types=1);

namespace SmartPay\Resource;

use SmartPay\Answer;
use SmartPay\Pages;
use SmartPay\Transport;

/** Days whose payments were compared with what M-Pesa reports. */
final class Statements
{
    public function __construct(private readonly Transport $transport)
    {
    }

    /**
     * One page, newest first.
     *
     * @param array{limit?: int, cursor?: string, from?: string, to?: string} $query days in East Africa
     */
    public function list(array $query = []): Answer
    {
        return $this->transport->get('/v1/statements', $query);
    }

    /**
     * All that fit, newest first, page by page as you go.
     *
     * @param array{from?: string, to?: string} $query
     * @return \Generator<int, array<string, mixed>>
     */
    public function all(array $query = []): \Generator
    {
        return Pages::items(
            fn (?string $cursor): Answer => $this->list(['cursor' => $cursor] + $query + ['limit' => 100]),
            'statements',
        );
    }

    /** By its day in East Africa, `YYYY-MM-DD`. */
    public function get(string $day): Answer
    {
        return $this->transport->get('/v1/statements/' . Transport::segment($day));
    }
}
