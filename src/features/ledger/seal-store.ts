import { and, asc, desc, eq, gt, inArray, ne, or, type SQL, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { ledgerEntries, ledgerSeals, payouts, transactions, wallets } from "../../db/schema.ts";
import { PAID_OUT_KINDS } from "./rules.ts";

export type StoredEntry = typeof ledgerEntries.$inferSelect;
export type StoredSeal = typeof ledgerSeals.$inferSelect;

export async function readLastSeal(db: Db): Promise<StoredSeal | undefined> {
  return (await db.select().from(ledgerSeals).orderBy(desc(ledgerSeals.id)).limit(1))[0];
}

export const readEntriesAfter = (db: Db, seq: number, atMost: number) =>
  db
    .select()
    .from(ledgerEntries)
    .where(gt(ledgerEntries.seq, seq))
    .orderBy(asc(ledgerEntries.seq))
    .limit(atMost);

export const readSealsAfter = (db: Db, id: number, atMost: number) =>
  db.select().from(ledgerSeals).where(gt(ledgerSeals.id, id)).orderBy(asc(ledgerSeals.id)).limit(atMost);

/** Adds a link unless another run has. */
export async function insertSeal(db: Db, seal: StoredSeal): Promise<void> {
  await db.insert(ledgerSeals).values(seal).onConflictDoNothing({ target: ledgerSeals.id });
}

/**
 * The figures kept for the wallets, and what payouts under way hold by their own rows, as they were at
 * one moment, together with the last row of the ledger and the last seal then.
 */
export async function readFigures(db: Db) {
  const [last, walletRows, heldRows, seals] = await db.batch([
    db.select({ seq: sql<number>`coalesce(max(${ledgerEntries.seq}), 0)` }).from(ledgerEntries),
    db.select().from(wallets),
    db
      .select({
        merchantId: payouts.merchantId,
        held: sql<number>`sum(${payouts.amount} + ${payouts.fee})`,
      })
      .from(payouts)
      .where(sql`${payouts.status} in ('queued', 'sending', 'sent')`)
      .groupBy(payouts.merchantId),
    db.select().from(ledgerSeals).orderBy(desc(ledgerSeals.id)).limit(1),
  ]);
  return { lastSeq: last[0]?.seq ?? 0, lastSealId: seals[0]?.id ?? 0, wallets: walletRows, held: heldRows };
}

/** What entries of these kinds, that belong to `reference`, add up to. */
const booked = (reference: SQL | undefined, kinds: string[]) =>
  sql<number>`(select coalesce(sum(${ledgerEntries.amount}), 0) from ${ledgerEntries}
    where ${and(reference, inArray(ledgerEntries.kind, kinds))})`;

/** The first payout whose own row and whose entries tell different stories. */
export async function firstPayoutOffBooks(db: Db): Promise<string | undefined> {
  const own = eq(ledgerEntries.reference, payouts.id);
  const left = booked(own, PAID_OUT_KINDS);
  const returned = booked(own, ["given_back"]);
  const held = booked(or(own, eq(ledgerEntries.reference, payouts.transactionId)), ["hold"]);
  const isFalse = sql`case ${payouts.status}
    when 'paid' then ${left} <> ${payouts.amount}
    when 'failed' then ${left} <> 0 or ${returned} <> ${held}
    else ${left} <> 0 or ${returned} <> 0 or ${held} <> ${payouts.amount} + ${payouts.fee} end`;
  return (await db.select({ id: payouts.id }).from(payouts).where(isFalse).limit(1))[0]?.id;
}

/** The first collection that no completed payment of its amount stands behind. */
export async function firstCollectionOffBooks(db: Db): Promise<number | undefined> {
  const { amount, id, merchantId, status } = transactions;
  const found = await db
    .select({ seq: ledgerEntries.seq })
    .from(ledgerEntries)
    .leftJoin(transactions, and(eq(merchantId, ledgerEntries.merchantId), eq(id, ledgerEntries.reference)))
    .where(
      and(
        eq(ledgerEntries.kind, "collection"),
        or(sql`${id} is null`, ne(status, "completed"), ne(amount, ledgerEntries.amount)),
      ),
    )
    .orderBy(asc(ledgerEntries.seq))
    .limit(1);
  return found[0]?.seq;
}
