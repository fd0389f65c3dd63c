import type { Db } from "../../db/client.ts";
import type { Config } from "../../env.ts";
import type { Clock } from "../../lib/clock.ts";
import { storedMerchantId, storedPayoutId, storedTransactionId } from "../../lib/ids.ts";
import { parseJson } from "../../lib/json.ts";
import { translateStkCallback } from "../../upstreams/daraja/translate.ts";
import { NOT_PROCESSED } from "../callbacks/store.ts";
import { collect } from "../payments/collect.ts";
import { type Evidence, planSettlement, SUCCESS_DESC } from "../payments/rules.ts";
import { readForSettlement } from "../payments/settlement-store.ts";
import { planPayoutMove } from "../payouts/rules.ts";
import { readForMove } from "../payouts/store.ts";
import {
  contradictionOf,
  DEALT_WITH,
  type Effect,
  effectOnPayment,
  effectOnPayout,
  impossible,
  NOT_PAID_AFTER_MS,
  NOT_PAID_CODE,
  NOT_PAID_DESC,
  payoutEvidence,
  TRIED_AGAIN_FOR_MS,
  whyNot,
} from "./rules.ts";
import { findCallback, findReceipt, type StoredRuling } from "./store.ts";

export type EffectDeps = {
  db: Db;
  now: Clock;
  config: Pick<Config, "payoutFees" | "payoutsPaused" | "scaled">;
};

/** The payment that a ruling is about: of a callback the one that it is attached to. */
export const paymentOf = (ruling: StoredRuling) => ({
  merchantId: storedMerchantId(ruling.attachToMerchantId ?? ruling.merchantId),
  id: storedTransactionId(ruling.attachTo ?? ruling.reference),
});

export const payoutOf = (ruling: StoredRuling) => ({
  merchantId: storedMerchantId(ruling.merchantId),
  id: storedPayoutId(ruling.reference),
});

/** An operator's word on a payment, as evidence. */
export function paymentEvidence(ruling: StoredRuling): Evidence {
  return ruling.decision === "paid"
    ? {
        source: "ruling",
        result: {
          kind: "paid",
          amount: undefined,
          receipt: ruling.receipt ?? undefined,
          paidAt: undefined,
          desc: SUCCESS_DESC,
        },
      }
    : { source: "ruling", result: { kind: "failed", code: NOT_PAID_CODE, desc: NOT_PAID_DESC } };
}

/** The body of a kept callback as evidence, where it is one of a push. */
export function callbackEvidence(body: string): Evidence | undefined {
  const callback = translateStkCallback(parseJson(body));
  return callback && { source: "callback", ...callback };
}

/** What the ruling would do if it were applied now. Reads, and changes nothing. */
export function effectOf(deps: EffectDeps, ruling: StoredRuling): Promise<Effect> {
  switch (ruling.kind) {
    case "payment":
      return ofPayment(deps, ruling, paymentEvidence(ruling));
    case "payout":
      return ofPayout(deps, ruling);
    case "callback":
      return ofCallback(deps, ruling);
  }
}

async function ofPayment(deps: EffectDeps, ruling: StoredRuling, evidence: Evidence): Promise<Effect> {
  const receipt = evidence.result.kind === "paid" ? evidence.result.receipt : undefined;
  const { payment, receiptOwner, owed } = await readForSettlement(deps.db, paymentOf(ruling), receipt);
  if (!payment) return impossible("There is no such payment.");
  const now = deps.now();
  if (ruling.decision === "not_paid" && now < payment.createdAt + deps.config.scaled(NOT_PAID_AFTER_MS)) {
    return impossible("Its prompt may still be paid: wait until it is ten minutes old.");
  }
  if (receiptOwner !== undefined && receiptOwner !== payment.id) return impossible(whyNot("receipt_reused"));
  const elsewhere = receipt === undefined ? undefined : await findReceipt(deps.db, receipt);
  if (elsewhere?.payout) return impossible("A payout has this receipt: it is of money that went out.");
  const contradiction = elsewhere?.line && contradictionOf(elsewhere.line, payment);
  if (contradiction) return impossible(contradiction);
  const plan = planSettlement(payment, evidence);
  const money = plan.kind === "complete" ? collect(payment, owed, deps.config.payoutFees, now) : undefined;
  return effectOnPayment(payment, plan, money);
}

async function ofPayout(deps: EffectDeps, ruling: StoredRuling): Promise<Effect> {
  const { payoutsPaused, scaled } = deps.config;
  const { payout, wallet, receiptOwner } = await readForMove(
    deps.db,
    payoutOf(ruling),
    ruling.receipt ?? undefined,
  );
  if (!payout || !wallet) return impossible("There is no such payout.");
  if (ruling.receipt !== null && receiptOwner !== undefined && receiptOwner !== payout.id) {
    return impossible(whyNot("receipt_reused"));
  }
  const elsewhere = ruling.receipt === null ? undefined : await findReceipt(deps.db, ruling.receipt);
  if (elsewhere?.payment || elsewhere?.line) {
    return impossible("This receipt is of a customer's payment: of money that came in.");
  }
  // After a restore to an earlier time what has gone out since is queued again; paused, it stays so.
  const mayHaveGoneOut = payoutsPaused && payout.status === "queued" && ruling.decision === "paid";
  if (payout.attempt === 0 && !mayHaveGoneOut)
    return impossible("It was never sent: M-Pesa cannot have paid it.");
  if (payout.attempt !== ruling.attempt) return impossible("It was sent again since, under another id.");
  const now = deps.now();
  if (payout.status === "queued" && !mayHaveGoneOut) {
    return impossible("Nothing is under way: it is queued to be sent.");
  }
  if (ruling.decision === "not_paid") {
    if (payout.status !== "sending" && payout.status !== "sent")
      return impossible("It is not open any more.");
    if (now < (payout.sentAt ?? now) + scaled(NOT_PAID_AFTER_MS)) {
      return impossible("M-Pesa may still be at it: wait until it was sent ten minutes ago.");
    }
  }
  const move = planPayoutMove(payout, wallet, payoutEvidence(payout, ruling), now, scaled);
  return effectOnPayout(payout, move);
}

async function ofCallback(deps: EffectDeps, ruling: StoredRuling): Promise<Effect> {
  const callback = await findCallback(deps.db, ruling.reference, ruling.callbackId ?? "");
  if (!callback?.open) return impossible(DEALT_WITH);
  if (ruling.decision === "dismiss") {
    const isYoung = deps.now() < callback.receivedAt + deps.config.scaled(TRIED_AGAIN_FOR_MS);
    if (callback.verdict === NOT_PROCESSED && isYoung) {
      return impossible(
        "A fault of ours kept it from being processed, and the cron tries it again: wait an hour.",
      );
    }
    return {
      possible: true,
      summary: ["The callback is put aside as it is. No money is moved."],
      transfers: [],
    };
  }
  const evidence = callbackEvidence(callback.body);
  if (evidence?.source !== "callback" || evidence.result.kind !== "paid") {
    return impossible("It tells of no payment by a customer.");
  }
  const { payment } = await readForSettlement(deps.db, paymentOf(ruling), undefined);
  const isItsUrl = ruling.attachTo === ruling.reference;
  if (
    payment?.checkoutRequestId !== evidence.checkoutRequestId &&
    !(isItsUrl && payment?.checkoutRequestId === null)
  ) {
    return impossible(whyNot("wrong_checkout_id"));
  }
  return ofPayment(deps, ruling, evidence);
}
