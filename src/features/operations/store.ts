import { and, asc, eq, gte, inArray, lt, notInArray, sql } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import { commit, type Db, type Statement, untilKnown } from "../../db/client.ts";
import {
  alerts,
  apiKeys,
  deadLetters,
  floatBalances,
  inboundCallbacks,
  ledgerSeals,
  minuteFigures,
  notices,
  payouts,
  progress,
  rulings,
  transactions,
  webhookDeliveries,
} from "../../db/schema.ts";
import type { Metered } from "../../lib/meter.ts";
import type { UnclearBefore } from "../rulings/rules.ts";
import { countUnclear } from "../rulings/store.ts";
import { isTrueStill } from "../webhooks/store.ts";

export type StoredAlert = typeof alerts.$inferSelect;
export type StoredFigure = typeof minuteFigures.$inferSelect;

/** More is not counted: what is over is very many. */
export const COUNTED_AT_MOST = 10_000;

/** Adds what an isolate counted. Not repeated where the answer is lost: a figure may miss a few, and counts none twice. */
export async function addFigures(db: Db, metered: Metered[]): Promise<void> {
  const adds: Statement[] = metered.map((row) =>
    db
      .insert(minuteFigures)
      .values(row)
      .onConflictDoUpdate({
        target: [minuteFigures.minute, minuteFigures.name],
        set: {
          count: sql`${minuteFigures.count} + excluded.count`,
          failed: sql`${minuteFigures.failed} + excluded.failed`,
          totalMs: sql`${minuteFigures.totalMs} + excluded.total_ms`,
          maxMs: sql`max(${minuteFigures.maxMs}, excluded.max_ms)`,
        },
      }),
  );
  const [first, ...others] = adds;
  if (first) await db.batch([first, ...others]);
}

/** Notes how many payments there were in all, as the keys' own figures have it, and forgets what is old. */
export async function noteTotals(db: Db, minute: number, forgetBefore: number): Promise<void> {
  const total = (name: string, column: SQLiteColumn) =>
    db
      .insert(minuteFigures)
      .select(
        db
          .select({
            minute: sql<number>`${minute}`.as("minute"),
            name: sql<string>`${name}`.as("name"),
            count: sql<number>`coalesce(sum(${column}), 0)`.as("count"),
            failed: sql<number>`0`.as("failed"),
            totalMs: sql<number>`0`.as("total_ms"),
            maxMs: sql<number>`0`.as("max_ms"),
          })
          .from(apiKeys)
          .where(sql`true`), // or SQLite takes ON CONFLICT for a join's
      )
      .onConflictDoUpdate({
        target: [minuteFigures.minute, minuteFigures.name],
        set: { count: sql`excluded.count` },
      });
  await untilKnown(() =>
    db.batch([
      total("total:started", apiKeys.startedCount),
      total("total:completed", apiKeys.completedCount),
      total("total:failed", apiKeys.failedCount),
      db.delete(minuteFigures).where(lt(minuteFigures.minute, forgetBefore)),
    ]),
  );
}

export const readFiguresSince = (db: Db, minute: number) =>
  db.select().from(minuteFigures).where(gte(minuteFigures.minute, minute)).orderBy(asc(minuteFigures.minute));

/** How payments were completed since then. A busy day's figures are many rows: ask where the last hour does not tell. */
export const readSettledSince = (db: Db, minute: number) =>
  db
    .select({ minute: minuteFigures.minute, name: minuteFigures.name, count: minuteFigures.count })
    .from(minuteFigures)
    .where(
      and(
        gte(minuteFigures.minute, minute),
        inArray(minuteFigures.name, ["settled:callback", "settled:query", "settled:pull"]),
      ),
    );

