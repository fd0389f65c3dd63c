import {
  and,
  asc,
  eq,
  exists,
  gt,
  inArray,
  isNotNull,
  isNull,
  ne,
  not,
  notLike,
  or,
  type SQL,
  sql,
} from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import { commit, type Db, rowOf, type Statement, untilKnown } from "../../db/client.ts";
import {
  apiKeys,
  deadLetters,
  emailChanges,
  idempotentAnswers,
  inboundCallbacks,
  merchants,
  notices,
  payouts,
  phoneCodes,
  sessions,
  smsMessages,
  statementLines,
  statements,
  transactions,
  users,
  verifiedPhones,
  wallets,
  webhookDeliveries,
} from "../../db/schema.ts";
import type { MerchantId } from "../../lib/ids.ts";
import { type Act, insertAudit, onceThisCall, selectOnce } from "../audit/store.ts";
import { OWN_WALLET_BANK_CODE } from "../keys/banks.ts";
import { REPORTS_COME_WITHIN_MS } from "../sms/rules.ts";

/** What a merchant whose data was erased is called. An erased merchant has no email. */
export const ERASED_NAME = "Erased";

/** Who the merchant is: its own row, wallet, phones and keys, deleted ones too. */
export async function readProfile(db: Db, merchantId: MerchantId) {
  const userId = sql`(${db.select({ userId: merchants.userId }).from(merchants).where(eq(merchants.id, merchantId))})`;
  const [owners, walletRows, phones, keys, signedIn, changes] = await db.batch([
    db.select().from(merchants).where(eq(merchants.id, merchantId)),
    db.select().from(wallets).where(eq(wallets.merchantId, merchantId)),
    db.select().from(verifiedPhones).where(eq(verifiedPhones.merchantId, merchantId)),
    db.select().from(apiKeys).where(eq(apiKeys.merchantId, merchantId)).orderBy(asc(apiKeys.id)),
    db.select().from(sessions).where(eq(sessions.userId, userId)).orderBy(asc(sessions.createdAt)),
    db.select({ email: emailChanges.email }).from(emailChanges).where(eq(emailChanges.userId, userId)),
  ]);
  const [merchant, wallet] = [owners[0], walletRows[0]];
  const newEmail = changes[0]?.email ?? null;
  return merchant && wallet ? { merchant, newEmail, wallet, phones, keys, sessions: signedIn } : undefined;
}

export type Profile = NonNullable<Awaited<ReturnType<typeof readProfile>>>;

/** A page of each of what the merchant's days left behind, oldest first, behind the id where the page before ended. */
export const PAGES = {
  transactions: (db: Db, merchantId: MerchantId, after: string, limit: number) =>
    db
      .select()
      .from(transactions)
      .where(and(eq(transactions.merchantId, merchantId), gt(transactions.id, after)))
      .orderBy(asc(transactions.id))
      .limit(limit),
  payouts: (db: Db, merchantId: MerchantId, after: string, limit: number) =>
    db
      .select()
      .from(payouts)
      .where(and(eq(payouts.merchantId, merchantId), gt(payouts.id, after)))
      .orderBy(asc(payouts.id))
      .limit(limit),
  sms: (db: Db, merchantId: MerchantId, after: string, limit: number) =>
    db
      .select()
      .from(smsMessages)
      .where(and(eq(smsMessages.merchantId, merchantId), gt(smsMessages.id, after)))
      .orderBy(asc(smsMessages.id))
      .limit(limit),
  webhooks: (db: Db, merchantId: MerchantId, after: string, limit: number) =>
    db
      .select()
      .from(webhookDeliveries)
      .where(and(eq(webhookDeliveries.merchantId, merchantId), gt(webhookDeliveries.id, after)))
      .orderBy(asc(webhookDeliveries.id))
      .limit(limit),
  notices: (db: Db, merchantId: MerchantId, after: string, limit: number) =>
    db
      .select()
      .from(notices)
      .where(and(eq(notices.merchantId, merchantId), gt(notices.id, after)))
      .orderBy(asc(notices.id))
      .limit(limit),
  statements: (db: Db, merchantId: MerchantId, after: string, limit: number) =>
    db
      .select({ id: statements.day, body: statements.body })
      .from(statements)
      .where(and(eq(statements.merchantId, merchantId), gt(statements.day, after)))
      .orderBy(asc(statements.day))
      .limit(limit),
};

