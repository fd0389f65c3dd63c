import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../lib/clock.ts";
import type { MerchantId } from "../../lib/ids.ts";
import { type Destination, isWallet } from "../keys/destination.ts";
import { ACCOUNTS } from "../ledger/accounts.ts";
import { clawbackPostings, creditPostings, type Posting, paidOutPostings } from "../ledger/rules.ts";
import type { StoredPayout } from "./store.ts";

/** B2C pays from 10 to 250,000 at a time; B2B shares the upper bound. */
export const B2C_MINIMUM = 10;
export const PAYOUT_MAXIMUM = 250_000;

export type Channel = "b2c" | "b2b";
type Payable = Exclude<Destination, { method: "wallet" }>;

/** Whether the customer's money lands on the operator's shortcode first, under this routing. */
export const isCollected = (destination: Destination, routing: "direct" | "settle") =>
  routing === "settle" || destination.method === "phone" || isWallet(destination);

export const channelOf = (destination: Payable): Channel => (destination.method === "phone" ? "b2c" : "b2b");

/** Who is paid, as one text. */
export function targetOf(destination: Payable): string {
  switch (destination.method) {
    case "phone":
      return `phone:${destination.phone}`;
    case "paybill":
      return `paybill:${destination.paybill_number}:${destination.account_number}`;
    case "till":
      return `till:${destination.till_number}`;
    case "bankpaybill":
      return `paybill:${destination.bank_code}:${destination.bank_account}`;
  }
}

export type PayoutPlan =
  | { kind: "none" }
  | { kind: "pay_out"; channel: Channel; target: string; amount: number; fee: number }
  /** It cannot go out and stays in the wallet. */
  | { kind: "keep"; channel: Channel; target: string; amount: number; reason: string };

/**
 * What happens to money that was collected for a destination.
 * @param available what is left of it after what the merchant owes.
 */
export function planPayout(
  destination: Destination,
  routing: "direct" | "settle",
  available: number,
  fees: Record<Channel, number>,
): PayoutPlan {
  if (destination.method === "wallet" || isWallet(destination) || !isCollected(destination, routing)) {
    return { kind: "none" };
  }
  const channel = channelOf(destination);
  const target = targetOf(destination);
  const fee = fees[channel];
  const amount = available - fee;
  const minimum = channel === "b2c" ? B2C_MINIMUM : 1;
  // All of it paid back what was owed: nothing is left to pay out or to keep.
  if (available <= 0) return { kind: "none" };
  const reason =
    amount < minimum
      ? `Less than M-Pesa's minimum of KES ${minimum} for a payout: it stays in your wallet.`
      : amount > PAYOUT_MAXIMUM
        ? "More than M-Pesa's maximum of KES 250,000 for a payout: it stays in your wallet."
        : undefined;
  if (reason) return { kind: "keep", channel, target, amount: available, reason };
  return { kind: "pay_out", channel, target, amount, fee };
}

/** What M-Pesa says of one attempt. */
export type PayoutEvidence = {
  /** `gateway`: our own decision to give up what is surely not under way. `ruling`: the operator's word. */
  source: "result" | "status" | "gateway" | "ruling";
  attempt: number;
  /** M-Pesa's ids in the body; those of a status answer are the query's own and say nothing. */
  conversationId?: string;
  originatorId?: string;
  outcome:
    | { kind: "paid"; receipt: string; amount: number | undefined }
    | { kind: "failed"; code: string; desc: string }
    /** Transaction Status knows no such transaction. */
    | { kind: "absent" }
    | { kind: "no_verdict"; detail: string }
    /** M-Pesa did not take the attempt: it is tried again from `dueAt` on. */
    | { kind: "not_sent"; dueAt: number; reason: string }
    /** `from`: what the payout was when that was decided. */
    | { kind: "given_up"; from: GivenUpFrom; reason: string };
};

/** Only an operator gives up what M-Pesa acknowledged. */
type GivenUpFrom = "queued" | "sending" | "sent";

export type PayoutMove =
  /** `secondReceipt`: another attempt was paid too, which the operator has to see to. */
  | { kind: "pay"; receipt: string; postings: Posting[]; secondReceipt?: string }
  | { kind: "pay_after_failure"; receipt: string; postings: Posting[] }
  | { kind: "fail"; reason: string; postings: Posting[] }
  /** Sent again later: under a new id, or under the same one where M-Pesa never had it. */
  | { kind: "requeue"; dueAt: number; reason: string; sameId: boolean; tellOperator: boolean }
  | { kind: "note_absent"; dueAt: number }
  /** An earlier attempt was paid while a later one is under way: whatever becomes of that one, the payee has the money. */
  | { kind: "note_paid"; receipt: string }
  | { kind: "none"; verdict: string; needsOperator: boolean };

