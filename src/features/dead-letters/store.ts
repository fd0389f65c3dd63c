import { and, desc, eq, inArray, isNull, lt, or, sql } from "drizzle-orm";
import { commit, type Db } from "../../db/client.ts";
import { deadLetters } from "../../db/schema.ts";
import { type AuditEntry, insertAudit, onceThisCall, selectOnce } from "../audit/store.ts";

export type DeadLetter = typeof deadLetters.$inferSelect;

/** Keeps a message, once however often it is delivered. */
export async function storeDeadLetter(db: Db, letter: DeadLetter): Promise<void> {
  await db.insert(deadLetters).values(letter).onConflictDoNothing({ target: deadLetters.id });
}

export async function findDeadLetter(db: Db, id: string): Promise<DeadLetter | undefined> {
  return (await db.select().from(deadLetters).where(eq(deadLetters.id, id)))[0];
}

/** Those that nobody replayed, the last first. */
export const readDeadLetters = (db: Db, atMost: number) =>
  db
    .select()
    .from(deadLetters)
    .where(sql`${deadLetters.replayedAt} is null`)
    .orderBy(desc(deadLetters.diedAt))
    .limit(atMost);

/**
 * Those that were sent again before then; and the SMS gateway's reports that died before then: they have a
 * number and no merchant, so that no erasure finds them. @returns how many went.
 */
export async function purgeLetters(db: Db, before: number, atMost: number): Promise<number> {
  const old = db
    .select({ id: deadLetters.id })
    .from(deadLetters)
    .where(
      or(
        lt(deadLetters.replayedAt, before),
        and(lt(deadLetters.diedAt, before), sql`json_extract(${deadLetters.body}, '$.kind') = 'report'`),
      ),
    )
    .limit(atMost);
  const { meta } = await db.delete(deadLetters).where(inArray(deadLetters.id, old));
  return meta.changes;
}

/** Notes that a message was sent again, or put aside. @returns whether this call did. */
export async function markReplayed(db: Db, id: string, audit: AuditEntry): Promise<boolean> {
  const isOpen = and(eq(deadLetters.id, id), isNull(deadLetters.replayedAt));
  const once = onceThisCall();
  const noted = insertAudit(db, { ...audit, once }, { table: deadLetters, guard: isOpen });
  const mark = db.update(deadLetters).set({ replayedAt: audit.at }).where(isOpen);
  return (await commit(db, [noted, mark], selectOnce(db, once))).length > 0;
}
