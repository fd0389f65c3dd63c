import type { MerchantId } from "../../lib/ids.ts";
import { ACCOUNTS } from "./accounts.ts";

/** One transfer to be written: `kind` is unique within what the transfers belong to. */
export type Posting = { kind: string; debit: string; credit: string; amount: number };

/** How a merchant's figures change. */
export type WalletChange = { balance: number; held: number; owed: number };

/**
 * Money that becomes the merchant's, out of `from`. What the merchant owes is taken first.
 * @param owed whole shillings that the merchant owes now.
 */
export function creditPostings(
  merchant: MerchantId,
  kind: string,
  from: string,
  amount: number,
  owed: number,
): Posting[] {
  const repaid = Math.min(owed, amount);
  const wallet = ACCOUNTS.wallet(merchant);
  const credit = { kind, debit: from, credit: wallet, amount };
  if (repaid === 0) return [credit];
  return [
    credit,
    { kind: `${kind}_repayment`, debit: wallet, credit: ACCOUNTS.owed(merchant), amount: repaid },
  ];
}

/** What a payout takes from the wallet until its outcome is known. */
export const holdPosting = (merchant: MerchantId, amount: number): Posting => ({
  kind: "hold",
  debit: ACCOUNTS.wallet(merchant),
  credit: ACCOUNTS.held(merchant),
  amount,
});

/** A held payout that was paid: the amount left M-Pesa, the fee is ours. */
export function paidOutPostings(merchant: MerchantId, amount: number, fee: number): Posting[] {
  const debit = ACCOUNTS.held(merchant);
  const paid = { kind: "paid_out", debit, credit: ACCOUNTS.mpesa, amount };
  return fee > 0 ? [paid, { kind: "payout_fee", debit, credit: ACCOUNTS.fees, amount: fee }] : [paid];
}

/** The kinds of what payouts took out of M-Pesa: as they were held, or found out after they had been given back. */
export const PAID_OUT_KINDS = ["paid_out", "paid_after_failure", "paid_after_failure_owed"];

/** Money that left without our doing: the wallet pays what it can, the rest is owed. */
export function clawbackPostings(
  merchant: MerchantId,
  kind: string,
  amount: number,
  balance: number,
): Posting[] {
  const covered = Math.min(balance, amount);
  const postings: Posting[] = [];
  const credit = ACCOUNTS.mpesa;
  if (covered > 0) postings.push({ kind, debit: ACCOUNTS.wallet(merchant), credit, amount: covered });
  if (amount > covered) {
    postings.push({ kind: `${kind}_owed`, debit: ACCOUNTS.owed(merchant), credit, amount: amount - covered });
  }
  return postings;
}

/** What postings do to the merchant's figures; the figures are never stated a second time. */
export function walletChange(merchant: MerchantId, postings: Posting[]): WalletChange {
  const net = (account: string) =>
    postings.reduce(
      (sum, { debit, credit, amount }) =>
        sum + (credit === account ? amount : 0) - (debit === account ? amount : 0),
      0,
    );
  return {
    balance: net(ACCOUNTS.wallet(merchant)),
    held: net(ACCOUNTS.held(merchant)),
    owed: 0 - net(ACCOUNTS.owed(merchant)),
  };
}
