import { sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { floatBalances } from "../../db/schema.ts";

export type StoredFloat = typeof floatBalances.$inferSelect;

/** An older report never replaces a newer one. */
export async function storeFloat(db: Db, reported: StoredFloat[]): Promise<void> {
  await db
    .insert(floatBalances)
    .values(reported)
    .onConflictDoUpdate({
      target: floatBalances.account,
      set: { amount: sql`excluded.amount`, reportedAt: sql`excluded.reported_at` },
      setWhere: sql`${floatBalances.reportedAt} <= excluded.reported_at`,
    });
}

export const readFloat = (db: Db) => db.select().from(floatBalances);
