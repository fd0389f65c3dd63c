<?php

declare(strict_types=1);

namespace SmartPay;

use SmartPay\Exception\ApiException;
use SmartPay\Exception\ConnectionException;
use SmartPay\Exception\RateLimitException;
use SmartPay\Exception\SmartPayException;

/** Sends calls, and sends again what may be sent again, until there is an answer. */
final class Transport
{
    private readonly string $baseUrl;
    private readonly RetryRules $rules;

    public function __construct(
        string $baseUrl,
        #[\SensitiveParameter] private readonly string $apiKey,
        private readonly float $timeoutSeconds,
        int $maxRetries,
        int $maxRetryAfter,
    ) {
        if ($baseUrl === '') {
            throw new SmartPayException("Give the gateway's address as baseUrl.");
        }
        if ($apiKey === '') {
            throw new SmartPayException("Give the gateway's API key as apiKey.");
        }
        $this->baseUrl = (string) preg_replace('~/+(v1/*)?$~', '', $baseUrl);
        $this->rules = new RetryRules($maxRetries, $maxRetryAfter);
    }

    /** @param array<string, mixed> $query */
    public function get(string $path, array $query = []): Answer
    {
        $given = array_filter($query, static fn (mixed $value): bool => $value !== null);
        return $this->send('GET', $given === [] ? $path : $path . '?' . http_build_query($given), null, true);
    }

    /** @param array<string, mixed> $body */
    public function put(string $path, array $body): Answer
    {
        return $this->send('PUT', $path, $body, true);
    }

    public function delete(string $path): Answer
    {
        return $this->send('DELETE', $path, null, false);
    }

    /**
     * What would do something twice, were it sent twice.
     *
     * @param ?array<string, mixed> $body
     */
    public function post(string $path, ?array $body = null): Answer
    {
        return $this->send('POST', $path, $body, false);
    }

    /**
     * What moves money or credits: once for each idempotency key, however often it is sent.
     *
     * @param array<string, mixed> $body
     * @param ?string $idempotencyKey without one a random key keeps this call's own repeats from doing it twice
     */
    public function pay(string $path, array $body, ?string $idempotencyKey, ?int $wait = null): Answer
    {
        return $this->send('POST', $path, $body, true, $idempotencyKey ?? bin2hex(random_bytes(16)), $wait ?? 0);
    }

    /** @return array<string, string> without the key, for dumps and logs */
    public function __debugInfo(): array
    {
        return ['baseUrl' => $this->baseUrl];
    }

    /** A name in a path. */
    public static function segment(string|int $value): string
    {
        if (in_array((string) $value, ['', '.', '..'], true)) {
            throw new SmartPayException('This names nothing: "' . $value . '"');
        }
        return rawurlencode((string) $value);
    }

    /** @param ?array<string, mixed> $body */
    private function send(
        string $method,
        string $path,
        ?array $body,
        bool $isRepeatable,
        ?string $idempotencyKey = null,
        int $wait = 0,
    ): Answer {
        $headers = [
            'Authorization: Bearer ' . $this->apiKey,
            'Accept: application/json',
            'User-Agent: smartpay-php',
            'Expect:',
        ];
        if ($body !== null) {
            $headers[] = 'Content-Type: application/json';
        }
        if ($idempotencyKey !== null) {
            $headers[] = 'Idempotency-Key: ' . $idempotencyKey;
        }
        if ($wait > 0) {
            $headers[] = 'Prefer: wait=' . $wait;
        }
        $json = $body === null ? null : self::encode($body);
        $begunAt = microtime(true);
        for ($retriesMade = 0; ; $retriesMade++) {
            $outcome = $this->attempt($method, $path, $headers, $json, $this->timeoutSeconds + $wait);
            if ($outcome->isSuccess()) {
                return self::answerOf($outcome);
            }
            $elapsed = microtime(true) - $begunAt;
            $random = random_int(0, 1_000) / 1_000;
            $pause = $this->rules->pause($outcome, $isRepeatable, $retriesMade, $elapsed, $random);
            if ($pause === null) {
                throw self::exceptionOf($outcome, $idempotencyKey);
            }
            usleep((int) ceil($pause * 1_000_000));
        }
    }

    /** @param array<string, mixed> $body */
    private static function encode(array $body): string
    {
        // PHP's empty array is JSON's empty list, and these are objects.
        $objects = array_filter($body, static fn (mixed $value): bool => $value === []);
        $body = array_merge($body, array_map(static fn (): object => new \stdClass(), $objects));
        return json_encode((object) $body, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
    }

    /** @param list<string> $headers */
    private function attempt(string $method, string $path, array $headers, ?string $json, float $limit): Outcome
    {
        $received = [];
        $handle = curl_init($this->baseUrl . $path);
        curl_setopt_array($handle, [
            CURLOPT_CUSTOMREQUEST => $method,
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_HTTPHEADER => $headers,
            // The key goes to the gateway alone.
            CURLOPT_FOLLOWLOCATION => false,
            CURLOPT_TIMEOUT_MS => (int) ($limit * 1_000),
            CURLOPT_HEADERFUNCTION => static function (mixed $_, string $line) use (&$received): int {
                $parts = explode(':', $line, 2);
                if (count($parts) === 2) {
                    $received[strtolower(trim($parts[0]))] = trim($parts[1]);
                }
                return strlen($line);
            },
        ] + ($json === null ? [] : [CURLOPT_POSTFIELDS => $json]));
        $text = curl_exec($handle);
        if (!is_string($text)) {
            return new Outcome(null, null, [], curl_error($handle));
        }
        $status = curl_getinfo($handle, CURLINFO_RESPONSE_CODE);
        $body = json_decode($text, true);
        $outcome = new Outcome($status, is_array($body) ? $body : null, $received);
        return $outcome->isSuccess() && $outcome->body === null
            ? new Outcome(null, null, [], "HTTP $status without JSON")
            : $outcome;
    }

    private static function answerOf(Outcome $outcome): Answer
    {
        $isReplayed = ($outcome->headers['idempotent-replayed'] ?? '') === 'true';
        $requestId = $outcome->headers['x-request-id'] ?? null;
        return new Answer($outcome->body ?? [], (int) $outcome->status, $requestId, $isReplayed);
    }

    private static function exceptionOf(Outcome $outcome, ?string $idempotencyKey): SmartPayException
    {
        if ($outcome->status === null) {
            $message = 'No answer came from the gateway: it may have been done, and it may not. ' . $outcome->problem;
            return new ConnectionException($message, $idempotencyKey);
        }
        $message = $outcome->body['message'] ?? null;
        $fields = $outcome->body['errors'] ?? null;
        $class = $outcome->status === 429 ? RateLimitException::class : ApiException::class;
        return new $class(
            is_string($message) ? $message : 'HTTP ' . $outcome->status,
            $outcome->status,
            $outcome->errorCode(),
            $outcome->headers['x-request-id'] ?? null,
            is_array($fields) ? $fields : [],
            $outcome->retryAfter(),
            $idempotencyKey,
        );
    }
}
