import type { FraudLimits } from "../../env.ts";
import type { ErrorCode } from "../../errors.ts";
import type { ResultCode } from "../../upstreams/daraja/port.ts";

/** How a push ended, as the fraud rules see it. */
export type Outcome = "completed" | "failed" | "cancelled" | "neutral";

/** Failures are the payer's doing; refusals and M-Pesa's own troubles count as none. */
const PAYER_FAILURES = new Set<string>(["1", "1019", "1032", "1037", "2001"] satisfies ResultCode[]);
const CANCELLED: ResultCode = "1032";

/** @param code M-Pesa's result code. */
export function outcomeOf(code: string): Outcome {
  if (code === "0") return "completed";
  if (code === CANCELLED) return "cancelled";
  return PAYER_FAILURES.has(code) ? "failed" : "neutral";
}

/** Of the pushes that finished within a window; failures and cancellations at most one a phone. */
export type WindowCounts = {
  finished: number;
  completed: number;
  failures: number;
  cancels: number;
  phones: number;
};

/** What the rules look at. `within` counts what finished in the last so many seconds. */
export type PushHistory = {
  pushesWithin: (seconds: number) => number;
  within: (seconds: number) => WindowCounts;
};

export type FraudCode = Extract<ErrorCode, `FRAUD_BLOCK_${string}`>;

/** The rules in the contract's order; the first that applies blocks, and lifts as its window slides on. */
export function judgeFraud(history: PushHistory, limits: FraudLimits): FraudCode | undefined {
  const { burst, cancel_rate: cancel, failure_rate: failure, phone_diversity: diversity } = limits;
  if (history.pushesWithin(burst.seconds) >= burst.pushes) {
    const { finished, failures } = history.within(burst.finished_seconds);
    if (finished >= burst.finished && failures >= burst.failed * finished) return "FRAUD_BLOCK_BURST";
  }
  const cancels = history.within(cancel.seconds);
  if (cancels.finished >= cancel.finished && cancels.cancels >= cancel.cancelled * cancels.finished) {
    return "FRAUD_BLOCK_CANCEL_RATE";
  }
  const failures = history.within(failure.seconds);
  if (failures.finished >= failure.finished && failures.failures >= failure.failed * failures.finished) {
    return "FRAUD_BLOCK_FAILURE_RATE";
  }
  const { finished, phones, completed } = history.within(diversity.seconds);
  const isDiverse = finished >= diversity.finished && phones >= diversity.phones;
  if (isDiverse && completed < diversity.completed * finished) return "FRAUD_BLOCK_PHONE_DIVERSITY";
  return undefined;
}

/** So many occasions within a day suspend the key. */
export const OCCASIONS_TO_SUSPEND = 5;
