import { desc, eq, inArray, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { minuteFigures, progress } from "../../db/schema.ts";

/** The last minute in which the cron came to the end of what it counts; null where it never did. */
export async function lastRunOfCron(db: Db): Promise<number | null> {
  const rows = await db
    .select({ minute: minuteFigures.minute })
    .from(minuteFigures)
    .where(eq(minuteFigures.name, "total:started"))
    .orderBy(desc(minuteFigures.minute))
    .limit(1);
  return rows[0]?.minute ?? null;
}

/** The names of the migrations that this database has had, oldest first; wrangler keeps the list. */
export async function appliedMigrations(db: Db): Promise<string[]> {
  const rows = await db.all<{ name: string }>(sql`select name from d1_migrations order by id`);
  return rows.map(({ name }) => name);
}

const nameOf = (queue: string) => `probe:${queue}`;

/** That a probe came out of this queue; a row a queue, written over by the next. */
export async function recordProbe(db: Db, queue: string, sentAt: number): Promise<void> {
  await db
    .insert(progress)
    .values({ work: nameOf(queue), doneTo: sentAt, dueAt: sentAt })
    .onConflictDoUpdate({ target: progress.work, set: { doneTo: sql`max(done_to, ${sentAt})` } });
}

/** Which of these queues have brought the probe that was sent then. */
export async function probesSince(db: Db, queues: string[], sentAt: number): Promise<string[]> {
  const rows = await db
    .select()
    .from(progress)
    .where(inArray(progress.work, queues.map(nameOf)));
  return queues.filter((queue) =>
    rows.some(({ work, doneTo }) => work === nameOf(queue) && doneTo >= sentAt),
  );
}
