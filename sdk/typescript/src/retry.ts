/** What one attempt came to. */
export type Outcome = {
  /** Undefined where no answer came, or none that can be read. */
  status: number | undefined;
  errorCode: string | undefined;
  retryAfter: number | undefined;
};

export type RetrySettings = {
  /** Further attempts after the first. */
  maxRetries: number;
  /** Seconds. Where the gateway asks for a longer pause, the call fails instead. */
  maxRetryAfter: number;
};

export type Progress = {
  /** Sending it twice does it once: a GET, a PUT, or a POST with an idempotency key. */
  isRepeatable: boolean;
  retriesMade: number;
  elapsedMs: number;
  /** 0 to 1. */
  random: number;
};

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8_000;
/** The gateway answers for a request that still runs after 60 seconds at the latest. */
const IN_PROGRESS_MS = 65_000;

/** Whether the same request may be sent again without a risk. */
function mayRepeat({ status, errorCode }: Outcome, isRepeatable: boolean): boolean {
  if (status === undefined) return isRepeatable;
  // A limit denied it before anything was done; a fraud block is lifted by other customers' behaviour.
  if (status === 429) return errorCode !== "FRAUD_BLOCK_BURST";
  // M-Pesa said no: asking the customer again is the merchant's decision.
  if (errorCode === "PAYMENT_FAILURE") return false;
  return isRepeatable && status >= 500;
}

/** Milliseconds until the same request is sent again; undefined where it is not. */
export function pauseBeforeRetry(
  outcome: Outcome,
  progress: Progress,
  settings: RetrySettings,
): number | undefined {
  const { retryAfter = 0 } = outcome;
  const { retriesMade, random } = progress;
  if (retryAfter > settings.maxRetryAfter) return undefined;
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** retriesMade, LONGEST_PAUSE_MS);
  if (outcome.errorCode === "IDEMPOTENCY_IN_PROGRESS") {
    return progress.elapsedMs < IN_PROGRESS_MS ? retryAfter * 1_000 + random * FIRST_PAUSE_MS : undefined;
  }
  if (retriesMade >= settings.maxRetries || !mayRepeat(outcome, progress.isRepeatable)) return undefined;
  return retryAfter > 0 ? retryAfter * 1_000 + random * FIRST_PAUSE_MS : (pause / 2) * (1 + random);
}

/** Seconds of a `Retry-After`, which is a number or a date. */
export function parseRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header)) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1_000));
}
