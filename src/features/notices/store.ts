import { and, asc, desc, eq, inArray, isNull, lt, lte, type SQL, sql } from "drizzle-orm";
import { commit, type Db, rowOf, type Statement } from "../../db/client.ts";
import { merchants, notices } from "../../db/schema.ts";
import { type AuditEntry, insertAudit, onceThisCall, selectOnce } from "../audit/store.ts";
import type { DependsOn } from "../ledger/store.ts";

export type StoredNotice = typeof notices.$inferSelect;

export type NewNotice = {
  /** Names the occasion; a second notice of it is not written. */
  id: string;
  /** Null for a notice to the operator. */
  merchantId: number | null;
  channel: "email" | "sms";
  /** An address or number, or the read that finds it. */
  recipient: string | SQL;
  subject: string;
  body: string;
  createdAt: number;
  dueAt: number;
};

/** The merchant's address, as a read within the write of a notice. */
export const emailOfMerchant = (db: Db, merchantId: number): SQL =>
  sql`(${db.select({ email: merchants.email }).from(merchants).where(eq(merchants.id, merchantId))})`;

/** Writes a notice together with what it tells of; only where that was written. */
export const insertNotice = (db: Db, notice: NewNotice, on: DependsOn): Statement =>
  db
    .insert(notices)
    .select(
      db
        .select(rowOf(notices, { ...notice, status: "queued", attemptCount: 0 }))
        .from(on.table)
        .where(on.guard),
    )
    .onConflictDoNothing({ target: notices.id });

/** The write of a notice that depends on nothing, but for its batch. */
export const insertNoticeOnce = (db: Db, notice: NewNotice) =>
  db.insert(notices).values(notice).onConflictDoNothing({ target: notices.id });

/** Writes a notice by itself. @returns whether it is new. */
export async function storeNotice(db: Db, notice: NewNotice): Promise<boolean> {
  return (await insertNoticeOnce(db, notice).returning({ id: notices.id })).length > 0;
}

/** Takes a queued notice for one attempt, until then; undefined if somebody else has it or it is done. */
export async function leaseNotice(
  db: Db,
  id: string,
  lease: { now: number; until: number },
): Promise<StoredNotice | undefined> {
  const leased = await db
    .update(notices)
    .set({ dueAt: lease.until, attemptCount: sql`${notices.attemptCount} + 1` })
    .where(and(eq(notices.id, id), eq(notices.status, "queued"), lte(notices.dueAt, lease.now)))
    .returning();
  return leased[0];
}

export async function finishNotice(
  db: Db,
  id: string,
  change: Pick<StoredNotice, "status" | "dueAt" | "sentAt">,
): Promise<void> {
  await db.update(notices).set(change).where(eq(notices.id, id));
}

/** The last notices that were given up. */
export const readFailedNotices = (db: Db, atMost: number) =>
  db
    .select()
    .from(notices)
    .where(sql`${notices.status} = 'failed'`)
    .orderBy(desc(notices.createdAt))
    .limit(atMost);

/** Queues a notice that was given up again. @returns whether this call did. */
export async function requeueNotice(db: Db, id: string, now: number, audit: AuditEntry): Promise<boolean> {
  const isFailed = and(eq(notices.id, id), eq(notices.status, "failed"));
  const once = onceThisCall();
  const noted = insertAudit(db, { ...audit, once }, { table: notices, guard: isFailed });
  const requeue = db
    .update(notices)
    .set({ status: "queued", attemptCount: 0, dueAt: now, sentAt: null })
    .where(isFailed);
  return (await commit(db, [noted, requeue], selectOnce(db, once))).length > 0;
}

export const readDueNotices = (db: Db, now: number, atMost: number) =>
  db
    .select({ id: notices.id })
    .from(notices)
    .where(lte(notices.dueAt, now))
    .orderBy(asc(notices.dueAt))
    .limit(atMost);

/** Deletes some notices from before then that were sent, skipped or given up. @returns how many. */
export async function purgeNotices(db: Db, before: number, atMost: number): Promise<number> {
  const old = db
    .select({ id: notices.id })
    .from(notices)
    .where(and(lt(notices.createdAt, before), isNull(notices.dueAt)))
    .limit(atMost);
  const { meta } = await db.delete(notices).where(inArray(notices.id, old));
  return meta.changes;
}
