import { and, eq, inArray, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { apiKeys, transactions } from "../../db/schema.ts";
import type { MerchantId } from "../../lib/ids.ts";
import type { ListQuery } from "./contract.ts";
import { selectPage } from "./list-store.ts";

/** A page of all of the merchant's payments, newest first, with its keys, deleted ones too, in one trip. */
export async function readMerchantList(db: Db, merchantId: MerchantId, query: ListQuery) {
  const byKey = query.key_id === undefined ? undefined : eq(transactions.keyId, query.key_id);
  const [keys, payments, payouts, searchEnd] = await db.batch([
    db
      .select({
        id: apiKeys.id,
        name: apiKeys.name,
        deletedAt: apiKeys.deletedAt,
        startedCount: apiKeys.startedCount,
        completedCount: apiKeys.completedCount,
        failedCount: apiKeys.failedCount,
      })
      .from(apiKeys)
      .where(eq(apiKeys.merchantId, merchantId))
      .orderBy(apiKeys.id),
    ...selectPage(db, query, sql`${merchantId}`, byKey),
  ]);
  return { keys, payments, payouts, searchedUntil: searchEnd[0]?.id };
}

/** The id of the merchant's payment that M-Pesa knows by this checkout request id. */
export async function findByCheckoutId(
  db: Db,
  merchantId: MerchantId,
  checkoutId: string,
): Promise<string | undefined> {
  const [found] = await db
    .select({ id: transactions.id })
    .from(transactions)
    .where(and(eq(transactions.checkoutRequestId, checkoutId), eq(transactions.merchantId, merchantId)));
  return found?.id;
}

/** Those of the merchant's payments that have one of these ids: a page of them, since a statement takes 100 parameters. */
export const readPaymentsById = (db: Db, merchantId: MerchantId, ids: string[]) =>
  db
    .select()
    .from(transactions)
    .where(and(eq(transactions.merchantId, merchantId), inArray(transactions.id, ids)));
