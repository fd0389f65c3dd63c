import { and, eq, lte } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { progress } from "../../db/schema.ts";

export type Work = "pull" | "statements" | "purge" | "verify";

/**
 * Takes a piece of recurring work for one run, until the lease ends.
 * @returns how far it has come, or undefined if it is not due or somebody else has it.
 */
export async function takeWork(
  db: Db,
  work: Work,
  lease: { now: number; until: number; startsAt: number },
): Promise<{ doneTo: number } | undefined> {
  await db
    .insert(progress)
    .values({ work, doneTo: lease.startsAt, dueAt: lease.now })
    .onConflictDoNothing({ target: progress.work });
  const taken = await db
    .update(progress)
    .set({ dueAt: lease.until })
    .where(and(eq(progress.work, work), lte(progress.dueAt, lease.now)))
    .returning({ doneTo: progress.doneTo });
  return taken[0];
}

/** How far a piece of work has come; undefined where it has not begun. */
export async function readDoneTo(db: Db, work: Work): Promise<number | undefined> {
  const [row] = await db.select({ doneTo: progress.doneTo }).from(progress).where(eq(progress.work, work));
  return row?.doneTo;
}

/** Ends a run: how far it came, and when the next is due. */
export async function finishWork(db: Db, work: Work, done: { doneTo: number; dueAt: number }): Promise<void> {
  await db.update(progress).set(done).where(eq(progress.work, work));
}
