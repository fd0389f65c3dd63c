import { HOUR_MS, MINUTE_MS } from "../../lib/clock.ts";
import { maskMsisdn, parseMsisdn } from "../../lib/msisdn.ts";
import { describeDestination, storedDestination } from "../keys/destination.ts";
import type { Posting } from "../ledger/rules.ts";
import type { Collection } from "../payments/collect.ts";
import type { SettlementPlan } from "../payments/rules.ts";
import type { StoredTransaction } from "../payments/store.ts";
import { type PayoutEvidence, type PayoutMove, UNACKNOWLEDGED_MS } from "../payouts/rules.ts";
import type { StoredPayout } from "../payouts/store.ts";

/** What a callback is ruled on by: `cb:`, the payment or payout that its URL named, and its own id. */
export const callbackSubject = ({ reference, id }: { reference: string; id: string }) =>
  `cb:${reference}:${id}`;

export function parseCallbackSubject(subject: string): { reference: string; id: string } | undefined {
  const [, reference, id] = /^cb:([^:]+):([0-9a-f]+)$/.exec(subject) ?? [];
  return reference && id ? { reference, id } : undefined;
}

/** What a ruling would do now: said in sentences, and as the ledger's transfers in whole shillings. */
export type Effect =
  | { possible: true; summary: string[]; transfers: Posting[] }
  | { possible: false; why: string };

export const impossible = (why: string): Effect => ({ possible: false, why });

const does = (summary: string[], transfers: Posting[] = []): Effect => ({
  possible: true,
  summary,
  transfers,
});

/** So long a prompt may still be paid, and a payout may still be acknowledged: until then "not paid" is a guess. */
export const NOT_PAID_AFTER_MS = UNACKNOWLEDGED_MS;

/** What is as it was since then is unclear, by how it stands. */
export type UnclearBefore = { unanswered: number; pending: number; payout: number };

export const unclearBefore = (scaled: (ms: number) => number, now: number): UnclearBefore => ({
  unanswered: now - scaled(MINUTE_MS),
  pending: now - scaled(NOT_PAID_AFTER_MS),
  payout: now - scaled(5 * MINUTE_MS),
});

/** So long a callback that met a fault of ours is left to the cron alone. */
export const TRIED_AGAIN_FOR_MS = HOUR_MS;

/** What M-Pesa's own statement says against this payment. A number that M-Pesa or an erasure hid tells nothing. */
export function contradictionOf(
  line: { amount: number; phone: string },
  payment: { amount: number; phone: string },
): string | undefined {
  if (line.amount !== payment.amount) return `M-Pesa's statement has this receipt with KES ${line.amount}.`;
  const [paidBy, asked] = [parseMsisdn(line.phone), parseMsisdn(payment.phone)];
  return paidBy !== undefined && asked !== undefined && paidBy !== asked
    ? `M-Pesa's statement has this receipt from another number, ${maskMsisdn(paidBy)}.`
    : undefined;
}

export const NOT_PAID_CODE = "9999";
export const NOT_PAID_DESC = "M-Pesa has no proof that this was paid.";

const kes = (amount: number) => `KES ${amount.toLocaleString("en-KE")}`;

export const DEALT_WITH = "This callback is dealt with already.";

/** Why nothing would change, in words. */
const VERDICTS: Record<string, string> = {
  duplicate: "It is settled so already.",
  failure_after_success: "It is completed, and a success is never undone.",
  receipt_reused: "Another one has this receipt already.",
  second_receipt: "It has another receipt already.",
  late_failure: "It is paid, and that is never undone.",
  given_up_too_late: "It has moved on since.",
  wrong_checkout_id: "The callback is about another checkout request.",
  wrong_amount: "The callback tells another amount.",
  overtaken: "A receipt that it names was used meanwhile, or another decided it.",
  no_receipt: "The callback has no receipt.",
};

export const whyNot = (verdict: string) => VERDICTS[verdict] ?? `The rules do not allow it (${verdict}).`;

/** What a settlement would do to the payment. */
export function effectOnPayment(
  payment: StoredTransaction,
  plan: SettlementPlan,
  money: Collection | undefined,
): Effect {
  const amount = kes(payment.amount);
  switch (plan.kind) {
    case "none":
      return impossible(whyNot(plan.verdict));
    case "fail":
      return does([
        `The payment of ${amount} counts as not paid. No money is moved.`,
        "Its merchant is told so by webhook. A later proof by M-Pesa completes it all the same.",
      ]);
    case "fill_receipt":
      return does([`The payment of ${amount} is complete already, and gets its receipt. No money is moved.`]);
    case "complete":
      return does(
        [...completed(payment, amount, money), "Its merchant is told so by webhook."],
        money?.postings,
      );
  }
}

function completed(payment: StoredTransaction, amount: string, money: Collection | undefined): string[] {
  if (!money) {
    return [
      `The payment of ${amount} counts as paid. M-Pesa brought it to the merchant's own number, so no money is moved here.`,
    ];
  }
  if (money.purchase)
    return [`The payment of ${amount} counts as paid, and the merchant gets what it bought.`];
  const { payout } = money;
  const credited = `${amount} is credited to the merchant's wallet.`;
  if (!payout) return [credited];
  if (payout.status === "failed") return [credited, payout.reason ?? ""];
  const to = describeDestination(storedDestination(payment.destination));
  return [credited, `${kes(payout.amount)} of it is then sent on to ${to}.`];
}

/** What a move would do to the payout. */
export function effectOnPayout(payout: StoredPayout, move: PayoutMove): Effect {
  const amount = kes(payout.amount);
  switch (move.kind) {
    case "none":
      return impossible(whyNot(move.verdict));
    case "pay":
      return does(
        [`The payout of ${amount} counts as paid: what was held for it has left M-Pesa.`],
        move.postings,
      );
    case "pay_after_failure":
      return does(
        [`The payout of ${amount} was given back, and counts as paid now: the wallet pays it, or owes it.`],
        move.postings,
      );
    case "fail":
      return does(
        [
          `${kes(payout.amount + payout.fee)} goes back into the merchant's wallet. It is not sent again.`,
          "The merchant is told by email, and can withdraw it. If M-Pesa proves later that it was paid, the wallet pays it back.",
        ],
        move.postings,
      );
    default:
      return impossible("The rules do not allow it.");
  }
}

/** An operator's word on a payout, as evidence about the attempt that it is about. */
export function payoutEvidence(
  payout: StoredPayout,
  ruling: { decision: string; receipt: string | null; attempt: number | null },
): PayoutEvidence {
  const attempt = ruling.attempt ?? payout.attempt;
  if (ruling.decision === "paid") {
    const receipt = ruling.receipt ?? "";
    return { source: "ruling", attempt, outcome: { kind: "paid", receipt, amount: undefined } };
  }
  const from = payout.status === "sent" ? "sent" : "sending";
  const reason = "M-Pesa did not make it, as the operator found.";
  return { source: "ruling", attempt, outcome: { kind: "given_up", from, reason } };
}
