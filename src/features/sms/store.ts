import { and, asc, desc, eq, exists, gt, inArray, isNull, lt, lte, sql } from "drizzle-orm";
import { commit, type Db, rowOf, untilKnown } from "../../db/client.ts";
import { smsMessages, wallets } from "../../db/schema.ts";
import type { Msisdn } from "../../lib/msisdn.ts";
import type { DeliveryReport } from "../../upstreams/sms-gateway/port.ts";
import type { Claim } from "../idempotency/claim.ts";
import { insertAnswer, selectAnswer } from "../idempotency/store.ts";
import type { Measure, OrderView } from "./rules.ts";
import { REPORTS_COME_WITHIN_MS, reported, UNCLEAR_REASON } from "./rules.ts";

export type StoredSms = typeof smsMessages.$inferSelect;
export type SmsRef = Pick<StoredSms, "merchantId" | "id">;

/** One message to any number of phones. */
export type Order = {
  merchantId: number;
  /** Null for a notice, which no key asked for. */
  keyId: number | null;
  message: string;
  measure: Measure;
  recipients: { id: string; phone: Msisdn }[];
  now: number;
  /** When the sweep sends what nobody has sent. */
  dueAt: number;
};

const isMessage = ({ merchantId, id }: SmsRef) =>
  and(eq(smsMessages.merchantId, merchantId), eq(smsMessages.id, id));

/**
 * Stores the messages, takes their credits and keeps the answer, in one batch and only together. The
 * constraints are the guard: too few credits, an id or an idempotency key that is taken fail the whole
 * batch, and so does running it again.
 * `answer` gets the credits that are left as its `data.remaining_balance`.
 * @returns the credits that are left.
 */
export async function storeOrder(
  db: Db,
  order: Order,
  answer: { claim: Claim; body: object } | undefined,
): Promise<number> {
  const { merchantId, measure, now } = order;
  const recipient = (member: "id" | "phone") => sql.raw(`json_each.value ->> '${member}'`);
  const insert = db.insert(smsMessages).select(
    db
      .select(
        rowOf(smsMessages, {
          merchantId,
          id: recipient("id"),
          keyId: order.keyId,
          phone: recipient("phone"),
          message: order.message,
          parts: measure.parts,
          cost: measure.parts,
          encoding: measure.encoding,
          status: "queued",
          dueAt: order.dueAt,
          createdAt: now,
        }),
      )
      .from(sql`json_each(${JSON.stringify(order.recipients)})`),
  );
  const ofMerchant = eq(wallets.merchantId, merchantId);
  const take = db
    .update(wallets)
    .set({ smsCredits: sql`${wallets.smsCredits} - ${measure.parts * order.recipients.length}` })
    .where(ofMerchant);
  const kept = answer && {
    status: 200,
    body: sql`json_set(${JSON.stringify(answer.body)}, '$.data.remaining_balance', ${wallets.smsCredits})`,
    now,
  };
  const keep = kept ? [insertAnswer(db, answer.claim, kept, { table: wallets, guard: ofMerchant })] : [];
  const [wallet] = await commit(
    db,
    [insert, take, ...keep],
    db.select({ credits: wallets.smsCredits }).from(wallets).where(ofMerchant),
  );
  return wallet?.credits ?? 0;
}

export async function readBrokenOrder(db: Db, order: Order, claim: Claim | undefined): Promise<OrderView> {
  const { merchantId, recipients } = order;
  const [credits, stored, prior] = await db.batch([
    selectCredits(db, merchantId),
    db
      .select()
      .from(smsMessages)
      .where(isMessage({ merchantId, id: recipients[0]?.id ?? "" })),
    selectAnswer(db, claim),
  ]);
  return { credits: credits[0]?.credits ?? 0, stored: stored[0], prior: prior[0] };
}

const selectCredits = (db: Db, merchantId: number) =>
  db.select({ credits: wallets.smsCredits }).from(wallets).where(eq(wallets.merchantId, merchantId));

export async function readCredits(db: Db, merchantId: number): Promise<number> {
  return (await selectCredits(db, merchantId))[0]?.credits ?? 0;
}

export async function findMessage(db: Db, ref: SmsRef): Promise<StoredSms | undefined> {
  return (await db.select().from(smsMessages).where(isMessage(ref)))[0];
}

