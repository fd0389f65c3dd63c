import { and, asc, desc, eq, gt, gte, inArray, lt, lte, ne, notExists, or, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import { commit, type Db, rowOf, type Statement, untilKnown } from "../../db/client.ts";
import { apiKeys, webhookDeliveries } from "../../db/schema.ts";
import { type AuditEntry, insertAudit, onceThisCall, wasDone } from "../audit/store.ts";
import { type DependsOn, dependent } from "../ledger/store.ts";
import { emailOfMerchant, insertNotice } from "../notices/store.ts";
import type { ListQuery } from "./contract.ts";
import { deliveryIdOf, type Owner } from "./rules.ts";

export type StoredDelivery = typeof webhookDeliveries.$inferSelect;

/** What an attempt needs of a delivery. */
export type Deliverable = Pick<
  StoredDelivery,
  "merchantId" | "id" | "keyId" | "transactionId" | "url" | "body" | "attemptCount" | "attempts"
> &
  Partial<Pick<StoredDelivery, "attemptsBeforeReplay">>;

export type NewDelivery = Deliverable & { transactionId: string; createdAt: number; dueAt: number };

export const insertDelivery = (db: Db, delivery: NewDelivery, on: DependsOn): Statement =>
  db
    .insert(webhookDeliveries)
    .select(
      db
        .select(rowOf(webhookDeliveries, { ...delivery, status: "pending" }))
        .from(on.table)
        .where(on.guard),
    )
    .onConflictDoNothing({ target: [webhookDeliveries.merchantId, webhookDeliveries.id] });

/** Stops telling what is no longer true: the failure of a payment that turns out to be paid. */
export const withdrawFailure = (
  db: Db,
  merchantId: number,
  transactionId: string,
  on: DependsOn,
): Statement =>
  db
    .update(webhookDeliveries)
    .set({ status: "failed", dueAt: null })
    .where(
      and(
        isDelivery({ merchantId, id: deliveryIdOf(transactionId, "failed") }),
        eq(webhookDeliveries.status, "pending"),
        dependent(db, on),
      ),
    );

const isDelivery = ({ merchantId, id }: { merchantId: number; id: string }) =>
  and(eq(webhookDeliveries.merchantId, merchantId), eq(webhookDeliveries.id, id));

export const readDueDeliveries = (db: Db, now: number, atMost: number) =>
  db
    .select({
      merchantId: webhookDeliveries.merchantId,
      id: webhookDeliveries.id,
      dueAt: webhookDeliveries.dueAt,
    })
    .from(webhookDeliveries)
    .where(lte(webhookDeliveries.dueAt, now))
    .orderBy(asc(webhookDeliveries.dueAt))
    .limit(atMost);

/**
 * Takes a delivery for one attempt, by moving its due time from where it was seen.
 * @returns the delivery, or undefined if somebody else has it or nothing is left to do.
 */
export async function leaseDelivery(
  db: Db,
  seen: { merchantId: number; id: string; dueAt: number },
  until: number,
): Promise<StoredDelivery | undefined> {
  const leased = await db
    .update(webhookDeliveries)
    .set({ dueAt: until })
    .where(
      and(isDelivery(seen), eq(webhookDeliveries.status, "pending"), eq(webhookDeliveries.dueAt, seen.dueAt)),
    )
    .returning();
  return leased[0];
}

/** The key's secrets, also of a deleted key: its payments in flight are still told. */
export async function readSecrets(db: Db, keyId: number) {
  const rows = await db
    .select({
      current: apiKeys.webhookSecret,
      previous: apiKeys.previousWebhookSecret,
      previousUntil: apiKeys.previousWebhookSecretUntil,
    })
    .from(apiKeys)
    .where(eq(apiKeys.id, keyId));
  return rows[0];
}

/**
 * Records an attempt on the delivery as it was read; a second record of the same attempt changes nothing. No
 * retry is recorded of what was withdrawn meanwhile.
 */
export async function recordAttempt(
  db: Db,
  delivery: Deliverable,
  after: Pick<StoredDelivery, "status" | "attempts" | "dueAt" | "deliveredAt">,
): Promise<void> {
  await untilKnown(() =>
    db
      .update(webhookDeliveries)
      .set({ ...after, attemptCount: delivery.attemptCount + 1 })
      .where(
        and(
          isDelivery(delivery),
          eq(webhookDeliveries.attemptCount, delivery.attemptCount),
          after.status === "pending" ? eq(webhookDeliveries.status, "pending") : undefined,
        ),
      ),
  );
}

/** Records the last attempt, and tells the merchant of it in the same write. */
export async function recordGivenUp(
  db: Db,
  delivery: Deliverable,
  attempts: string,
  { now, ...email }: { id: string; subject: string; body: string; now: number },
): Promise<void> {
  const { merchantId, attemptCount } = delivery;
  const guard = and(isDelivery(delivery), eq(webhookDeliveries.attemptCount, attemptCount));
  const recipient = emailOfMerchant(db, merchantId);
  const notice = { ...email, merchantId, channel: "email" as const, recipient, createdAt: now, dueAt: now };
  const update = db
    .update(webhookDeliveries)
    .set({ status: "failed", attempts, dueAt: null, deliveredAt: null, attemptCount: attemptCount + 1 })
    .where(guard);
  await commit(db, [insertNotice(db, notice, { table: webhookDeliveries, guard })], update);
}

/** Whether it is true still what a delivery tells: not of the failure of a payment that was paid after all. */
export function isTrueStill(db: Db): SQL {
  const { merchantId, id } = webhookDeliveries;
  const success = alias(webhookDeliveries, "success");
  return notExists(
    db
      .select({ one: sql`1` })
      .from(success)
      .where(
        and(
          eq(success.merchantId, merchantId),
          eq(success.id, sql`replace(${id}, '_failed', '_completed')`),
          ne(success.id, id),
        ),
      ),
  );
}

/** The last deliveries that were given up, of all merchants. */
export const readGivenUp = (db: Db, atMost: number) =>
  db
    .select()
    .from(webhookDeliveries)
    .where(and(sql`${webhookDeliveries.status} = 'failed'`, isTrueStill(db)))
    .orderBy(desc(webhookDeliveries.createdAt))
    .limit(atMost);

/** A delivery that was given up, by its id alone. */
export async function findGivenUp(db: Db, id: string): Promise<StoredDelivery | undefined> {
  const table = sql`${webhookDeliveries} indexed by webhook_deliveries_given_up`;
  const isIt = and(sql`${webhookDeliveries.status} = 'failed'`, eq(webhookDeliveries.id, id));
  const merchantId = sql<number>`${webhookDeliveries.merchantId}`.as("merchant_id");
  const [found] = await db.select({ merchantId }).from(table).where(isIt);
  if (!found) return undefined;
  return (
    await db
      .select()
      .from(webhookDeliveries)
      .where(isDelivery({ ...found, id }))
  )[0];
}

/** Stores a delivery that tells of nothing that is stored with it. */
export async function storeDelivery(
  db: Db,
  delivery: Pick<
    StoredDelivery,
    "merchantId" | "id" | "keyId" | "transactionId" | "url" | "body" | "createdAt"
  > & { dueAt: number },
): Promise<StoredDelivery> {
  const [stored] = await db.insert(webhookDeliveries).values(delivery).returning();
  if (!stored) throw new Error(`storing the delivery ${delivery.id} answered nothing`);
  return stored;
}

const isOwned = ({ merchantId, keyId }: Owner) =>
  and(
    eq(webhookDeliveries.merchantId, merchantId),
    keyId === undefined ? undefined : eq(webhookDeliveries.keyId, keyId),
  );

export async function findOwnDelivery(db: Db, owner: Owner, id: string): Promise<StoredDelivery | undefined> {
  const found = await db
    .select()
    .from(webhookDeliveries)
    .where(and(isOwned(owner), eq(webhookDeliveries.id, id)));
  return found[0];
}

/** How many deliveries one page looks through for those of one key, the pending or the delivered among others. */
export const SEARCHED_AT_MOST = 5_000;

/**
 * A page of deliveries, newest first, and one more where there are more. What is skipped stays an id of an
 * index where it has one; only the page's own rows are read whole.
 */
export async function readPage(db: Db, owner: Owner, { status, limit, cursor }: ListQuery) {
  const { id } = webhookDeliveries;
  const isIndexed = status === "failed";
  const table = isIndexed
    ? sql`${webhookDeliveries} indexed by webhook_deliveries_failed_list`
    : webhookDeliveries;
  const ids = { id: sql<string>`${id}`.as("id") };
  const walked = and(
    eq(webhookDeliveries.merchantId, owner.merchantId),
    // Spelt out, since a partial index serves only a query that says so itself.
    isIndexed ? sql`${webhookDeliveries.status} = 'failed'` : undefined,
    cursor === undefined ? undefined : lt(id, cursor),
  );
  const isSearch = owner.keyId !== undefined || (status !== undefined && !isIndexed);
  const searchEnd = db
    .select(ids)
    .from(table)
    .where(walked)
    .orderBy(desc(id))
    .limit(isSearch ? 1 : 0)
    .offset(SEARCHED_AT_MOST - 1);
  const page = db
    .select(ids)
    .from(table)
    .where(
      and(
        walked,
        isOwned(owner),
        status === undefined ? undefined : eq(webhookDeliveries.status, status),
        isSearch ? gte(id, sql`ifnull((${searchEnd}), '')`) : undefined,
      ),
    )
    .orderBy(desc(id))
    .limit(limit + 1);
  const [found, ends] = await db.batch([
    db
      .select()
      .from(webhookDeliveries)
      .where(and(eq(webhookDeliveries.merchantId, owner.merchantId), inArray(id, page)))
      .orderBy(desc(id)),
    searchEnd,
  ]);
  return { found, searchedUntil: ends[0]?.id };
}

/**
 * Makes a delivery due again, as it was seen: with `trueOnly` what is true still, and with `audit` as an act
 * that the log has.
 * @returns the delivery, or undefined if it has moved since.
 */
export async function takeForReplay(
  db: Db,
  seen: StoredDelivery,
  dueAt: number,
  { trueOnly, audit }: { trueOnly?: boolean; audit?: AuditEntry } = {},
): Promise<StoredDelivery | undefined> {
  const asSeen = and(
    isDelivery(seen),
    eq(webhookDeliveries.status, seen.status),
    eq(webhookDeliveries.attemptCount, seen.attemptCount),
    sql`${webhookDeliveries.dueAt} is ${seen.dueAt}`,
    trueOnly ? isTrueStill(db) : undefined,
  );
  const take = db.update(webhookDeliveries).set(dueForReplay(dueAt)).where(asSeen).returning();
  if (!audit) return (await commit(db, [], take))[0];
  const once = onceThisCall();
  const noted = insertAudit(db, { ...audit, once }, { table: webhookDeliveries, guard: asSeen });
  const taken = db
    .select()
    .from(webhookDeliveries)
    .where(and(isDelivery(seen), wasDone(once)));
  return (await commit(db, [noted, take], taken))[0];
}

const dueForReplay = (dueAt: number) => ({
  status: "pending" as const,
  dueAt,
  deliveredAt: null,
  attemptsBeforeReplay: sql`${webhookDeliveries.attemptCount}`,
});

/** Failed deliveries of results since then, behind the delivery `after` where one is named. */
export type Failed = { owner: Owner; since: number; after: string | undefined };

/**
 * Makes failed deliveries due again, oldest first, but for failures of payments that were paid after all. Not repeated where the answer is lost: a repetition
 * would take others, and the sweep finds these.
 */
export async function takeFailed(
  db: Db,
  { owner, since, after }: Failed,
  { dueAt, atMost }: { dueAt: number; atMost: number },
): Promise<{ taken: Pick<StoredDelivery, "merchantId" | "id" | "createdAt">[]; isMoreLeft: boolean }> {
  const { id, createdAt, status, merchantId } = webhookDeliveries;
  const cursor = after === undefined ? undefined : await findOwnDelivery(db, owner, after);
  const failed = (limit: number) =>
    db
      .select({ id: sql<string>`${id}`.as("id") })
      .from(sql`${webhookDeliveries} indexed by webhook_deliveries_failed`)
      .where(
        and(
          isOwned(owner),
          eq(status, "failed"),
          sql`${status} = 'failed'`,
          gte(createdAt, Math.max(since, cursor?.createdAt ?? 0)),
          cursor && or(gt(createdAt, cursor.createdAt), gt(id, cursor.id)),
          isTrueStill(db),
        ),
      )
      .orderBy(asc(createdAt), asc(id))
      .limit(limit);
  const [taken, left] = await db.batch([
    db
      .update(webhookDeliveries)
      .set(dueForReplay(dueAt))
      .where(and(eq(merchantId, owner.merchantId), eq(status, "failed"), inArray(id, failed(atMost))))
      .returning({ merchantId, id, createdAt }),
    failed(1),
  ]);
  taken.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  return { taken, isMoreLeft: left.length > 0 };
}
