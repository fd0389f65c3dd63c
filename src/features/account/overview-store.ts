import { and, desc, eq, gte, isNull, sql } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { Db } from "../../db/client.ts";
import { apiKeys, transactions, verifiedPhones, wallets, webhookDeliveries } from "../../db/schema.ts";
import { EAT_OFFSET_MS } from "../../lib/clock.ts";
import { type MerchantId, transactionIdsFrom } from "../../lib/ids.ts";
import { isTrueStill } from "../webhooks/store.ts";

/** A merchant's day so far, what it took on each day since then, its keys and its wallet, in one trip. */
export async function readOverview(
  db: Db,
  merchantId: MerchantId,
  { today, since, failedSince }: { today: number; since: number; failedSince: number },
) {
  const ofToday = and(
    eq(transactions.merchantId, merchantId),
    gte(transactions.id, transactionIdsFrom(today)),
    isNull(transactions.purchase),
  );
  const countOf = (status: string) =>
    sql<number>`count(*) filter (where ${transactions.status} = ${status})`.as(status);
  const sumOf = (column: SQLiteColumn, name: string) => sql<number>`coalesce(sum(${column}), 0)`.as(name);
  const day = sql<string>`date((${transactions.createdAt} + ${EAT_OFFSET_MS}) / 1000, 'unixepoch')`;
  const [ofDay, days, keys, figures, walletRows, phones, failed, recent] = await db.batch([
    db
      .select({
        takings:
          sql<number>`coalesce(sum(${transactions.amount}) filter (where ${transactions.status} = 'completed'), 0)`.as(
            "takings",
          ),
        completed: countOf("completed"),
        failed: countOf("failed"),
        pending: countOf("pending"),
      })
      .from(transactions)
      .where(ofToday),
    db
      .select({ day: day.as("day"), amount: sumOf(transactions.amount, "amount_of_day") })
      .from(transactions)
      .where(
        and(
          eq(transactions.merchantId, merchantId),
          gte(transactions.id, transactionIdsFrom(since)),
          eq(transactions.status, "completed"),
          isNull(transactions.purchase),
        ),
      )
      .groupBy(sql`"day"`),
    db
      .select()
      .from(apiKeys)
      .where(and(eq(apiKeys.merchantId, merchantId), isNull(apiKeys.deletedAt)))
      .orderBy(apiKeys.id),
    db
      .select({
        started: sumOf(apiKeys.startedCount, "started"),
        completed: sumOf(apiKeys.completedCount, "completed"),
        failed: sumOf(apiKeys.failedCount, "failed"),
      })
      .from(apiKeys)
      .where(eq(apiKeys.merchantId, merchantId)),
    db.select().from(wallets).where(eq(wallets.merchantId, merchantId)),
    db
      .select({ phone: verifiedPhones.phone })
      .from(verifiedPhones)
      .where(eq(verifiedPhones.merchantId, merchantId))
      .limit(1),
    db
      .select({ count: sql<number>`count(*)`.as("failed_deliveries") })
      .from(webhookDeliveries)
      .where(
        and(
          eq(webhookDeliveries.merchantId, merchantId),
          eq(webhookDeliveries.status, "failed"),
          gte(webhookDeliveries.createdAt, failedSince),
          isTrueStill(db),
        ),
      ),
    db
      .select()
      .from(transactions)
      .where(and(eq(transactions.merchantId, merchantId), isNull(transactions.purchase)))
      .orderBy(desc(transactions.id))
      .limit(5),
  ]);
  return {
    today: ofDay[0],
    days,
    keys,
    figures: figures[0],
    wallet: walletRows[0],
    isVerified: phones.length > 0,
    failedDeliveries: failed[0]?.count ?? 0,
    recent,
  };
}