const some = (
  db: Db,
  table: typeof transactions | typeof payouts | typeof smsMessages | typeof webhookDeliveries,
  where: SQL | undefined,
) => exists(db.select({ one: sql`1` }).from(table).where(where));

/** Bodies that hold a payer's data name their merchant, but for an SMS report's number: that goes with its age. */
const isOfMerchant = (merchantId: MerchantId) =>
  sql`json_extract(${deadLetters.body}, '$.merchantId') = ${merchantId}`;

/** Of a sending: one that has not ended, or whose unclear end a delivery report may still clear up. */
const mayStillEnd = (now: number) =>
  or(isNotNull(smsMessages.dueAt), gt(smsMessages.createdAt, now - REPORTS_COME_WITHIN_MS));

/** What is under way, each by the words in which a refusal names it. */
function underWay(db: Db, merchantId: MerchantId, now: number): Record<string, SQL> {
  const wallet = db.select({ one: sql`1` }).from(wallets);
  const ofMerchant = eq(wallets.merchantId, merchantId);
  return {
    "money in the wallet": exists(
      wallet.where(and(ofMerchant, or(ne(wallets.balance, 0), ne(wallets.held, 0)))),
    ),
    "money that the merchant owes": exists(
      db
        .select({ one: sql`1` })
        .from(wallets)
        .where(and(ofMerchant, ne(wallets.owed, 0))),
    ),
    "payments under way": some(
      db,
      transactions,
      and(eq(transactions.merchantId, merchantId), eq(transactions.status, "pending")),
    ),
    "payouts under way": some(
      db,
      payouts,
      and(eq(payouts.merchantId, merchantId), not(inArray(payouts.status, ["paid", "failed"]))),
    ),
    "SMS under way": some(
      db,
      smsMessages,
      and(
        eq(smsMessages.merchantId, merchantId),
        or(eq(smsMessages.status, "queued"), and(eq(smsMessages.status, "sending"), mayStillEnd(now))),
      ),
    ),
    "webhooks under way": some(
      db,
      webhookDeliveries,
      and(eq(webhookDeliveries.merchantId, merchantId), eq(webhookDeliveries.status, "pending")),
    ),
    "callbacks that an operator should look at": exists(
      db
        .select({ one: sql`1` })
        .from(inboundCallbacks)
        .where(and(sql`${inboundCallbacks.open} = 1`, eq(inboundCallbacks.merchantId, merchantId))),
    ),
    "queue messages that were given up": exists(
      db
        .select({ one: sql`1` })
        .from(deadLetters)
        .where(and(isNull(deadLetters.replayedAt), isOfMerchant(merchantId))),
    ),
  };
}

/** What stands in the way of an erasure, and how much there is to erase; undefined for no merchant. */
export async function readErasable(db: Db, merchantId: MerchantId, now: number) {
  const reasons = Object.entries(underWay(db, merchantId, now));
  const countOf = (
    table: typeof transactions | typeof payouts | typeof smsMessages | typeof webhookDeliveries,
  ) => db.select({ count: sql<number>`count(*)` }).from(table).where(eq(table.merchantId, merchantId));
  const flags = Object.fromEntries(
    reasons.map(([, condition], i) => [`r${i}`, sql<number>`${condition}`.as(`r${i}`)]),
  );
  const [owners, payments, paidOut, texts, webhooks] = await db.batch([
    db
      .select({ email: merchants.email, ...flags })
      .from(merchants)
      .where(eq(merchants.id, merchantId)),
    countOf(transactions),
    countOf(payouts),
    countOf(smsMessages),
    countOf(webhookDeliveries),
  ]);
  const [found] = owners;
  if (!found) return undefined;
  const flagged = found as Record<string, unknown>; // its columns are named just above
  return {
    isErased: found.email === "",
    reasons: reasons.flatMap(([reason], i) => (flagged[`r${i}`] === 1 ? [reason] : [])),
    counts: {
      transactions: payments[0]?.count ?? 0,
      payouts: paidOut[0]?.count ?? 0,
      sms: texts[0]?.count ?? 0,
      webhooks: webhooks[0]?.count ?? 0,
    },
  };
}

/** Notes that an operator took the merchant's data out. @returns false for no merchant. */
export async function noteExport(db: Db, merchantId: MerchantId, act: Act, now: number): Promise<boolean> {
  const once = onceThisCall();
  const entry = { ...act, at: now, action: "merchant.export", subject: `merchant:${merchantId}`, once };
  const insert = insertAudit(db, entry, { table: merchants, guard: eq(merchants.id, merchantId) });
  return (await commit(db, [insert], selectOnce(db, once))).length > 0;
}

