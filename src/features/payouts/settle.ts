import type { Config } from "../../env.ts";
import { logEvent } from "../../http/log.ts";
import { HOUR_MS } from "../../lib/clock.ts";
import { keepCallback, type RawCallback } from "../callbacks/store.ts";
import type { Companion } from "../ledger/store.ts";
import { announceNotices, type NotifyDeps, tellOperator } from "../notices/notify.ts";
import type { NewNotice } from "../notices/store.ts";
import { type PayoutEvidence, type PayoutMove, planPayoutMove } from "./rules.ts";
import { commitMove, type PayoutRef, readForMove, type StoredPayout } from "./store.ts";

export type SettlePayoutDeps = NotifyDeps & {
  config: NotifyDeps["config"] & Pick<Config, "scaled">;
  background: (work: Promise<unknown>) => void;
};

const MAX_ROUNDS = 5;

/**
 * Applies M-Pesa's word about a payout: reads, decides, and writes everything in one guarded batch, so
 * that it is paid or given back exactly once. A body that changes nothing is kept all the same. An operator's
 * ruling comes with a companion: what is written with the move, and without which nothing is.
 */
export async function settlePayout(
  deps: SettlePayoutDeps,
  ref: PayoutRef,
  evidence: PayoutEvidence,
  raw?: RawCallback,
  companion?: Companion,
): Promise<PayoutMove> {
  const receipt = evidence.outcome.kind === "paid" ? evidence.outcome.receipt : undefined;
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const { payout, wallet, email, receiptOwner } = await readForMove(deps.db, ref, receipt);
    if (!payout) return unknownPayout(deps, ref, raw);
    if (!wallet) throw new Error(`there is no wallet for the payout ${ref.id}`);
    const now = deps.now();
    const isReused = receiptOwner !== undefined && receiptOwner !== payout.id;
    const move: PayoutMove = isReused
      ? { kind: "none", verdict: "receipt_reused", needsOperator: true }
      : planPayoutMove(payout, wallet, evidence, now, deps.config.scaled);
    if (move.kind === "none") {
      if (raw) await keepCallback(deps.db, ref, raw, { verdict: move.verdict, open: move.needsOperator });
      if (move.needsOperator) await tellUnclear(deps, payout, move.verdict);
      return move;
    }
    const notice = email ? failureNotice(payout, move, email, now) : undefined;
    // A give-back reckons with what is owed, a claw-back with what the wallet holds.
    const asReckoned =
      move.kind === "pay_after_failure" ? { balance: wallet.balance } : { owed: wallet.owed };
    const expects = "postings" in move && move.kind !== "pay" ? asReckoned : {};
    const written = { now, wallet: expects, raw, notice, companion };
    if (!(await commitMove(deps.db, payout, move, written))) {
      if (companion && !(await companion.holds()))
        return { kind: "none", verdict: "overtaken", needsOperator: false };
      continue;
    }
    logEvent("payout_moved", { payout: payout.id, move: move.kind, source: evidence.source });
    if (notice) deps.background(announceNotices(deps, [notice.id]));
    if (move.kind === "note_paid") await tellUnclear(deps, payout, "earlier_attempt_paid");
    if (move.kind === "pay" && move.secondReceipt) await tellUnclear(deps, payout, "second_receipt");
    if (move.kind === "requeue" && move.tellOperator) await tellWaiting(deps, payout, move.reason);
    return move;
  }
  throw new Error(`payout ${ref.id} kept changing while it was being settled`);
}

/** As after a restore of the database to a time before the payout was made. */
async function unknownPayout(
  deps: SettlePayoutDeps,
  ref: PayoutRef,
  raw: RawCallback | undefined,
): Promise<PayoutMove> {
  const verdict = "unknown_payout";
  if (raw) {
    await keepCallback(deps.db, ref, raw, { verdict, open: true });
    await tellOperator(deps, {
      id: `callback_unmatched:${ref.id}:${verdict}`,
      subject: "M-Pesa tells of a payout that we do not know",
      body: `A result came for the payout ${ref.id} with the right secret, and there is no such payout (${verdict}). It was kept, and no money was moved on our books. Compare it with M-Pesa's own statement: where the database was restored to an earlier time, the payout may have been made since.`,
    });
  }
  return { kind: "none", verdict, needsOperator: true };
}

function failureNotice(
  payout: StoredPayout,
  move: PayoutMove,
  email: string,
  now: number,
): NewNotice | undefined {
  if (move.kind !== "fail") return undefined;
  return {
    id: `payout_failed:${payout.id}`,
    merchantId: payout.merchantId,
    channel: "email",
    recipient: email,
    subject: `A payout of KES ${payout.amount} did not go through`,
    body: [
      `Your payout ${payout.id} of KES ${payout.amount} did not go through.`,
      move.reason,
      "The money is back in your SmartPay wallet. You can withdraw it from there.",
    ].join("\n\n"),
    createdAt: now,
    dueAt: now,
  };
}

/** Once an hour for each account that payouts are made from: where the float is gone, all of them wait. */
const tellWaiting = (deps: SettlePayoutDeps, payout: StoredPayout, reason: string) =>
  tellOperator(deps, {
    id: `payout_waits:${payout.channel}:${Math.floor(deps.now() / HOUR_MS)}`,
    subject: "Payouts wait for you",
    body: `The payout ${payout.id} of KES ${payout.amount} (${payout.channel}), and perhaps others, cannot be made now.\n\n${reason}\n\nEach is tried again every 10 minutes for 24 hours; then the money stays in the merchant's wallet. Check the float (B2C spends the Utility account, B2B the Working account) and the initiator's credential.`,
  });

const tellUnclear = (deps: SettlePayoutDeps, payout: StoredPayout, verdict: string) =>
  tellOperator(deps, {
    id: `payout_unclear:${payout.id}:${verdict}`,
    subject: "A payout needs your ruling",
    body: `M-Pesa's word about the payout ${payout.id} of KES ${payout.amount} does not fit what we know (${verdict}). No money was moved on our books. Compare it with M-Pesa's own statement.`,
  });