/** What is open now, each counted along an index and no further than `COUNTED_AT_MOST`; in one trip. */
export async function readOpen(db: Db, since: number, before: UnclearBefore) {
  const bounded = (of: ReturnType<typeof sql>, limit = COUNTED_AT_MOST) =>
    sql<{
      count: number;
      first: string | null;
    }>`select count(*) as "count", min(k) as "first" from (${of} limit ${limit})`;
  const counted = (of: ReturnType<typeof sql>) =>
    db
      .select({ count: sql<number>`q."count"`.as("count"), first: sql<string | null>`q."first"`.as("first") })
      .from(sql`(${bounded(of)}) q`);
  const [
    figures,
    pending,
    webhooks,
    callbacks,
    notProcessed,
    proposals,
    messages,
    givenUp,
    notSent,
    ofPayouts,
    float,
    open,
    verified,
    firstSeals,
    ...unclear
  ] = await db.batch([
    readFiguresSince(db, since),
    counted(sql`select ${transactions.id} as k from ${transactions} where ${transactions.dueAt} is not null`),
    counted(
      sql`select ${webhookDeliveries.dueAt} as k from ${webhookDeliveries} where ${webhookDeliveries.dueAt} is not null`,
    ),
    counted(
      sql`select ${inboundCallbacks.receivedAt} as k from ${inboundCallbacks} where ${inboundCallbacks.open} = 1`,
    ),
    counted(
      sql`select ${inboundCallbacks.receivedAt} as k from ${inboundCallbacks} where ${inboundCallbacks.open} = 1 and ${inboundCallbacks.verdict} = 'not_processed'`,
    ),
    counted(sql`select ${rulings.subject} as k from ${rulings} where ${rulings.status} = 'proposed'`),
    counted(
      sql`select ${deadLetters.diedAt} as k from ${deadLetters} where ${deadLetters.replayedAt} is null`,
    ),
    counted(
      // By the index that has what `isTrueStill` asks for.
      sql`select ${webhookDeliveries.createdAt} as k from ${webhookDeliveries} indexed by webhook_deliveries_failed where ${webhookDeliveries.status} = 'failed' and ${isTrueStill(db)}`,
    ),
    counted(sql`select ${notices.createdAt} as k from ${notices} where ${notices.status} = 'failed'`),
    db
      .select({
        status: payouts.status,
        count: sql<number>`count(*)`.as("count"),
        amount: sql<number>`sum(${payouts.amount})`.as("total"),
      })
      .from(payouts)
      .where(sql`${payouts.dueAt} is not null`)
      .groupBy(payouts.status),
    db.select().from(floatBalances),
    db.select().from(alerts).orderBy(asc(alerts.since)),
    db.select({ at: progress.doneTo }).from(progress).where(eq(progress.work, "verify")),
    db.select({ at: ledgerSeals.sealedAt }).from(ledgerSeals).orderBy(asc(ledgerSeals.id)).limit(1),
    ...countUnclear(db, before, COUNTED_AT_MOST),
  ]);
  const one = (rows: { count: number; first: string | null }[]) => rows[0] ?? { count: 0, first: null };
  return {
    figures,
    pending: one(pending),
    webhooks: one(webhooks),
    callbacks: one(callbacks),
    notProcessed: one(notProcessed),
    proposals: one(proposals),
    unclear: unclear.reduce((sum, [row]) => sum + (row?.count ?? 0), 0),
    dead: { webhooks: one(givenUp).count, others: one(messages).count + one(notSent).count },
    payouts: ofPayouts,
    float,
    alerts: open,
    verifiedAt: verified[0]?.at || null,
    sealedSince: firstSeals[0]?.at ?? null,
  };
}

/** Begins an alert or keeps it going. @returns since when it lasts. */
export async function keepAlert(db: Db, kind: string, detail: string, now: number): Promise<number> {
  const keep = db
    .insert(alerts)
    .values({ kind, detail, since: now, lastSeenAt: now })
    .onConflictDoUpdate({ target: alerts.kind, set: { detail, lastSeenAt: now } });
  const [row] = await commit(db, [keep], db.select().from(alerts).where(eq(alerts.kind, kind)));
  return row?.since ?? now;
}

/** Ends those of these kinds that are over, and were last seen before then. */
export async function endAlerts(
  db: Db,
  kinds: string[],
  still: string[],
  lastSeenBefore: number,
): Promise<void> {
  await db
    .delete(alerts)
    .where(
      and(inArray(alerts.kind, kinds), notInArray(alerts.kind, still), lt(alerts.lastSeenAt, lastSeenBefore)),
    );
}
