<?php

declare(strict_types=1);

namespace SmartPay;

/** What one attempt came to. Without a status no answer came, or none that can be read. */
final class Outcome
{
    /**
     * @param ?array<string, mixed> $body
     * @param array<string, string> $headers by lower-case names
     */
    public function __construct(
        public readonly ?int $status,
        public readonly ?array $body,
        public readonly array $headers,
        public readonly string $problem = '',
    ) {
    }

    public function isSuccess(): bool
    {
        return $this->status !== null && $this->status >= 200 && $this->status < 300;
    }

    public function errorCode(): ?string
    {
        $code = $this->body['error_code'] ?? null;
        return is_string($code) ? $code : null;
    }

    /** Seconds of `Retry-After`, which is a number or a date. */
    public function retryAfter(): ?int
    {
        $header = $this->headers['retry-after'] ?? null;
        if ($header === null) {
            return null;
        }
        if (ctype_digit($header)) {
            return (int) $header;
        }
        $date = strtotime($header);
        return $date === false ? null : max(0, $date - time());
    }
}
