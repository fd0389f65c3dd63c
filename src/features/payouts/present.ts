import { eastAfricaTime, eastAfricaTimeOrNull } from "../../lib/clock.ts";
import { storedDestination } from "../keys/destination.ts";
import type { StoredPayout } from "./store.ts";

/** What is being asked of M-Pesa and what it has acknowledged look the same from outside: sent. */
const publicStatus = ({ status }: Pick<StoredPayout, "status">) => (status === "sending" ? "sent" : status);

type Summary = Pick<StoredPayout, "status" | "amount" | "receipt" | "reason">;

/** A payout as its payment shows it. */
export const presentPayoutSummary = (payout: Summary) => ({
  status: publicStatus(payout),
  amount: payout.amount,
  receipt: payout.receipt,
  reason: payout.reason,
});

/** A payout of its own: in the list, and as a withdrawal. */
export const presentPayout = (payout: StoredPayout) => ({
  id: payout.id,
  transaction_id: payout.transactionId,
  destination: storedDestination(payout.destination),
  ...presentPayoutSummary(payout),
  fee: payout.fee,
  created_at: eastAfricaTime(payout.createdAt),
  finished_at: eastAfricaTimeOrNull(payout.finishedAt),
});

/** A withdrawal goes to a phone, which is all of its destination. */
export function presentWithdrawal(payout: StoredPayout) {
  const destination = storedDestination(payout.destination);
  const { transaction_id: _, destination: __, ...rest } = presentPayout(payout);
  return { ...rest, phone: destination.method === "phone" ? destination.phone : null };
}
