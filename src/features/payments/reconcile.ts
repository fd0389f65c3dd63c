import type { Config } from "../../env.ts";
import { logEvent } from "../../http/log.ts";
import { storedMerchantId, storedTransactionId } from "../../lib/ids.ts";
import type { DarajaPort, PaymentResult } from "../../upstreams/daraja/port.ts";
import { GIVE_UP_MS, judgeQueryFailure, NO_RESULT, queryPauseMs } from "./rules.ts";
import { type SettleDeps, settle } from "./settle.ts";
import { noteQuery, type StoredTransaction } from "./store.ts";

export type ReconcileDeps = SettleDeps & {
  daraja: DarajaPort;
  config: SettleDeps["config"] & Pick<Config, "scaled">;
};

/**
 * Asks M-Pesa what became of one pending payment, which the caller has to itself, and applies a definite answer. Anything else, silence
 * and noise included, only sets when to ask again; after 24 hours without proof the payment has failed.
 * `isExtra`: somebody wants to know it now, and the schedule stays as it was.
 */
export async function reconcile(
  deps: ReconcileDeps,
  payment: StoredTransaction,
  { isExtra = false } = {},
): Promise<void> {
  const { scaled } = deps.config;
  const giveUpAt = payment.createdAt + scaled(GIVE_UP_MS);
  const ref = { merchantId: storedMerchantId(payment.merchantId), id: storedTransactionId(payment.id) };
  const settleAs = (result: PaymentResult) => settle(deps, ref, { source: "query", result });

  const outcome = payment.checkoutRequestId
    ? await deps.daraja.stkQuery(payment.checkoutRequestId)
    : ({ kind: "no_answer", detail: "M-Pesa's checkout id is not known" } as const);
  const now = deps.now();

  if (outcome.kind === "answered" && outcome.result.kind === "paid") {
    await settleAs(outcome.result);
    return;
  }
  const failed = outcome.kind === "answered" && outcome.result.kind === "failed" ? outcome.result : undefined;
  const judgement = failed && judgeQueryFailure(payment, failed.code, now, scaled);
  if (failed && judgement?.final) {
    await settleAs(failed);
  } else if (now >= giveUpAt) {
    const plan = await settle(deps, ref, { source: "silence", result: { kind: "failed", ...NO_RESULT } });
    if (plan.kind !== "none") logEvent("payment_given_up", { transaction: payment.id });
  } else if (failed && judgement && !judgement.final) {
    const failure = { queryFailureCode: failed.code, queryFailureAt: judgement.since };
    const dueAt = Math.min(judgement.askAgainAt, giveUpAt);
    await noteQuery(deps.db, payment, { dueAt, ...failure }, !isExtra);
  } else {
    const pause = scaled(queryPauseMs(payment.queryCount));
    const scheduled = isExtra ? (payment.dueAt ?? now) : now + pause;
    // M-Pesa may still be answering the push, and its id is to be asked for as soon as it is stored.
    const mayGetId = payment.acknowledgement === null;
    const askAgainAt = payment.checkoutRequestId || mayGetId ? scheduled : giveUpAt;
    await noteQuery(deps.db, payment, { dueAt: Math.min(askAgainAt, giveUpAt) }, !isExtra);
  }
}
