<?php

declare(strict_types=1);

namespace SmartPay;

/** The result of a payment. Money has moved only where `isPaid`. */
final class PaymentEvent
{
    /**
     * @param string $id the same on every attempt: remember it to handle each once. A failure and a later
     *     success of one payment have two
     * @param int $sentAt seconds since 1970
     * @param bool $isTest sent by `keys->testWebhook`: no payment was made
     * @param ?int $amount whole shillings
     * @param ?string $phone `254…`
     * @param ?string $paidAt `YYYYMMDDHHMMSS`, East Africa Time
     * @param array<string, mixed> $body as it came
     */
    public function __construct(
        public readonly string $id,
        public readonly int $sentAt,
        public readonly bool $isTest,
        public readonly bool $isPaid,
        public readonly string $checkoutRequestId,
        public readonly string $merchantRequestId,
        public readonly int $resultCode,
        public readonly string $resultDesc,
        public readonly ?int $amount,
        public readonly ?string $receipt,
        public readonly ?string $phone,
        public readonly ?string $paidAt,
        public readonly array $body,
    ) {
    }
}
