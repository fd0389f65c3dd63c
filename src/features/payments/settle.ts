import type { Db } from "../../db/client.ts";
import type { Config } from "../../env.ts";
import { logEvent } from "../../http/log.ts";
import type { Clock } from "../../lib/clock.ts";
import { storedKeyId } from "../../lib/ids.ts";
import type { Meter } from "../../lib/meter.ts";
import { keepCallback, type RawCallback } from "../callbacks/store.ts";
import { outcomeOf } from "../fraud/rules.ts";
import type { Companion } from "../ledger/store.ts";
import type { LimitsPort } from "../limits/port.ts";
import { announceNotices, type NotifyDeps, operatorsNotice, tellOperator } from "../notices/notify.ts";
import type { NewNotice } from "../notices/store.ts";
import type { PayoutMessage } from "../payouts/message.ts";
import { type Recipients, receiptNotices } from "../receipts/rules.ts";
import { type AnnounceDeps, announceDelivery } from "../webhooks/announce.ts";
import { ATTEMPT_LEASE_MS, deliveryIdOf, webhookBody } from "../webhooks/rules.ts";
import type { NewDelivery } from "../webhooks/store.ts";
import { collect } from "./collect.ts";
import { type Evidence, planSettlement, publicCheckoutId, type SettlementPlan } from "./rules.ts";
import { type Change, commitSettlement, readForSettlement } from "./settlement-store.ts";
import type { PaymentRef, StoredTransaction } from "./store.ts";

export type SettleDeps = AnnounceDeps & {
  db: Db;
  now: Clock;
  config: AnnounceDeps["config"] & NotifyDeps["config"] & Pick<Config, "payoutFees">;
  payoutQueue: Pick<Queue<PayoutMessage>, "send">;
  limits: Pick<LimitsPort, "finishPush">;
  noticeQueue: NotifyDeps["noticeQueue"];
  meter: Pick<Meter, "note">;
  background: (work: Promise<unknown>) => void;
};

/** How often the payment may change between the read and the write before that is a fault. */
const MAX_ROUNDS = 5;

/**
 * Applies M-Pesa's word about a payment, whichever door it came through: reads, decides, and writes
 * everything in one guarded batch, so that any number of copies and doors settle it once.
 * A callback's body is kept in any case, in that same batch where it changes something. An operator's ruling
 * comes with a companion: what is written with the change, and without which nothing is.
 */
export async function settle(
  deps: SettleDeps,
  ref: PaymentRef,
  evidence: Evidence,
  raw?: RawCallback,
  companion?: Companion,
): Promise<SettlementPlan> {
  const receipt = evidence.result.kind === "paid" ? evidence.result.receipt : undefined;
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const { payment, receiptOwner, owed, recipients } = await readForSettlement(deps.db, ref, receipt);
    const plan = judge(payment, receiptOwner, evidence);
    if (plan.kind === "none" || !payment) {
      if (raw && plan.kind === "none") {
        await keepCallback(deps.db, ref, raw, { verdict: plan.verdict, open: plan.needsOperator });
        if (plan.needsOperator) await tellUnmatched(deps, ref, plan.verdict);
      }
      return plan;
    }
    const now = deps.now();
    const learnt = learntFrom(payment, evidence);
    const delivery = announcement({ ...payment, ...learnt }, plan, now);
    const money = plan.kind === "complete" ? collect(payment, owed, deps.config.payoutFees, now) : undefined;
    const notices = [
      ...receipts(payment, plan, recipients, now),
      ...(evidence.source === "silence" ? operatorsNotice(deps.config, givenUp(payment), now) : []),
    ];
    const written = { now, learnt, raw, delivery, money, notices, companion };
    if (!(await commitSettlement(deps.db, payment, plan, written))) {
      if (companion && !(await companion.holds()))
        return { kind: "none", verdict: "overtaken", needsOperator: false };
      continue;
    }
    deps.metrics({
      kind: "payment",
      name: plan.kind === "complete" || plan.kind === "fill_receipt" ? plan.kind : `failed_${plan.code}`,
      detail: evidence.source,
      ms: now - payment.createdAt,
    });
    if (plan.kind === "complete") deps.meter.note(`settled:${evidence.source}`, { at: now });
    logEvent("payment_settled", { transaction: payment.id, result: plan.kind, source: evidence.source });
    if (delivery) deps.background(announceDelivery(deps, delivery));
    if (plan.kind !== "fill_receipt" && payment.purchase === null) {
      const outcome = outcomeOf(plan.kind === "complete" ? "0" : plan.code);
      deps.background(deps.limits.finishPush(storedKeyId(payment.keyId), payment.id, outcome));
    }
    if (money?.payout?.status === "queued")
      deps.background(deps.payoutQueue.send({ merchantId: ref.merchantId, id: money.payout.id }));
    const ids = notices.map(({ id }) => id);
    if (ids.length > 0) deps.background(announceNotices(deps, ids));
    return plan;
  }
  throw new Error(`payment ${ref.id} kept changing while it was being settled`);
}