/** Queued messages that nobody has sent, and sendings that have not ended. */
export const readDueMessages = (db: Db, now: number, atMost: number) =>
  db
    .select()
    .from(smsMessages)
    .where(lte(smsMessages.dueAt, now))
    .orderBy(asc(smsMessages.dueAt))
    .limit(atMost);

/**
 * Takes a queued message for its one sending, before the gateway is asked.
 * @returns the message, or undefined if somebody else has or had it.
 */
export async function claimSending(db: Db, ref: SmsRef, endsAt: number): Promise<StoredSms | undefined> {
  const claimed = await db
    .update(smsMessages)
    .set({ status: "sending", dueAt: endsAt })
    .where(and(isMessage(ref), eq(smsMessages.status, "queued")))
    .returning();
  return claimed[0];
}

const isSending = (ref: SmsRef) => and(isMessage(ref), eq(smsMessages.status, "sending"));

export async function recordAccepted(db: Db, ref: SmsRef, providerId: string | null, now: number) {
  await untilKnown(() =>
    db
      .update(smsMessages)
      .set({ status: "sent", providerId, failureReason: null, dueAt: null, sentAt: now })
      .where(isSending(ref)),
  );
}

/** The credits come back in the batch that ends the message, and only while it has not ended. */
export async function recordRefused(db: Db, message: StoredSms, reason: string): Promise<void> {
  const sending = db.select({ one: sql`1` }).from(smsMessages).where(isSending(message));
  await untilKnown(() =>
    db.batch([
      db
        .update(wallets)
        .set({ smsCredits: sql`${wallets.smsCredits} + ${message.cost}` })
        .where(and(eq(wallets.merchantId, message.merchantId), exists(sending))),
      db
        .update(smsMessages)
        .set({ status: "failed", failureReason: reason, dueAt: null })
        .where(isSending(message)),
    ]),
  );
}

/** Nothing is left to do for it but to hear a delivery report. */
export async function recordUnclear(db: Db, ref: SmsRef): Promise<void> {
  await untilKnown(() =>
    db.update(smsMessages).set({ failureReason: UNCLEAR_REASON, dueAt: null }).where(isSending(ref)),
  );
}

/** Applies a report to the message that it names. @returns whether there is one. */
export async function recordReport(db: Db, report: DeliveryReport): Promise<boolean> {
  const isNamed = eq(smsMessages.providerId, report.providerId);
  const before: StoredSms["status"][] = report.result.kind === "delivered" ? ["sent", "failed"] : ["sent"];
  const [, named] = await untilKnown(() =>
    db.batch([
      db
        .update(smsMessages)
        .set(reported(report))
        .where(and(isNamed, inArray(smsMessages.status, before))),
      db.select({ id: smsMessages.id }).from(smsMessages).where(isNamed),
    ]),
  );
  return named.length > 0;
}

/**
 * Applies a report whose id we do not know to the one message to its phone whose sending was unclear:
 * the answer that was lost would have told that id. Where several are, or another is still being sent,
 * nobody can tell.
 * @returns whether there was just one.
 */
export async function recordReportByPhone(db: Db, report: DeliveryReport, now: number): Promise<boolean> {
  const unanswered = and(
    eq(smsMessages.phone, report.phone ?? ""),
    eq(smsMessages.status, "sending"),
    gt(smsMessages.createdAt, now - REPORTS_COME_WITHIN_MS),
  );
  const howMany = db.select({ count: sql`count(*)` }).from(smsMessages).where(unanswered);
  const changed = await db
    .update(smsMessages)
    .set({ ...reported(report), providerId: report.providerId })
    .where(and(unanswered, isNull(smsMessages.dueAt), sql`(${howMany}) = 1`))
    .returning({ id: smsMessages.id });
  return changed.length > 0;
}

/** A merchant's messages, newest first. */
export const readMessages = (
  db: Db,
  merchantId: number,
  page: { limit: number; before: string | undefined },
) =>
  db
    .select()
    .from(smsMessages)
    .where(
      and(
        eq(smsMessages.merchantId, merchantId),
        page.before === undefined ? undefined : lt(smsMessages.id, page.before),
      ),
    )
    .orderBy(desc(smsMessages.id))
    .limit(page.limit);
