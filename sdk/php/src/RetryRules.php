<?php

declare(strict_types=1);

namespace SmartPay;

/** When the same request is sent again, and after which pause. */
final class RetryRules
{
    private const FIRST_PAUSE = 0.5;
    private const LONGEST_PAUSE = 8.0;
    /** The gateway answers for a request that still runs after 60 seconds at the latest. */
    private const IN_PROGRESS_SECONDS = 65.0;

    /**
     * @param int $maxRetries further attempts after the first
     * @param int $maxRetryAfter seconds; where the gateway asks for a longer pause, the call fails instead
     */
    public function __construct(private readonly int $maxRetries, private readonly int $maxRetryAfter)
    {
    }

    /**
     * @param bool $isRepeatable sending it twice does it once: a GET, a PUT, or a POST with an idempotency key
     * @param float $random 0 to 1
     * @return ?float seconds until the same request is sent again; null where it is not
     */
    public function pause(
        Outcome $outcome,
        bool $isRepeatable,
        int $retriesMade,
        float $elapsedSeconds,
        float $random,
    ): ?float {
        $retryAfter = $outcome->retryAfter() ?? 0;
        if ($retryAfter > $this->maxRetryAfter) {
            return null;
        }
        $asked = $retryAfter + $random * self::FIRST_PAUSE;
        if ($outcome->errorCode() === 'IDEMPOTENCY_IN_PROGRESS') {
            return $elapsedSeconds < self::IN_PROGRESS_SECONDS ? $asked : null;
        }
        if ($retriesMade >= $this->maxRetries || !self::mayRepeat($outcome, $isRepeatable)) {
            return null;
        }
        $growing = min(self::FIRST_PAUSE * 2 ** $retriesMade, self::LONGEST_PAUSE);
        return $retryAfter > 0 ? $asked : $growing / 2 * (1 + $random);
    }

    private static function mayRepeat(Outcome $outcome, bool $isRepeatable): bool
    {
        if ($outcome->status === null) {
            return $isRepeatable;
        }
        // A limit denied it before anything was done; a fraud block is lifted by other customers' behaviour.
        if ($outcome->status === 429) {
            return $outcome->errorCode() !== 'FRAUD_BLOCK_BURST';
        }
        // M-Pesa said no: asking the customer again is the merchant's decision.
        if ($outcome->errorCode() === 'PAYMENT_FAILURE') {
            return false;
        }
        return $isRepeatable && $outcome->status >= 500;
    }
}