const tellUnmatched = (deps: SettleDeps, { id }: PaymentRef, verdict: string) =>
  tellOperator(deps, {
    id: `callback_unmatched:${id}:${verdict}`,
    subject: "A callback of M-Pesa's does not fit its payment",
    body: `A result came for the payment ${id} with the right secret, and does not fit it (${verdict}). It was kept, and nothing was credited. Compare it with M-Pesa's own statement.\n`,
  });

/** Nobody asks about the payment any more: with its failure goes the word of it. */
const givenUp = ({ id, amount }: StoredTransaction) => ({
  id: `payment_given_up:${id}`,
  subject: "A payment has had no result for a day",
  body: `M-Pesa has not told what became of the payment ${id} of KES ${amount}, so it counts as failed. If M-Pesa proves it later, it is completed all the same.\n`,
});

function judge(
  payment: StoredTransaction | undefined,
  receiptOwner: string | undefined,
  evidence: Evidence,
): SettlementPlan {
  if (!payment) return { kind: "none", verdict: "unknown_payment", needsOperator: true };
  const plan = planSettlement(payment, evidence);
  const isReused = receiptOwner !== undefined && receiptOwner !== payment.id;
  return isReused && plan.kind !== "none"
    ? { kind: "none", verdict: "receipt_reused", needsOperator: true }
    : plan;
}

/** M-Pesa's ids, for a payment that does not have them yet. */
function learntFrom(payment: StoredTransaction, evidence: Evidence) {
  if (evidence.source !== "callback" || payment.checkoutRequestId !== null) return {};
  const { checkoutRequestId, merchantRequestId } = evidence;
  // A callback that overtakes the push's answer is that answer: the merchant is told M-Pesa's id by both.
  const accepted = payment.acknowledgement === null ? { acknowledgement: "accepted" as const } : {};
  return { checkoutRequestId, merchantRequestId, ...accepted };
}

/** Who is told that the payment is complete; nobody of what the merchant itself buys from the operator. */
function receipts(
  payment: StoredTransaction,
  change: Change,
  to: Recipients | undefined,
  now: number,
): NewNotice[] {
  if (change.kind !== "complete" || payment.purchase !== null || !to) return [];
  return receiptNotices({ ...payment, receipt: change.receipt, paidAt: change.paidAt ?? now }, to, now);
}

/** The webhook that tells this change, if the payment has a URL to tell and the change is a final result. */
function announcement(payment: StoredTransaction, change: Change, now: number): NewDelivery | undefined {
  if (change.kind === "fill_receipt" || payment.callbackUrl === "") return undefined;
  const isPaid = change.kind === "complete";
  const body = webhookBody({
    merchantRequestId: payment.merchantRequestId ?? "",
    checkoutRequestId: publicCheckoutId(payment),
    resultCode: isPaid ? "0" : change.code,
    resultDesc: change.desc,
    ...(isPaid
      ? {
          payment: {
            amount: payment.amount,
            receipt: change.receipt ?? payment.id,
            paidAt: change.paidAt ?? now,
            phone: payment.phone,
          },
        }
      : {}),
  });
  return {
    merchantId: payment.merchantId,
    id: deliveryIdOf(payment.id, isPaid ? "completed" : "failed"),
    keyId: payment.keyId,
    transactionId: payment.id,
    url: payment.callbackUrl,
    body: JSON.stringify(body),
    attemptCount: 0,
    attempts: "[]",
    createdAt: now,
    dueAt: now + ATTEMPT_LEASE_MS,
  };
}
