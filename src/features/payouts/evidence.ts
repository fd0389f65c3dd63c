import type { PayoutResult } from "../../upstreams/daraja/port.ts";
import type { PayoutCallbackKind } from "./callback-url.ts";
import type { PayoutEvidence } from "./rules.ts";

/** Statuses of M-Pesa's that say that the money will not move. */
const FAILED_STATUSES = new Set(["Cancelled", "Declined", "Expired", "Failed"]);
const NO_SUCH_TRANSACTION = "2033";

/** A timeout of M-Pesa's queue is no verdict: the money may have moved. */
export function evidenceOf(kind: PayoutCallbackKind, attempt: number, result: PayoutResult): PayoutEvidence {
  const { code, desc, amount, transactionStatus, conversationId, originatorId } = result;
  const noVerdict = { kind: "no_verdict", detail: `${code} ${desc}` } as const;
  if (kind === "timeout" || kind === "status-timeout")
    return { source: "status", attempt, outcome: noVerdict };
  if (kind === "result") {
    const ids = { source: "result", attempt, conversationId, originatorId } as const;
    if (code !== "0") return { ...ids, outcome: { kind: "failed", code, desc } };
    const receipt = result.receipt ?? result.transactionId;
    return receipt ? { ...ids, outcome: { kind: "paid", receipt, amount } } : { ...ids, outcome: noVerdict };
  }
  const status = { source: "status", attempt } as const;
  if (code === NO_SUCH_TRANSACTION) return { ...status, outcome: { kind: "absent" } };
  // Only the receipt that the answer names: its own TransactionID is the question's.
  if (code === "0" && transactionStatus === "Completed" && result.receipt) {
    return { ...status, outcome: { kind: "paid", receipt: result.receipt, amount } };
  }
  if (code === "0" && transactionStatus && FAILED_STATUSES.has(transactionStatus)) {
    return { ...status, outcome: { kind: "failed", code: transactionStatus, desc } };
  }
  return { ...status, outcome: noVerdict };
}
