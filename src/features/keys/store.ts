import { and, asc, eq, isNotNull, isNull, lte, max, ne, or, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import { commit, type Db, rowOf, untilKnown } from "../../db/client.ts";
import { apiKeys, merchants } from "../../db/schema.ts";
import { type KeyId, storedKeyId } from "../../lib/ids.ts";
import { type AuditEntry, insertAudit, onceThisCall, selectOnce, wasDone } from "../audit/store.ts";
import { emailOfMerchant, insertNotice } from "../notices/store.ts";

export type StoredKey = typeof apiKeys.$inferSelect;

/** The living key with this hash, if there is one. */
export const selectKey = (db: Db, hash: string) =>
  db
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.hash, hash), isNull(apiKeys.deletedAt)));

export async function findKey(db: Db, hash: string): Promise<StoredKey | undefined> {
  return (await selectKey(db, hash))[0];
}

/** Ids rise, and none is given again: rows of deleted keys stay. `skip` leaves so many out. */
export async function nextKeyId(db: Db, skip: number): Promise<KeyId> {
  const [row] = await db.select({ last: max(apiKeys.id) }).from(apiKeys);
  return storedKeyId((row?.last ?? 0) + 1 + skip);
}

export type NewKey = Pick<
  StoredKey,
  "id" | "merchantId" | "name" | "hash" | "hint" | "webhookSecret" | "createdAt"
> &
  Partial<Pick<StoredKey, "scope" | "isDefault" | "plan" | "callsLeft" | "expiresAt">>;

/** The form in which two names are the same. */
export const foldName = (name: string) => name.normalize("NFC").toLowerCase();

export const insertKey = (db: Db, key: NewKey) =>
  db.insert(apiKeys).values({ ...key, nameFolded: foldName(key.name) });

/**
 * Stores a key if its id is free and the merchant has fewer than `atMost` living ones.
 * Running it again with the same key changes nothing.
 * @returns the key that has this id then, which is another one where the id was taken.
 */
export async function storeKey(db: Db, key: NewKey, atMost: number): Promise<StoredKey | undefined> {
  const living = alias(apiKeys, "living");
  const livingCount = db
    .select({ count: sql`count(*)` })
    .from(living)
    .where(and(eq(living.merchantId, key.merchantId), isNull(living.deletedAt)));
  const sameId = db.select({ one: sql`1` }).from(living).where(eq(living.id, key.id));
  const row = rowOf(apiKeys, {
    ...key,
    nameFolded: foldName(key.name),
    isDefault: false,
    destination: '{"method":"wallet"}',
    callbackUrl: "",
    notifyEmail: "",
    notifyPhone: "",
    callsLeft: 0,
    startedCount: 0,
    completedCount: 0,
    failedCount: 0,
  });
  const insert = db.insert(apiKeys).select(
    db
      .select(row)
      .from(merchants)
      .where(
        and(eq(merchants.id, key.merchantId), sql`not exists ${sameId}`, sql`(${livingCount}) < ${atMost}`),
      ),
  );
  const stored = db.select().from(apiKeys).where(eq(apiKeys.id, key.id));
  return (await commit(db, [insert], stored))[0];
}

/** Whether a write failed because this index or primary key holds the value already. */
export const isTaken = (error: unknown, columns: string) =>
  `${String(error)} ${error instanceof Error ? String(error.cause) : ""}`.includes(
    `UNIQUE constraint failed: ${columns}`,
  );

/** A living key of this merchant; another merchant's matches nothing. */
const isOwn = (merchantId: number, id: number) =>
  and(eq(apiKeys.id, id), eq(apiKeys.merchantId, merchantId), isNull(apiKeys.deletedAt));

export async function findOwnKey(db: Db, merchantId: number, id: number): Promise<StoredKey | undefined> {
  return (await db.select().from(apiKeys).where(isOwn(merchantId, id)))[0];
}

export async function findOwnKeys(db: Db, merchantId: number): Promise<StoredKey[]> {
  return db
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.merchantId, merchantId), isNull(apiKeys.deletedAt)))
    .orderBy(asc(apiKeys.id));
}

/** Changes a living key of this merchant. @returns the key as it is then, or undefined if there is none. */
export async function updateOwnKey(
  db: Db,
  merchantId: number,
  id: number,
  change: Partial<StoredKey>,
): Promise<StoredKey | undefined> {
  const update = db.update(apiKeys).set(change).where(isOwn(merchantId, id)).returning();
  return (await untilKnown(async () => update))[0];
}

/** What the merchant is told of a change, by email. */
export type ChangeEmail = { id: string; subject: string; body: string; now: number };

const tell = (db: Db, { merchantId }: StoredKey, { now, ...text }: ChangeEmail, guard: SQL | undefined) =>
  insertNotice(
    db,
    {
      ...text,
      merchantId,
      channel: "email",
      recipient: emailOfMerchant(db, merchantId),
      createdAt: now,
      dueAt: now,
    },
    { table: apiKeys, guard },
  );