/**
 * Takes the merchant's name, contacts, keys and sign-in away, all together, and only if nothing is under way.
 * `phones`: each verified phone with the text that takes its place. `once` names the confirmation, whose row
 * the log has once.
 * @returns whether it was done, now or before.
 */
export async function closeAccount(
  db: Db,
  merchantId: MerchantId,
  change: {
    phones: { phone: string; pseudonym: string }[];
    userId: string | null;
    now: number;
    act: Act;
    once: string;
  },
): Promise<boolean> {
  const { phones, userId, now, act, once } = change;
  const isMerchant = eq(merchants.id, merchantId);
  const isClosed = exists(
    db
      .select({ one: sql`1` })
      .from(merchants)
      .where(and(isMerchant, eq(merchants.email, ""))),
  );
  // In the log without any name.
  const subject = `merchant:${merchantId}`;
  const audit = insertAudit(
    db,
    { ...act, at: now, action: "merchant.erase", subject, once },
    { table: merchants, guard: and(isMerchant, eq(merchants.email, "")) },
  );
  const close = db
    .update(merchants)
    .set({ fullname: ERASED_NAME, email: "", phone: null, userId: null })
    .where(and(isMerchant, ...Object.values(underWay(db, merchantId, now)).map((reason) => not(reason))));
  const behind: Statement[] = [
    audit,
    db
      .update(apiKeys)
      .set({
        name: sql`'Erased ' || ${apiKeys.id}`,
        nameFolded: sql`'erased ' || ${apiKeys.id}`,
        hash: sql`'erased:' || ${apiKeys.id}`,
        hint: "",
        destination: '{"method":"wallet"}',
        callbackUrl: "",
        webhookSecret: "",
        previousWebhookSecret: null,
        previousWebhookSecretUntil: null,
        notifyEmail: "",
        notifyPhone: "",
        deletedAt: sql`coalesce(${apiKeys.deletedAt}, ${now})`,
      })
      .where(and(eq(apiKeys.merchantId, merchantId), isClosed)),
    // One that another merchant had, who was erased too, has its pseudonym already.
    ...phones.flatMap(({ phone, pseudonym }) => {
      const own = and(eq(verifiedPhones.phone, phone), isClosed);
      const { merchantId, verifiedAt } = verifiedPhones;
      const renamed = rowOf(verifiedPhones, { phone: pseudonym, merchantId, verifiedAt });
      return [
        db
          .insert(verifiedPhones)
          .select(db.select(renamed).from(verifiedPhones).where(own))
          .onConflictDoNothing(),
        db.delete(verifiedPhones).where(own),
      ];
    }),
    db.delete(phoneCodes).where(and(eq(phoneCodes.merchantId, merchantId), isClosed)),
    // Sessions, passwords, second factors and a new address that waits go with the user.
    ...(userId === null ? [] : [db.delete(users).where(and(eq(users.id, userId), isClosed))]),
  ];
  const [, ...rest] = await untilKnown(() =>
    db.batch([close, ...behind, db.select({ email: merchants.email }).from(merchants).where(isMerchant)]),
  );
  const [after] = rest.at(-1) as { email: string }[]; // the last statement's rows
  return after?.email === "";
}

/** 254712345678 → 2547•••••678, as the log has it. */
const masked = (phone: SQLiteColumn) => sql`substr(${phone}, 1, 4) || '•••••' || substr(${phone}, -3)`;
const isWhole = (phone: SQLiteColumn) => notLike(phone, "%•%");
/** The kind of a destination, without the phone, shortcode or account. */
const methodAlone = (destination: SQLiteColumn) =>
  sql`json_object('method', json_extract(${destination}, '$.method'))`;

/**
 * Where the money of an erased payment goes. What M-Pesa may still prove, and would bring to the gateway's own
 * account (`isCollected` of `payouts/rules.ts`), has nobody to be sent on to: it waits in the wallet. What goes
 * to a shortcode itself stays so.
 */
function erasedDestination() {
  const { destination, routing, status } = transactions;
  const method = sql`json_extract(${destination}, '$.method')`;
  const isWallet = sql`${method} = 'bankpaybill' and json_extract(${destination}, '$.bank_code') = ${OWN_WALLET_BANK_CODE}`;
  const isCollected = sql`${method} = 'phone' or ${routing} = 'settle'`;
  return sql`case when (${isWallet}) or (${status} <> 'completed' and (${isCollected}))
    then '{"method":"wallet"}' else ${methodAlone(destination)} end`;
}

