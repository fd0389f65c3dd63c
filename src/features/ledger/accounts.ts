import type { MerchantId } from "../../lib/ids.ts";

/**
 * The ledger's accounts, by name. `mpesa` and `owed` hold what others owe us or keep for us: a debit
 * raises them. The rest is what we owe or earned: a credit raises them.
 */
export const ACCOUNTS = {
  /** What M-Pesa holds for us on the operator's shortcode. */
  mpesa: "mpesa",
  /** What merchants paid for payouts. */
  fees: "fees",
  /** What merchants paid for plans and SMS credits. */
  sales: "sales",
  wallet: (merchant: MerchantId) => `wallet:${merchant}`,
  /** Taken from a wallet for a payout under way. */
  held: (merchant: MerchantId) => `held:${merchant}`,
  /** What a reversal, or a payout that was paid after all, left uncovered. */
  owed: (merchant: MerchantId) => `owed:${merchant}`,
} as const;

export const isRaisedByDebit = (account: string) => account === ACCOUNTS.mpesa || account.startsWith("owed:");
