<?php

declare(strict_types=1);

namespace SmartPay;

use SmartPay\Exception\SmartPayException;
use SmartPay\Exception\WebhookException;

/** Reads webhooks that the gateway signed (Standard Webhooks 1.0). */
final class Webhook
{
    /**
     * The webhook that this very request is.
     *
     * @param string|list<string> $secret the key's `whsec_…`; a list while you change over to another
     * @throws WebhookException where it is forged, altered, or too old
     */
    public static function receive(
        #[\SensitiveParameter] string|array $secret,
        int $toleranceSeconds = 300,
    ): PaymentEvent {
        $headers = [];
        foreach ($_SERVER as $name => $value) {
            if (is_string($value) && str_starts_with((string) $name, 'HTTP_WEBHOOK_')) {
                $headers[str_replace('_', '-', substr((string) $name, strlen('HTTP_')))] = $value;
            }
        }
        return self::read((string) file_get_contents('php://input'), $headers, $secret, $toleranceSeconds);
    }

    /**
     * @param string $body exactly as it came, before json_decode
     * @param array<string, string|list<string>> $headers in whatever case
     * @param string|list<string> $secret the key's `whsec_…`; a list while you change over to another
     * @param int $toleranceSeconds the most that the webhook's time may differ from this server's
     * @throws WebhookException where it is forged, altered, or too old
     */
    public static function read(
        string $body,
        array $headers,
        #[\SensitiveParameter] string|array $secret,
        int $toleranceSeconds = 300,
    ): PaymentEvent {
        $headers = array_change_key_case($headers);
        $header = static fn (string $name): string => (string) (((array) ($headers[$name] ?? ''))[0] ?? '');
        $id = $header('webhook-id');
        $timestamp = $header('webhook-timestamp');
        $signatures = $header('webhook-signature');
        if ($id === '' || $timestamp === '' || $signatures === '') {
            throw new WebhookException('The webhook is not signed.');
        }
        if (preg_match('/^\d{1,12}$/D', $timestamp) !== 1) {
            throw new WebhookException("The webhook's time cannot be read.");
        }
        if (abs(time() - (int) $timestamp) > $toleranceSeconds) {
            throw new WebhookException("The webhook is too old, or this server's clock is wrong.");
        }
        if (!self::isSignedByOne((array) $secret, explode(' ', $signatures), "$id.$timestamp.$body")) {
            throw new WebhookException("The webhook's signature is not the gateway's.");
        }
        return self::eventOf($body, $id, (int) $timestamp, $header('webhook-test') === 'true');
    }

    /**
     * @param array<string> $secrets
     * @param list<string> $signatures
     */
    private static function isSignedByOne(array $secrets, array $signatures, string $signed): bool
    {
        if ($secrets === []) {
            throw new SmartPayException("Give the key's webhook secret.");
        }
        foreach ($secrets as $secret) {
            $encoded = str_starts_with($secret, 'whsec_') ? substr($secret, strlen('whsec_')) : '';
            $key = base64_decode($encoded, true);
            if ($key === false || $key === '') {
                throw new SmartPayException('A webhook secret begins with whsec_.');
            }
            $expected = 'v1,' . base64_encode(hash_hmac('sha256', $signed, $key, true));
            foreach ($signatures as $signature) {
                if (hash_equals($expected, $signature)) {
                    return true;
                }
            }
        }
        return false;
    }

    private static function eventOf(string $text, string $id, int $sentAt, bool $isTest): PaymentEvent
    {
        // Signed by the gateway, whose document describes its bodies.
        $body = json_decode($text, true, 512, JSON_THROW_ON_ERROR);
        $result = $body['Body']['stkCallback'];
        $items = array_column($result['CallbackMetadata']['Item'] ?? [], 'Value', 'Name');
        $isPaid = $result['ResultCode'] === 0;
        return new PaymentEvent(
            id: $id,
            sentAt: $sentAt,
            isTest: $isTest,
            isPaid: $isPaid,
            checkoutRequestId: $result['CheckoutRequestID'],
            merchantRequestId: $result['MerchantRequestID'],
            resultCode: $result['ResultCode'],
            resultDesc: $result['ResultDesc'],
            amount: $isPaid ? (int) $items['Amount'] : null,
            receipt: $isPaid ? (string) $items['MpesaReceiptNumber'] : null,
            phone: $isPaid ? (string) $items['PhoneNumber'] : null,
            paidAt: $isPaid ? (string) $items['TransactionDate'] : null,
            body: $body,
        );
    }
}
