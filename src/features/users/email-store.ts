import { and, eq, exists, gt, inArray, lte, ne, notExists, sql } from "drizzle-orm";
import { commit, type Db } from "../../db/client.ts";
import { emailChanges, merchants, sessions, users, verifications } from "../../db/schema.ts";
import { insertNotice } from "../notices/store.ts";

type EmailChange = typeof emailChanges.$inferSelect;

/** The change in force for the user: the one before it is gone. */
export async function storeEmailChange(db: Db, change: EmailChange): Promise<void> {
  const { userId: _, ...fresh } = change;
  await db
    .insert(emailChanges)
    .values(change)
    .onConflictDoUpdate({ target: emailChanges.userId, set: fresh });
}

/** The change that waits for its link. */
export async function findEmailChange(db: Db, userId: string, now: number): Promise<EmailChange | undefined> {
  const waits = and(eq(emailChanges.userId, userId), gt(emailChanges.expiresAt, now));
  return (await db.select().from(emailChanges).where(waits))[0];
}

export async function removeEmailChange(db: Db, userId: string): Promise<void> {
  await db.delete(emailChanges).where(eq(emailChanges.userId, userId));
}

/** Who signs in with this address. */
export async function findIdByEmail(db: Db, email: string): Promise<string | undefined> {
  return (await db.select({ id: users.id }).from(users).where(eq(users.email, email)))[0]?.id;
}

/**
 * Gives the user and the merchant the address, while the change waits: ends all sessions but one and every
 * link to a new password, and tells the old address, all together.
 * @returns whether the user has the address by this link, now or before.
 * @throws the database's refusal of an address that another user has.
 */
export async function storeNewEmail(
  db: Db,
  change: EmailChange,
  with_: {
    sessionId: string;
    notice: { id: string; merchantId: number; subject: string; body: string };
    now: number;
  },
): Promise<boolean> {
  const { userId, email, tokenHash } = change;
  const { sessionId, notice, now } = with_;
  const isThis = and(eq(emailChanges.userId, userId), eq(emailChanges.tokenHash, tokenHash));
  const isWaiting = and(isThis, gt(emailChanges.expiresAt, now));
  const waiting = db.select({ one: sql`1` }).from(emailChanges).where(isWaiting);
  const oldAddress = sql`(${db.select({ email: users.email }).from(users).where(eq(users.id, userId))})`;
  const has = db
    .select({ id: users.id })
    .from(users)
    .where(
      and(
        eq(users.id, userId),
        eq(users.email, email),
        notExists(db.select({ one: sql`1` }).from(emailChanges).where(isThis)),
      ),
    );
  const told = { ...notice, channel: "email" as const, recipient: oldAddress, createdAt: now, dueAt: now };
  const statements = [
    insertNotice(db, told, { table: emailChanges, guard: isWaiting }),
    db
      .update(users)
      .set({ email, emailVerified: true, updatedAt: new Date(now) })
      .where(and(eq(users.id, userId), exists(waiting))),
    db
      .update(merchants)
      .set({ email })
      .where(and(eq(merchants.userId, userId), exists(waiting))),
    db.delete(sessions).where(and(eq(sessions.userId, userId), ne(sessions.id, sessionId), exists(waiting))),
    // A link to a new password names its user as its value.
    db.delete(verifications).where(and(eq(verifications.value, userId), exists(waiting))),
    db.delete(emailChanges).where(isWaiting),
  ];
  return (await commit(db, statements, has)).length > 0;
}

/** Changes whose link was not used in time. @returns how many went. */
export async function purgeEmailChanges(db: Db, now: number, atMost: number): Promise<number> {
  const ended = db
    .select({ userId: emailChanges.userId })
    .from(emailChanges)
    .where(lte(emailChanges.expiresAt, now))
    .limit(atMost);
  const { meta } = await db.delete(emailChanges).where(inArray(emailChanges.userId, ended));
  return meta.changes;
}
