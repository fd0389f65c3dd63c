import { lte, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { throttles } from "../../db/schema.ts";

/** Counts one try; a window that has ended begins anew. @returns the window with this try in it. */
export async function countTry(db: Db, scope: string, { now, windowMs }: { now: number; windowMs: number }) {
  const isOver = sql`${throttles.endsAt} <= ${now}`;
  const [counted] = await db
    .insert(throttles)
    .values({ scope, count: 1, endsAt: now + windowMs })
    .onConflictDoUpdate({
      target: throttles.scope,
      set: {
        count: sql`case when ${isOver} then 1 else ${throttles.count} + 1 end`,
        endsAt: sql`case when ${isOver} then ${now + windowMs} else ${throttles.endsAt} end`,
      },
    })
    .returning();
  if (!counted) throw new Error("an upsert answers with its row");
  return counted;
}

export async function removeEnded(db: Db, now: number): Promise<void> {
  await db.delete(throttles).where(lte(throttles.endsAt, now));
}
