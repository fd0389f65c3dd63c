<?php

declare(strict_types=1);

namespace SmartPay\Resource;

use SmartPay\Answer;
use SmartPay\Pages;
use SmartPay\Transport;

/** The deliveries of your webhooks. `SmartPay\Webhook` reads one that arrives. */
final class Webhooks
{
    public function __construct(private readonly Transport $transport)
    {
    }

    /**
     * One page, newest first, each delivery with its attempts and what your server answered.
     *
     * @param array{status?: 'pending'|'delivered'|'failed', limit?: int, cursor?: string} $query
     */
    public function list(array $query = []): Answer
    {
        return $this->transport->get('/v1/webhooks', $query);
    }

    /**
     * @param array{status?: 'pending'|'delivered'|'failed'} $query
     * @return \Generator<int, array<string, mixed>>
     */
    public function all(array $query = []): \Generator
    {
        return Pages::items(
            fn (?string $cursor): Answer => $this->list(['cursor' => $cursor] + $query + ['limit' => 100]),
            'webhooks',
        );
    }

    public function get(string $id): Answer
    {
        return $this->transport->get('/v1/webhooks/' . Transport::segment($id));
    }

    /** Sends one again, also a delivered one. */
    public function replay(string $id): Answer
    {
        return $this->transport->post('/v1/webhooks/' . Transport::segment($id) . '/replay');
    }

    /**
     * Sends again what failed since a time, some at a time: go on with `next_cursor` while `has_more`.
     *
     * @param array{status: 'failed', since: string, cursor?: string} $failed
     */
    public function replayFailed(array $failed): Answer
    {
        return $this->transport->post('/v1/webhooks/replay', $failed);
    }
}
