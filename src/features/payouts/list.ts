import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import { isPayoutId, storedMerchantId } from "../../lib/ids.ts";
import { findPayout, readPayouts, type StoredPayout } from "./store.ts";

/** A merchant's payouts, newest first, and where the next page begins. */
export async function listPayouts(
  { db }: { db: Db },
  merchantId: number,
  page: { limit: number; cursor?: string | undefined },
): Promise<{ payouts: StoredPayout[]; nextCursor: string | null }> {
  const found = await readPayouts(db, merchantId, { limit: page.limit + 1, before: page.cursor });
  const payouts = found.slice(0, page.limit);
  return { payouts, nextCursor: found.length > page.limit ? (payouts.at(-1)?.id ?? null) : null };
}

/** One of the merchant's withdrawals. @throws NOT_FOUND, also for another merchant's. */
export async function readWithdrawal(
  { db }: { db: Db },
  merchant: number,
  id: string,
): Promise<StoredPayout> {
  const ref = isPayoutId(id) ? { merchantId: storedMerchantId(merchant), id } : undefined;
  const payout = ref && (await findPayout(db, ref));
  if (!payout || payout.transactionId !== null) throw new ApiError("NOT_FOUND");
  return payout;
}
