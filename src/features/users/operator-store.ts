import { and, eq } from "drizzle-orm";
import { commit, type Db, isBrokenConstraint } from "../../db/client.ts";
import { credentials, sessions, twoFactors, users, verifications } from "../../db/schema.ts";
import { type Act, insertAudit, onceThisCall, selectOnce, wasDone } from "../audit/store.ts";

export type StoredUser = typeof users.$inferSelect;

export async function findUserByEmail(db: Db, email: string): Promise<StoredUser | undefined> {
  return (await db.select().from(users).where(eq(users.email, email)))[0];
}

/** Stores an operator, with the log's row of it. @returns false where the email has a user already. */
export async function storeOperator(
  db: Db,
  user: { id: string; name: string; email: string },
  act: Act,
  now: number,
): Promise<boolean> {
  const at = new Date(now);
  const row = { ...user, emailVerified: true, role: "operator" as const, createdAt: at, updatedAt: at };
  const audit = auditOf("operator.create", user, act, now);
  try {
    const own = { table: users, guard: eq(users.id, user.id) };
    await commit(db, [db.insert(users).values(row)], insertAudit(db, audit, own));
    return true;
  } catch (error) {
    if (isBrokenConstraint(error)) return false;
    throw error;
  }
}

/** Notes that an operator got a new link. */
export async function noteNewLink(db: Db, user: StoredUser, act: Act, now: number): Promise<void> {
  const isOperator = and(eq(users.id, user.id), eq(users.role, "operator"));
  const audit = auditOf("operator.link", user, act, now);
  await commit(db, [], insertAudit(db, audit, { table: users, guard: isOperator }));
}

/**
 * Takes an operator's password and second factor away and ends every session, for one who has lost the phone
 * and the backup codes: a link to a new password is the only way back in, so that nobody who knows the old one
 * sets up a second factor first.
 */
export async function clearSecondFactor(db: Db, user: StoredUser, act: Act, now: number): Promise<void> {
  const isOperator = and(eq(users.id, user.id), eq(users.role, "operator"));
  const audit = auditOf("operator.second_factor_reset", user, act, now);
  await commit(
    db,
    [
      db.delete(twoFactors).where(eq(twoFactors.userId, user.id)),
      db.delete(credentials).where(eq(credentials.userId, user.id)),
      db.delete(sessions).where(eq(sessions.userId, user.id)),
      endLinks(db, user.id),
      db.update(users).set({ twoFactorEnabled: false }).where(isOperator),
    ],
    insertAudit(db, audit, { table: users, guard: isOperator }),
  );
}

/** Takes everything by which an operator comes in, and the role. @returns whether this call did. */
export async function storeRemoval(db: Db, id: string, act: Act, now: number): Promise<boolean> {
  const once = onceThisCall();
  const isOperator = and(eq(users.id, id), eq(users.role, "operator"));
  const audit = { ...auditOf("operator.remove", { id }, act, now), once };
  const gone = { role: "merchant" as const, email: `${id}@removed.invalid`, twoFactorEnabled: false };
  const statements = [
    insertAudit(db, audit, { table: users, guard: isOperator }),
    db.delete(twoFactors).where(and(eq(twoFactors.userId, id), wasDone(once))),
    db.delete(credentials).where(and(eq(credentials.userId, id), wasDone(once))),
    db.delete(sessions).where(and(eq(sessions.userId, id), wasDone(once))),
    endLinks(db, id),
    db
      .update(users)
      .set({ ...gone, updatedAt: new Date(now) })
      .where(isOperator),
  ];
  return (await commit(db, statements, selectOnce(db, once))).length > 0;
}

/** A link to a new password names its user as its value. */
const endLinks = (db: Db, id: string) => db.delete(verifications).where(eq(verifications.value, id));

/** Without the name, which the user's own row has: what the log has stays for good. */
const auditOf = (action: string, user: { id: string }, act: Act, now: number) => ({
  ...act,
  at: now,
  action,
  subject: `user:${user.id}`,
});
