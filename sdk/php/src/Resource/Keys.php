<?php

declare(strict_types=1);

namespace SmartPay\Resource;

use SmartPay\Answer;
use SmartPay\Transport;

final class Keys
{
    public function __construct(private readonly Transport $transport)
    {
    }

    public function list(): Answer
    {
        return $this->transport->get('/v1/keys');
    }

    /**
     * The new `api_key` is in this answer alone.
     *
     * @param array{name: string, scope?: 'full'|'payments'} $key
     */
    public function create(array $key): Answer
    {
        return $this->transport->post('/v1/keys', $key);
    }

    public function get(int|string $id): Answer
    {
        return $this->transport->get('/v1/keys/' . Transport::segment($id));
    }

    public function delete(int|string $id): Answer
    {
        return $this->transport->delete('/v1/keys/' . Transport::segment($id));
    }

    public function setDefault(int|string $id): Answer
    {
        return $this->transport->post('/v1/keys/' . Transport::segment($id) . '/set-default');
    }

    /** The old key stops on the very next request; the new one is in this answer alone. */
    public function regenerate(int|string $id): Answer
    {
        return $this->transport->post('/v1/keys/' . Transport::segment($id) . '/regenerate');
    }

    public function getDestination(int|string $id): Answer
    {
        return $this->transport->get('/v1/keys/' . Transport::segment($id) . '/destination');
    }

    /**
     * Where payments land, and with `callbackurl` where their results are told.
     *
     * @param array{method: string, phone?: string, paybill_number?: string, account_number?: string, till_number?: string, bank_code?: string, bank_account?: string, callbackurl?: string} $destination
     */
    public function setDestination(int|string $id, array $destination): Answer
    {
        return $this->transport->put('/v1/keys/' . Transport::segment($id) . '/destination', $destination);
    }

    /** @param array{notify_email?: string, notify_phone?: string} $notifications an empty string disables a channel */
    public function setNotifications(int|string $id, array $notifications): Answer
    {
        return $this->transport->put('/v1/keys/' . Transport::segment($id) . '/notifications', $notifications);
    }

    /**
     * Prompts a phone for a plan's price; the key is active once it is paid.
     *
     * @param array{plan: string, phone?: string|int} $plan
     */
    public function subscribe(int|string $id, array $plan, ?string $idempotencyKey = null): Answer
    {
        return $this->transport->pay('/v1/keys/' . Transport::segment($id) . '/subscription', $plan, $idempotencyKey);
    }

    public function getWebhookSecret(int|string $id): Answer
    {
        return $this->transport->get('/v1/keys/' . Transport::segment($id) . '/webhook-secret');
    }

    /** The old secret signs too for 24 hours. */
    public function rotateWebhookSecret(int|string $id): Answer
    {
        return $this->transport->post('/v1/keys/' . Transport::segment($id) . '/webhook-secret');
    }

    /** Sends a test event to the key's callback URL. */
    public function testWebhook(int|string $id): Answer
    {
        return $this->transport->post('/v1/keys/' . Transport::segment($id) . '/test-webhook');
    }
}
