import type { Config } from "../../env.ts";
import { payoutIdOf, storedMerchantId, storedTransactionId } from "../../lib/ids.ts";
import { storedDestination } from "../keys/destination.ts";
import { ACCOUNTS } from "../ledger/accounts.ts";
import { creditPostings, holdPosting, type Posting, walletChange } from "../ledger/rules.ts";
import { isCollected, planPayout } from "../payouts/rules.ts";
import type { NewPayout } from "../payouts/store.ts";
import { type Purchase, storedPurchase } from "../subscriptions/purchase.ts";
import type { StoredTransaction } from "./store.ts";

/** What a completed payment moves on our books. */
export type Collection = {
  /** What the merchant owed when the postings were reckoned. */
  owed: number;
  postings: Posting[];
  payout: NewPayout | undefined;
  /** What the payment buys from the operator. */
  purchase?: Purchase;
};

/**
 * Money that landed on the operator's shortcode is credited to the wallet; for a destination elsewhere
 * it is held there in the same write and paid out. Money that M-Pesa brought to the payee itself is not ours.
 */
export function collect(
  payment: StoredTransaction,
  owed: number,
  fees: Config["payoutFees"],
  now: number,
): Collection | undefined {
  if (payment.purchase !== null) {
    const sale = { kind: "sale", debit: ACCOUNTS.mpesa, credit: ACCOUNTS.sales, amount: payment.amount };
    return { owed, postings: [sale], payout: undefined, purchase: storedPurchase(payment.purchase) };
  }
  const destination = storedDestination(payment.destination);
  const { routing } = payment;
  if (!isCollected(destination, routing)) return undefined;
  const merchant = storedMerchantId(payment.merchantId);
  const credit = creditPostings(merchant, "collection", ACCOUNTS.mpesa, payment.amount, owed);
  const available = walletChange(merchant, credit).balance;
  const plan = planPayout(destination, routing, available, fees);
  if (plan.kind === "none") return { owed, postings: credit, payout: undefined };

  const payout = {
    merchantId: payment.merchantId,
    id: payoutIdOf(storedTransactionId(payment.id)),
    transactionId: payment.id,
    destination: payment.destination,
    channel: plan.channel,
    target: plan.target,
    amount: plan.amount,
    createdAt: now,
  };
  if (plan.kind === "keep") {
    const kept = { ...payout, status: "failed" as const, reason: plan.reason, finishedAt: now };
    return { owed, postings: credit, payout: kept };
  }
  const hold = holdPosting(merchant, plan.amount + plan.fee);
  return {
    owed,
    postings: [...credit, hold],
    payout: { ...payout, fee: plan.fee, status: "queued", dueAt: now },
  };
}
