import { inArray, lt } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { sessions, verifications } from "../../db/schema.ts";

/** Sessions that have ended by themselves; better-auth refuses them already. @returns how many went. */
export const purgeSessions = (db: Db, now: number, atMost: number) => purgeEnded(db, sessions, now, atMost);

/** Links and codes that were not used in time. @returns how many went. */
export const purgeVerifications = (db: Db, now: number, atMost: number) =>
  purgeEnded(db, verifications, now, atMost);

async function purgeEnded(
  db: Db,
  table: typeof sessions | typeof verifications,
  now: number,
  atMost: number,
): Promise<number> {
  const ended = db
    .select({ id: table.id })
    .from(table)
    .where(lt(table.expiresAt, new Date(now)))
    .limit(atMost);
  const { meta } = await db.delete(table).where(inArray(table.id, ended));
  return meta.changes;
}
