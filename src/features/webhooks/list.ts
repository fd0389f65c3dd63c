import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import type { ListQuery } from "./contract.ts";
import { type DeliveryReader, isDeliveryId, overtakerOf, ownerOf } from "./rules.ts";
import { findOwnDelivery, readPage, type StoredDelivery } from "./store.ts";

/**
 * The merchant's deliveries, newest payment first; of the key alone with scope `payments`.
 * `nextCursor` tells where the next page begins; null on the last.
 */
export async function listDeliveries(
  { db }: { db: Db },
  key: DeliveryReader,
  query: ListQuery,
): Promise<{ deliveries: StoredDelivery[]; nextCursor: string | null }> {
  const { found, searchedUntil } = await readPage(db, ownerOf(key), query);
  const deliveries = found.slice(0, query.limit);
  const hasMore = found.length > query.limit;
  return { deliveries, nextCursor: (hasMore ? deliveries.at(-1)?.id : searchedUntil) ?? null };
}

/** One of the caller's deliveries. @throws NOT_FOUND, also for another merchant's or key's. */
export async function readDelivery(
  { db }: { db: Db },
  key: DeliveryReader,
  id: string,
): Promise<StoredDelivery> {
  const delivery = isDeliveryId(id) ? await findOwnDelivery(db, ownerOf(key), id) : undefined;
  if (!delivery) throw new ApiError("NOT_FOUND");
  return delivery;
}

/** Whether a delivery tells of the failure of a payment that was paid after all. */
export async function isOvertaken(
  { db }: { db: Db },
  { merchantId, id }: Pick<StoredDelivery, "merchantId" | "id">,
): Promise<boolean> {
  const success = overtakerOf(id);
  if (success === undefined) return false;
  return (await findOwnDelivery(db, { merchantId, keyId: undefined }, success)) !== undefined;
}
