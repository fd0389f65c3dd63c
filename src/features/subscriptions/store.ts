import { and, eq, gt, isNotNull, isNull, lte, not, notExists, or, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import { commit, type Db, type Statement } from "../../db/client.ts";
import { apiKeys, merchants, notices, wallets } from "../../db/schema.ts";
import { DAY_MS } from "../../lib/clock.ts";
import type { Claim } from "../idempotency/claim.ts";
import { insertAnswer, type StoredAnswer, selectAnswer } from "../idempotency/store.ts";
import { type DependsOn, dependent } from "../ledger/store.ts";
import { emailOfMerchant, insertNotice } from "../notices/store.ts";
import type { Purchase } from "./purchase.ts";

/** Whether this key of the merchant's is gone. */
const isDeleted = (db: Db, merchantId: number, keyId: number) => {
  const bought = alias(apiKeys, "bought");
  const isLiving = and(eq(bought.id, keyId), eq(bought.merchantId, merchantId), isNull(bought.deletedAt));
  return notExists(db.select({ one: sql`1` }).from(bought).where(isLiving));
};

/** Tells the merchant of a plan whose key was deleted before it was paid; only where `on` finds the payment. */
export function tellOfDeletedKey(
  db: Db,
  { plan, keyId, calls, days }: Extract<Purchase, { kind: "plan" }>,
  payment: { merchantId: number; id: string },
  now: number,
  on: DependsOn,
): Statement {
  const notice = {
    id: `plan_moved:${payment.id}`,
    merchantId: payment.merchantId,
    channel: "email" as const,
    recipient: emailOfMerchant(db, payment.merchantId),
    subject: `Your ${plan} plan went to your default key`,
    body: `The key that you bought the plan ${plan} for was deleted before it was paid. Its ${calls} calls and ${days} days are with your default key.\n`,
    createdAt: now,
    dueAt: now,
  };
  return insertNotice(db, notice, {
    table: on.table,
    guard: and(on.guard, isDeleted(db, payment.merchantId, keyId)),
  });
}

/**
 * Gives the merchant what was bought, where `on` finds the payment that pays for it. A plan's calls are
 * added to what is left of an unexpired one; the time runs on from the later of now and its end. A plan
 * for a key that was deleted meanwhile goes to the default key.
 */
export function activate(
  db: Db,
  purchase: Purchase,
  merchantId: number,
  now: number,
  on: DependsOn,
): Statement {
  if (purchase.kind === "sms_credits") {
    return db
      .update(wallets)
      .set({ smsCredits: sql`${wallets.smsCredits} + ${purchase.credits}` })
      .where(and(eq(wallets.merchantId, merchantId), dependent(db, on)));
  }
  const { plan, keyId, calls, days } = purchase;
  return db
    .update(apiKeys)
    .set({
      plan,
      callsLeft: sql`case when ${apiKeys.expiresAt} > ${now} then ${apiKeys.callsLeft} else 0 end + ${calls}`,
      expiresAt: sql`max(coalesce(${apiKeys.expiresAt}, 0), ${now}) + ${days * DAY_MS}`,
    })
    .where(
      and(
        eq(apiKeys.merchantId, merchantId),
        or(
          and(eq(apiKeys.id, keyId), isNull(apiKeys.deletedAt)),
          and(eq(apiKeys.isDefault, true), isDeleted(db, merchantId, keyId)),
        ),
        dependent(db, on),
      ),
    );
}

/**
 * Moves the merchant's running trial to another of its keys, which has no subscription, and keeps the answer
 * with it. Where the storage's answer was lost, what is stored tells: so a move that is repeated has moved it.
 * @returns whether it is moved, and who used the answer's idempotency key.
 */
export async function moveTrial(
  db: Db,
  merchantId: number,
  toKeyId: number,
  now: number,
  answer: { claim: Claim; body: object } | undefined,
): Promise<{ isMoved: boolean; prior: StoredAnswer | undefined }> {
  const isTrial = and(
    eq(apiKeys.merchantId, merchantId),
    eq(apiKeys.plan, "Trial"),
    gt(apiKeys.expiresAt, now),
    isNull(apiKeys.deletedAt),
  );
  const [trials, before] = await db.batch([
    db.select().from(apiKeys).where(isTrial).limit(1),
    selectAnswer(db, answer?.claim),
  ]);
  const trial = trials[0];
  if (before[0] || !trial || trial.id === toKeyId) return { isMoved: false, prior: before[0] };
  const isStillThere = sql`exists (select 1 from api_keys trial where trial.id = ${trial.id} and trial.plan = 'Trial'
    and trial.expires_at = ${trial.expiresAt} and trial.calls_left = ${trial.callsLeft})`;
  const own = and(eq(apiKeys.id, toKeyId), eq(apiKeys.merchantId, merchantId), isNull(apiKeys.deletedAt));
  const give = db
    .update(apiKeys)
    .set({ plan: "Trial", callsLeft: trial.callsLeft, expiresAt: trial.expiresAt })
    .where(and(own, sql`coalesce(${apiKeys.expiresAt}, 0) <= ${now}`, isStillThere));
  const isGiven = and(own, eq(apiKeys.plan, "Trial"), sql`${apiKeys.expiresAt} = ${trial.expiresAt}`);
  // Between the giving and the taking alone both keys have it.
  const given = { table: apiKeys, guard: and(isGiven, isStillThere) };
  const kept = answer && { status: 200, body: JSON.stringify(answer.body), now };
  const keep = kept ? [insertAnswer(db, answer.claim, kept, given)] : [];
  const take = db
    .update(apiKeys)
    .set({ plan: null, callsLeft: 0, expiresAt: null })
    .where(
      and(
        eq(apiKeys.id, trial.id),
        isTrial,
        eq(apiKeys.callsLeft, trial.callsLeft),
        sql`exists (select 1 from api_keys given where given.id = ${toKeyId} and given.plan = 'Trial'
          and given.expires_at = ${trial.expiresAt})`,
      ),
    );
  const moved = await commit(
    db,
    [give, ...keep, take],
    db
      .select({ id: apiKeys.id })
      .from(apiKeys)
      .where(and(isGiven, not(isStillThere))),
  );
  if (moved.length > 0) return { isMoved: true, prior: undefined };
  return { isMoved: false, prior: (await selectAnswer(db, answer?.claim))[0] };
}

export type Warning = "plan_low" | "plan_ending" | "plan_ended";

/** The name of a warning's notice: one for each subscription period of a key. */
const noticeId = (warning: Warning) =>
  sql<string>`${`${warning}:`} || ${apiKeys.id} || ':' || cast(${apiKeys.expiresAt} as integer)`;

/** Keys whose merchants are to be warned and were not. */
export function readUnwarned(db: Db, warning: Warning, condition: SQL | undefined, atMost: number) {
  const told = sql`exists (select 1 from ${notices} where ${notices.id} = ${noticeId(warning)})`;
  return db
    .select({
      noticeId: noticeId(warning),
      name: apiKeys.name,
      plan: apiKeys.plan,
      callsLeft: apiKeys.callsLeft,
      expiresAt: apiKeys.expiresAt,
      merchantId: apiKeys.merchantId,
      email: merchants.email,
    })
    .from(apiKeys)
    .innerJoin(merchants, eq(merchants.id, apiKeys.merchantId))
    .where(and(isNotNull(apiKeys.expiresAt), isNull(apiKeys.deletedAt), condition, sql`not ${told}`))
    .limit(atMost);
}

export const endsBetween = (from: number, to: number) =>
  and(gt(apiKeys.expiresAt, from), lte(apiKeys.expiresAt, to));

/** At most a tenth of the plan's calls is left. */
export const isLow = (plan: string, calls: number, now: number) =>
  and(eq(apiKeys.plan, plan), gt(apiKeys.expiresAt, now), lte(apiKeys.callsLeft, Math.floor(calls / 10)));