/** "Same amount, same customer within 2 minutes": goes out again after that, under a new id. */
const SAME_AMOUNT_CODE = "17";
const SAME_AMOUNT_PAUSE_MS = 2 * MINUTE_MS + 5 * SECOND_MS;
/** "Duplicate": M-Pesa has it already, so this is no reason to believe that it was not paid. */
const DUPLICATE_CODE = "15";
/** The operator's float, credential or M-Pesa itself is in trouble; the payee is not. */
const OPERATOR_CODES = new Set(["1", "18", "20", "21", "26", "2001", "8006", "11"]);
export const OPERATOR_PAUSE_MS = 10 * MINUTE_MS;
/** What cannot be sent for so long stays in the wallet. */
export const KEEP_TRYING_MS = DAY_MS;
/** Without M-Pesa's acknowledgement for so long, a payout needs the operator, who may rule on it from then on. */
export const UNACKNOWLEDGED_MS = 10 * MINUTE_MS;

/** When a payout that cannot be made is given up; the time behind an unclear one to the same payee, or in a pause, does not count. */
export const giveUpAt = (
  payout: Pick<StoredPayout, "createdAt" | "heldUpAt">,
  scaled: (ms: number) => number,
) => (payout.heldUpAt ?? payout.createdAt) + scaled(KEEP_TRYING_MS);
/** Two answers of "no such transaction" this far apart mean that it never reached M-Pesa. */
const ABSENT_APART_MS = MINUTE_MS;
/** "No such transaction" means "never processed" of what was just sent; of what is older it may mean anything. */
const ABSENT_PROVES_FOR_MS = 6 * HOUR_MS;

const nothing = (verdict: string, needsOperator = false): PayoutMove => ({
  kind: "none",
  verdict,
  needsOperator,
});

/**
 * What M-Pesa's word about a payout changes. Only a definite word moves it: an unclear one is never
 * sent again, a paid one never undone, and one that failed is paid after all when that is proved.
 */
export function planPayoutMove(
  payout: StoredPayout,
  wallet: { balance: number; owed: number },
  evidence: PayoutEvidence,
  now: number,
  scaled: (ms: number) => number,
): PayoutMove {
  const { outcome } = evidence;
  const isUnderWay = payout.status === "sending" || payout.status === "sent";
  const isCurrent = evidence.attempt === payout.attempt;
  if (evidence.source === "result" && isCurrent && !idsAgree(payout, evidence)) {
    return nothing("wrong_conversation", true);
  }
  if (outcome.kind === "not_sent") return planNotSent(payout, outcome, isCurrent);
  if (outcome.kind === "given_up") return planGivenUp(payout, wallet, outcome, isCurrent);
  if (outcome.kind === "paid") {
    const isRuling = evidence.source === "ruling";
    return planPaid(payout, wallet, outcome, { mayMove: isCurrent || !isUnderWay, isRuling });
  }
  const isResult = evidence.source === "result";
  if (payout.status === "paid") return nothing("late_failure", isResult && isCurrent);
  if (!isUnderWay || !isCurrent) return nothing("duplicate");
  switch (outcome.kind) {
    case "no_verdict":
      return nothing("no_verdict", isResult);
    case "absent":
      return planAbsent(payout, now, scaled);
    case "failed":
      return planFailed(payout, wallet, outcome, now, scaled);
  }
}

function idsAgree(payout: StoredPayout, evidence: PayoutEvidence): boolean {
  if (payout.conversationId === null) return true;
  const ours = [payout.originatorId, payout.darajaOriginatorId];
  return evidence.conversationId === payout.conversationId || ours.includes(evidence.originatorId ?? "");
}

function planPaid(
  payout: StoredPayout,
  wallet: { balance: number },
  paid: { receipt: string; amount: number | undefined },
  { mayMove, isRuling }: { mayMove: boolean; isRuling: boolean },
): PayoutMove {
  const merchant = payout.merchantId as MerchantId; // from our own row
  const { receipt } = paid;
  if (paid.amount !== undefined && paid.amount !== payout.amount) return nothing("wrong_amount", true);
  const isSecond = payout.receipt !== null && receipt !== payout.receipt;
  if (payout.status === "paid") return isSecond ? nothing("second_receipt", true) : nothing("duplicate");
  if (!mayMove) {
    if (isSecond) return nothing("second_receipt", true);
    return payout.receipt === null ? { kind: "note_paid", receipt } : nothing("duplicate");
  }
  if (payout.receipt !== null && isSecond) {
    // A ruling has to name the receipt that is known; M-Pesa's own word of a second one ends the waiting.
    if (isRuling) return nothing("second_receipt", true);
    return { ...pay(payout, payout.receipt), secondReceipt: receipt };
  }
  if (payout.status !== "failed") return pay(payout, receipt);
  const postings = clawbackPostings(merchant, "paid_after_failure", payout.amount, wallet.balance);
  return { kind: "pay_after_failure", receipt, postings };
}

