/** Asks for a payout that is due to be moved on. */
export type PayoutMessage = { merchantId: number; id: string };
