import { inArray, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { progress } from "../../db/schema.ts";

export const askDatabase = (db: Db) => db.run(sql`select 1`);

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
