import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import type { Caller } from "../keys/caller.ts";
import type { StoredKey } from "../keys/store.ts";
import type { StoredPayout } from "../payouts/store.ts";
import type { ListQuery } from "./contract.ts";
import { readList } from "./list-store.ts";
import type { StoredTransaction } from "./store.ts";

export type PaymentsPage = {
  payments: { payment: StoredTransaction; payout: StoredPayout | undefined }[];
  /** Null where filters leave what no figure counts. */
  total: number | null;
  /** Where the next page begins; null on the last. */
  nextCursor: string | null;
};

/**
 * The merchant's payments, newest first; of the key alone with scope `payments`.
 * @throws FORBIDDEN_SCOPE for another key's by such a key, NOT_FOUND for another merchant's.
 */
export async function listPayments(
  deps: { db: Db },
  caller: Caller,
  query: ListQuery,
): Promise<PaymentsPage> {
  const found = await caller.admitWith(() => readList(deps.db, caller.hash, query));
  const { key, searchedUntil } = found;
  if (query.key_id !== undefined) {
    if (key.scope !== "full" && key.id !== query.key_id) throw new ApiError("FORBIDDEN_SCOPE");
    if (key.scope === "full" && !found.isOwnKey) throw new ApiError("NOT_FOUND");
  }
  const payments = found.payments.slice(0, query.limit);
  const hasMore = found.payments.length > query.limit;
  const payouts = new Map(found.payouts.map((payout) => [payout.transactionId, payout]));
  return {
    payments: payments.map((payment) => ({ payment, payout: payouts.get(payment.id) })),
    total: totalOf(query, key.scope === "full" ? found.figures : key),
    nextCursor: (hasMore ? payments.at(-1)?.id : searchedUntil) ?? null,
  };
}

/** What the figures say of all pages together. */
export function totalOf(
  { status, key_id, phone, reference, receipt, from, to }: ListQuery,
  figures: Pick<StoredKey, "startedCount" | "completedCount" | "failedCount"> | undefined,
): number | null {
  const isFurtherFiltered = [key_id, phone, reference, receipt, from, to].some((f) => f !== undefined);
  if (isFurtherFiltered || !figures) return null;
  const { startedCount: started, completedCount: completed, failedCount: failed } = figures;
  return { all: started, completed, failed, pending: started - completed - failed }[status ?? "all"];
}
