import { and, desc, eq, gte, inArray, isNull, lt, type SQL, sql } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { Db } from "../../db/client.ts";
import { apiKeys, payouts, transactions } from "../../db/schema.ts";
import { transactionIdsFrom } from "../../lib/ids.ts";
import { type StoredKey, selectKey } from "../keys/store.ts";
import type { ListQuery } from "./contract.ts";

/**
 * How many payments one page looks through for a phone or a reference. No index holds these: every
 * payment would pay a row for each, and few ask.
 */
export const SEARCHED_AT_MOST = 5_000;

/** One payment more than the page holds tells whether there are more. */
export const pageRows = (query: ListQuery) => query.limit + 1;

/**
 * A page of the merchant's payments, newest first, or of the key's own where its scope is `payments`,
 * with the key and the figures, in one trip. The scope is not known before, so both pages are asked for,
 * and the one that does not fit belongs to nobody and is empty.
 */
export async function readList(db: Db, keyHash: string, query: ListQuery) {
  const callers = (column: SQLiteColumn, scope: StoredKey["scope"]) =>
    sql`(${db
      .select({ value: column })
      .from(apiKeys)
      .where(and(eq(apiKeys.hash, keyHash), isNull(apiKeys.deletedAt), eq(apiKeys.scope, scope)))})`;
  const merchants = callers(apiKeys.merchantId, "full");
  const byKey = query.key_id === undefined ? undefined : eq(transactions.keyId, query.key_id);
  const ofMerchants = selectPage(db, query, merchants, byKey);
  const ofKeys = selectPage(
    db,
    query,
    callers(apiKeys.merchantId, "payments"),
    eq(transactions.keyId, callers(apiKeys.id, "payments")),
  );
  const sumOf = (column: SQLiteColumn) => sql<number>`coalesce(sum(${column}), 0)`;
  const [keys, figures, named, ...pages] = await db.batch([
    selectKey(db, keyHash),
    db
      .select({
        startedCount: sumOf(apiKeys.startedCount),
        completedCount: sumOf(apiKeys.completedCount),
        failedCount: sumOf(apiKeys.failedCount),
      })
      .from(apiKeys)
      .where(eq(apiKeys.merchantId, merchants)),
    db
      .select({ id: apiKeys.id })
      .from(apiKeys)
      .where(and(eq(apiKeys.id, query.key_id ?? 0), eq(apiKeys.merchantId, merchants))),
    ...ofMerchants,
    ...ofKeys,
  ]);
  const [merchantRows, merchantPayouts, merchantEnd, keyRows, keyPayouts, keyEnd] = pages;
  return {
    key: keys[0],
    /** Of the merchant's keys together, deleted ones too. */
    figures: figures[0],
    /** Whether `key_id` is a key of the merchant. */
    isOwnKey: named.length > 0,
    payments: [...merchantRows, ...keyRows],
    payouts: [...merchantPayouts, ...keyPayouts],
    /** The last payment that was looked through, where the search ended before the payments did. */
    searchedUntil: [...merchantEnd, ...keyEnd][0]?.id,
  };
}

/**
 * The page, its payouts, and where its search ended. The rows that are skipped and sought stay ids of an
 * index, where it has them; only the page's own are read whole.
 */
export function selectPage(db: Db, query: ListQuery, merchant: SQL, byKey: SQL | undefined) {
  const { id } = transactions;
  const table = sql`${transactions} ${indexFor(query, byKey)}`;
  const ids = { id: sql<string>`${id}`.as("id") };
  const walked = and(
    eq(transactions.merchantId, merchant),
    byKey,
    isNull(transactions.purchase),
    hasStatus(query.status),
    query.receipt === undefined ? undefined : eq(transactions.mpesaReceipt, query.receipt),
    query.cursor === undefined ? undefined : lt(id, query.cursor),
    query.from === undefined ? undefined : gte(id, transactionIdsFrom(query.from.from)),
    query.to === undefined ? undefined : lt(id, transactionIdsFrom(query.to.until)),
  );
  const isSearch = query.phone !== undefined || query.reference !== undefined;
  const searchEnd = db
    .select(ids)
    .from(table)
    .where(walked)
    .orderBy(desc(id))
    .limit(isSearch ? 1 : 0)
    .offset(SEARCHED_AT_MOST - 1);
  const found = db
    .select(ids)
    .from(table)
    .where(
      and(
        walked,
        isSearch ? gte(id, sql`ifnull((${searchEnd}), '')`) : undefined,
        query.phone === undefined ? undefined : eq(transactions.phone, query.phone),
        query.reference === undefined ? undefined : eq(transactions.accountReference, query.reference),
      ),
    )
    .orderBy(desc(id))
    .limit(pageRows(query))
    .offset(query.offset ?? 0);
  return [
    db
      .select()
      .from(transactions)
      .where(and(eq(transactions.merchantId, merchant), inArray(id, found)))
      .orderBy(desc(id)),
    db.select().from(payouts).where(inArray(payouts.transactionId, found)),
    searchEnd,
  ] as const;
}

/** Spelt out, since a partial index serves only a query that says so itself. */
function hasStatus(status: ListQuery["status"]): SQL | undefined {
  if (status === undefined) return undefined;
  const isStatus = eq(transactions.status, status);
  return status === "completed" ? isStatus : and(isStatus, sql`${transactions.status} <> 'completed'`);
}

/**
 * The index by which the walk goes, where that is not the merchant's own order. Named, since without
 * statistics the planner prefers that order, in which a quiet key's payments lie far apart.
 */
function indexFor({ receipt, status }: ListQuery, byKey: SQL | undefined): SQL {
  if (receipt !== undefined) return sql`indexed by transactions_receipt`;
  if (status === "pending" || status === "failed") return sql`indexed by transactions_not_completed`;
  return byKey ? sql`indexed by transactions_key` : sql``;
}