const pay = (payout: StoredPayout, receipt: string) => ({
  kind: "pay" as const,
  receipt,
  postings: paidOutPostings(payout.merchantId as MerchantId, payout.amount, payout.fee), // from our own row
});

function planAbsent(payout: StoredPayout, now: number, scaled: (ms: number) => number): PayoutMove {
  // M-Pesa took it, so it has it, whatever this answer says.
  if (payout.status !== "sending") return nothing("absent_though_acknowledged");
  if (payout.receipt !== null) return pay(payout, payout.receipt);
  if (now >= (payout.sentAt ?? now) + scaled(ABSENT_PROVES_FOR_MS)) return nothing("absent_when_old");
  const apart = scaled(ABSENT_APART_MS);
  if (payout.absentSince === null || now - payout.absentSince < apart) {
    return { kind: "note_absent", dueAt: (payout.absentSince ?? now) + apart };
  }
  return { kind: "requeue", dueAt: now, reason: "M-Pesa never had it.", sameId: true, tellOperator: false };
}

function planFailed(
  payout: StoredPayout,
  wallet: { owed: number },
  failed: { code: string; desc: string },
  now: number,
  scaled: (ms: number) => number,
): PayoutMove {
  const { code, desc } = failed;
  if (code === DUPLICATE_CODE) return nothing("duplicate_at_mpesa", true);
  if (payout.receipt !== null) return pay(payout, payout.receipt);
  const isOver = now >= giveUpAt(payout, scaled);
  if (!isOver && code === SAME_AMOUNT_CODE) {
    const dueAt = now + scaled(SAME_AMOUNT_PAUSE_MS);
    const reason = "M-Pesa takes the same amount to the same number once in 2 minutes; it goes out again.";
    return { kind: "requeue", dueAt, reason, sameId: false, tellOperator: false };
  }
  if (!isOver && OPERATOR_CODES.has(code)) {
    const dueAt = now + scaled(OPERATOR_PAUSE_MS);
    const reason = `It waits for M-Pesa: ${desc}`;
    return { kind: "requeue", dueAt, reason, sameId: false, tellOperator: true };
  }
  return { kind: "fail", reason: `M-Pesa: ${desc} (${code})`, postings: giveBackPostings(payout, wallet) };
}

/** It keeps its id; where an earlier attempt turned out to be paid meanwhile, nothing is sent any more. */
function planNotSent(
  payout: StoredPayout,
  { dueAt, reason }: { dueAt: number; reason: string },
  isCurrent: boolean,
): PayoutMove {
  if (payout.status !== "sending" || !isCurrent) return nothing("duplicate");
  if (payout.receipt !== null) return pay(payout, payout.receipt);
  return { kind: "requeue", dueAt, reason, sameId: true, tellOperator: false };
}

function planGivenUp(
  payout: StoredPayout,
  wallet: { owed: number },
  { from, reason }: { from: GivenUpFrom; reason: string },
  isCurrent: boolean,
): PayoutMove {
  if (payout.status !== from || !isCurrent) return nothing("given_up_too_late");
  if (payout.receipt !== null) return pay(payout, payout.receipt);
  return { kind: "fail", reason, postings: giveBackPostings(payout, wallet) };
}

/** What was held becomes the merchant's again. */
export const giveBackPostings = (payout: StoredPayout, { owed }: { owed: number }) => {
  const merchant = payout.merchantId as MerchantId; // from our own row
  return creditPostings(merchant, "given_back", ACCOUNTS.held(merchant), payout.amount + payout.fee, owed);
};

/** Behind a payout to the same payee that was sent so long ago: 10 s, then as long again, up to 10 min. */
export const behindPauseMs = (sentForMs: number, scaled: (ms: number) => number) =>
  Math.min(Math.max(sentForMs, scaled(10 * SECOND_MS)), scaled(10 * MINUTE_MS));

/** How far apart those come that wait for the same payee: about as long as M-Pesa takes to acknowledge one. */
export const IN_LINE_APART_MS = SECOND_MS;

/** How long M-Pesa's result is waited for before it is asked: 1 min, 90 s … up to half an hour. */
export const statusPauseMs = (queriesSent: number) =>
  Math.min(Math.round(MINUTE_MS * 1.5 ** queriesSent), 30 * MINUTE_MS);