/**
 * The parts of what an erased merchant's days left behind, each a write to so many rows. What a write has done
 * it does not find again.
 */
export function erasures(db: Db, merchantId: MerchantId, atMost: number): (() => Promise<number>)[] {
  const isErased = exists(
    db
      .select({ one: sql`1` })
      .from(merchants)
      .where(and(eq(merchants.id, merchantId), eq(merchants.email, ""))),
  );
  const ofMerchant = {
    transactions: eq(transactions.merchantId, merchantId),
    payouts: eq(payouts.merchantId, merchantId),
  };
  const payment = { id: transactions.id };
  const whole = db
    .select(payment)
    .from(transactions)
    .where(and(ofMerchant.transactions, isWhole(transactions.phone)))
    .orderBy(asc(transactions.id))
    .limit(atMost);
  const named = db
    .select({ id: payouts.id })
    .from(payouts)
    .where(and(ofMerchant.payouts, ne(payouts.target, "")))
    .limit(atMost);
  const texts = db
    .select({ id: smsMessages.id })
    .from(smsMessages)
    .where(
      and(
        eq(smsMessages.merchantId, merchantId),
        or(isWhole(smsMessages.phone), ne(smsMessages.message, "")),
      ),
    )
    .limit(atMost);
  const told = db
    .select({ id: webhookDeliveries.id })
    .from(webhookDeliveries)
    .where(eq(webhookDeliveries.merchantId, merchantId))
    .limit(atMost);
  const references = sql`(select ${transactions.id} from ${transactions} where ${ofMerchant.transactions}
    union all select ${payouts.id} from ${payouts} where ${ofMerchant.payouts})`;
  const keys = db
    .select({ scope: sql<string>`'key:' || ${apiKeys.id}` })
    .from(apiKeys)
    .where(eq(apiKeys.merchantId, merchantId));
  const changed = ({ meta }: D1Result) => meta.changes;

  return [
    // What the callbacks said comes first: they are found by the payments and payouts, which stay.
    async () =>
      changed(
        await db
          .update(inboundCallbacks)
          .set({ body: "" })
          .where(
            and(isErased, sql`${inboundCallbacks.reference} in ${references}`, ne(inboundCallbacks.body, "")),
          ),
      ),
    async () => changed(await db.delete(deadLetters).where(and(isErased, isOfMerchant(merchantId)))),
    async () =>
      changed(
        await db
          .update(statementLines)
          .set({ phone: masked(statementLines.phone), reference: "" })
          .where(
            and(
              isErased,
              sql`${statementLines.transactionId} in ${references}`,
              isWhole(statementLines.phone),
            ),
          ),
      ),
    async () =>
      changed(
        await db
          .update(transactions)
          .set({
            phone: masked(transactions.phone),
            accountReference: "",
            description: "",
            destination: erasedDestination(),
            callbackUrl: "",
            metadata: null,
            idempotencyKey: null,
            requestHash: null,
            // M-Pesa's ends with the payer's number.
            checkoutRequestId: null,
          })
          .where(and(isErased, ofMerchant.transactions, inArray(transactions.id, whole))),
      ),
    async () =>
      changed(
        await db
          .update(payouts)
          .set({ destination: methodAlone(payouts.destination), target: "" })
          .where(and(isErased, ofMerchant.payouts, inArray(payouts.id, named))),
      ),
    async () =>
      changed(
        await db
          .update(smsMessages)
          .set({ phone: masked(smsMessages.phone), message: "" })
          .where(and(isErased, eq(smsMessages.merchantId, merchantId), inArray(smsMessages.id, texts))),
      ),
    async () =>
      changed(
        await db
          .delete(webhookDeliveries)
          .where(
            and(isErased, eq(webhookDeliveries.merchantId, merchantId), inArray(webhookDeliveries.id, told)),
          ),
      ),
    async () => changed(await db.delete(notices).where(and(isErased, eq(notices.merchantId, merchantId)))),
    async () =>
      changed(
        await db
          .delete(idempotentAnswers)
          .where(
            and(
              isErased,
              or(
                sql`substr(${idempotentAnswers.scope}, 1, instr(${idempotentAnswers.scope} || ' ', ' ') - 1) in ${keys}`,
                sql`${idempotentAnswers.scope} like ${`merchant:${merchantId}%`}`,
              ),
            ),
          ),
      ),
  ];
}