/** As `updateOwnKey`, and tells the merchant where the change is one. */
export function changeOwnKey(
  db: Db,
  key: StoredKey,
  change: Partial<Pick<StoredKey, "destination" | "callbackUrl" | "hash" | "hint">>,
  email: ChangeEmail,
): Promise<StoredKey | undefined> {
  const own = isOwn(key.merchantId, key.id);
  const { destination, callbackUrl, hash } = change;
  const isChange = or(
    destination === undefined ? undefined : ne(apiKeys.destination, destination),
    callbackUrl === undefined ? undefined : ne(apiKeys.callbackUrl, callbackUrl),
    hash === undefined ? undefined : ne(apiKeys.hash, hash),
  );
  const update = db.update(apiKeys).set(change).where(own).returning();
  return commit(db, [tell(db, key, email, and(own, isChange))], update).then((rows) => rows[0]);
}

/**
 * Deletes a living key that is not the default, and tells the merchant.
 * @returns the key as it is then, deleted or not.
 */
export async function deleteOwnKey(
  db: Db,
  key: StoredKey,
  email: ChangeEmail,
): Promise<StoredKey | undefined> {
  const guard = and(isOwn(key.merchantId, key.id), eq(apiKeys.isDefault, false));
  const statements = [
    tell(db, key, email, guard),
    db.update(apiKeys).set({ deletedAt: email.now }).where(guard),
  ];
  const after = db.select().from(apiKeys).where(eq(apiKeys.id, key.id));
  return (await commit(db, statements, after))[0];
}

/** Moves the default to a living key of this merchant; where there is none nothing moves. */
export async function moveDefault(db: Db, merchantId: number, id: number): Promise<StoredKey | undefined> {
  const next = alias(apiKeys, "next");
  const isThere = db
    .select({ one: sql`1` })
    .from(next)
    .where(and(eq(next.id, id), eq(next.merchantId, merchantId), isNull(next.deletedAt)));
  const clear = db
    .update(apiKeys)
    .set({ isDefault: false })
    .where(
      and(
        eq(apiKeys.merchantId, merchantId),
        eq(apiKeys.isDefault, true),
        isNull(apiKeys.deletedAt),
        ne(apiKeys.id, id),
        sql`exists ${isThere}`,
      ),
    );
  const set = db.update(apiKeys).set({ isDefault: true }).where(isOwn(merchantId, id)).returning();
  return (await commit(db, [clear], set))[0];
}

/** Puts a new secret in front of the one there is. Running it again with the same secret changes nothing. */
export async function replaceWebhookSecret(
  db: Db,
  merchantId: number,
  id: number,
  { secret, previousUntil }: { secret: string; previousUntil: number },
): Promise<StoredKey | undefined> {
  const rotate = db
    .update(apiKeys)
    .set({
      webhookSecret: secret,
      previousWebhookSecret: sql`${apiKeys.webhookSecret}`,
      previousWebhookSecretUntil: previousUntil,
    })
    .where(and(isOwn(merchantId, id), ne(apiKeys.webhookSecret, secret)));
  const after = db.select().from(apiKeys).where(isOwn(merchantId, id));
  return (await commit(db, [rotate], after))[0];
}

/** Notes that the key was used, unless that is noted for this time already. */
export async function noteUse(
  db: Db,
  id: number,
  { now, unlessSince }: { now: number; unlessSince: number },
): Promise<void> {
  const isOld = or(isNull(apiKeys.lastUsedAt), lte(apiKeys.lastUsedAt, unlessSince));
  await db
    .update(apiKeys)
    .set({ lastUsedAt: now })
    .where(and(eq(apiKeys.id, id), isOld));
}

/** Suspends a living key, and tells its merchant, once. @returns whether this call did. */
export async function suspendKey(
  db: Db,
  id: number,
  now: number,
  email: (key: StoredKey) => ChangeEmail,
  audit: AuditEntry | undefined,
): Promise<boolean> {
  const isFree = and(eq(apiKeys.id, id), isNull(apiKeys.suspendedAt), isNull(apiKeys.deletedAt));
  const [key] = await db.select().from(apiKeys).where(isFree);
  if (!key) return false;
  const suspend = db.update(apiKeys).set({ suspendedAt: now }).where(isFree).returning({ id: apiKeys.id });
  const told = tell(db, key, email(key), isFree);
  if (!audit) return (await commit(db, [told], suspend)).length > 0;
  const once = onceThisCall();
  const noted = insertAudit(db, { ...audit, once }, { table: apiKeys, guard: isFree });
  return (await commit(db, [told, noted, suspend], selectOnce(db, once))).length > 0;
}

const isSuspended = (id: number) =>
  and(eq(apiKeys.id, id), isNotNull(apiKeys.suspendedAt), isNull(apiKeys.deletedAt));

export async function findSuspendedKey(db: Db, id: number): Promise<StoredKey | undefined> {
  return (await db.select().from(apiKeys).where(isSuspended(id)))[0];
}

/** Lifts a suspension. @returns the key, or undefined if there is none that is suspended. */
export async function releaseKey(db: Db, id: number, audit: AuditEntry): Promise<StoredKey | undefined> {
  const once = onceThisCall();
  const noted = insertAudit(db, { ...audit, once }, { table: apiKeys, guard: isSuspended(id) });
  const release = db.update(apiKeys).set({ suspendedAt: null }).where(isSuspended(id));
  const released = db
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.id, id), wasDone(once)));
  return (await commit(db, [noted, release], released))[0];
}
