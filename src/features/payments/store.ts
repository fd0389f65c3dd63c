import { and, eq, exists, gt, isNull, lte, notExists, sql } from "drizzle-orm";
import { type Db, rowOf, untilKnown } from "../../db/client.ts";
import { apiKeys, payouts, transactions } from "../../db/schema.ts";
import { isTransactionId, type MerchantId, type TransactionId } from "../../lib/ids.ts";
import { type StoredKey, selectKey } from "../keys/store.ts";
import type { PushRequest } from "./contract.ts";
import type { StartView } from "./rules.ts";

export type StoredTransaction = typeof transactions.$inferSelect;

export type Intent = {
  id: TransactionId;
  keyHash: string;
  request: PushRequest;
  idempotencyKey: string | null;
  requestHash: string;
  routing: "direct" | "settle";
  now: number;
  dueAt: number;
};

export type PaymentRef = { merchantId: MerchantId; id: TransactionId };

export const isPayment = ({ merchantId, id }: { merchantId: number; id: string }) =>
  and(eq(transactions.merchantId, merchantId), eq(transactions.id, id));

const keyByHash = (hash: string) => and(eq(apiKeys.hash, hash), isNull(apiKeys.deletedAt));

/**
 * The key with its payments of this id and of this idempotency key. Three statements and no join: D1
 * answers a batch with rows by column name, in which joined tables would overwrite each other.
 */
function selectStartView(db: Db, intent: Intent) {
  const ofMerchant = db.select({ id: apiKeys.merchantId }).from(apiKeys).where(keyByHash(intent.keyHash));
  const ofKey = db.select({ id: apiKeys.id }).from(apiKeys).where(keyByHash(intent.keyHash));
  const { idempotencyKey } = intent;
  return [
    selectKey(db, intent.keyHash),
    db
      .select()
      .from(transactions)
      .where(and(eq(transactions.merchantId, sql`(${ofMerchant})`), eq(transactions.id, intent.id))),
    db
      .select()
      .from(transactions)
      .where(
        and(eq(transactions.keyId, sql`(${ofKey})`), sql`${transactions.idempotencyKey} = ${idempotencyKey}`),
      ),
  ] as const;
}

const startView = (
  keys: StoredKey[],
  stored: StoredTransaction[],
  prior: StoredTransaction[],
): StartView => ({ key: keys[0], stored: stored[0], prior: prior[0] });

export async function readStart(db: Db, intent: Intent): Promise<StartView> {
  return startView(...(await db.batch(selectStartView(db, intent))));
}

/**
 * Takes one call from the key and stores the intent, in one batch and only together: the update of the
 * key carries every condition and stamps the key with the payment's id; the insert follows the stamp.
 * Running it again with the same intent changes nothing.
 */
export async function storeIntent(db: Db, intent: Intent): Promise<StartView> {
  const { id, keyHash, request, now } = intent;
  const sameId = db
    .select({ one: sql`1` })
    .from(transactions)
    .where(and(eq(transactions.merchantId, apiKeys.merchantId), eq(transactions.id, id)));
  const sameIdempotencyKey = db
    .select({ one: sql`1` })
    .from(transactions)
    .where(
      and(eq(transactions.keyId, apiKeys.id), sql`${transactions.idempotencyKey} = ${intent.idempotencyKey}`),
    );
  const takeCall = db
    .update(apiKeys)
    .set({
      callsLeft: sql`${apiKeys.callsLeft} - 1`,
      startedCount: sql`${apiKeys.startedCount} + 1`,
      lastTransaction: id,
      lastUsedAt: now,
    })
    .where(
      and(
        keyByHash(keyHash),
        isNull(apiKeys.suspendedAt),
        gt(apiKeys.expiresAt, now),
        gt(apiKeys.callsLeft, 0),
        notExists(sameId),
        notExists(sameIdempotencyKey),
      ),
    );
  const insert = db
    .insert(transactions)
    .select(
      db
        .select(
          rowOf(transactions, {
            merchantId: apiKeys.merchantId,
            id,
            keyId: apiKeys.id,
            phone: request.phone,
            amount: request.amount,
            accountReference: request.account_reference,
            description: request.description,
            destination: apiKeys.destination,
            callbackUrl: request.callback_url ?? apiKeys.callbackUrl,
            metadata: request.metadata && JSON.stringify(request.metadata),
            routing: intent.routing,
            idempotencyKey: intent.idempotencyKey,
            requestHash: intent.idempotencyKey && intent.requestHash,
            status: "pending",
            queryCount: 0,
            dueAt: intent.dueAt,
            createdAt: now,
          }),
        )
        .from(apiKeys)
        .where(and(keyByHash(keyHash), eq(apiKeys.lastTransaction, id))),
    )
    .onConflictDoNothing({ target: [transactions.merchantId, transactions.id] });
  const [, , ...view] = await untilKnown(() => db.batch([takeCall, insert, ...selectStartView(db, intent)]));
  return startView(...view);
}

/** A payment that M-Pesa has not yet answered for. */
const unanswered = (payment: StoredTransaction) =>
  and(isPayment(payment), eq(transactions.status, "pending"), isNull(transactions.acknowledgement));

/** Of a payment to the merchant: what the merchant buys took no call and is in no figure. */
const giveCallBack = (db: Db, payment: StoredTransaction, counted: "never_started" | "failed") =>
  db
    .update(apiKeys)
    .set({
      callsLeft: sql`${apiKeys.callsLeft} + 1`,
      ...(counted === "failed"
        ? { failedCount: sql`${apiKeys.failedCount} + 1` }
        : { startedCount: sql`${apiKeys.startedCount} - 1` }),
    })
    .where(
      and(
        eq(apiKeys.id, payment.keyId),
        exists(
          db
            .select({ one: sql`1` })
            .from(transactions)
            .where(and(unanswered(payment), isNull(transactions.purchase))),
        ),
      ),
    );

/** Takes back an intent that was never sent, and gives the call back; once only. */
export async function undoIntent(db: Db, payment: StoredTransaction): Promise<void> {
  await untilKnown(() =>
    db.batch([
      giveCallBack(db, payment, "never_started"),
      db.delete(transactions).where(unanswered(payment)),
    ]),
  );
}

export async function recordAccepted(
  db: Db,
  payment: StoredTransaction,
  ids: { checkoutRequestId: string; merchantRequestId: string },
): Promise<void> {
  await untilKnown(() =>
    db
      .update(transactions)
      .set({ acknowledgement: "accepted", ...ids })
      .where(and(isPayment(payment), isNull(transactions.acknowledgement))),
  );
}

/**
 * M-Pesa's answer does not tell whether the prompt was sent.
 * @returns the payment as it is then: a callback may have told meanwhile what the answer did not.
 */
export async function recordUnclear(
  db: Db,
  payment: StoredTransaction,
  giveUpAt: number,
): Promise<StoredTransaction> {
  const [, current] = await untilKnown(() =>
    db.batch([
      db
        .update(transactions)
        .set({
          acknowledgement: "unclear",
          dueAt: sql`case when ${transactions.status} = 'pending' then ${giveUpAt} end`,
        })
        .where(and(isPayment(payment), isNull(transactions.acknowledgement))),
      db.select().from(transactions).where(isPayment(payment)),
    ]),
  );
  return current[0] ?? payment;
}

/**
 * M-Pesa refused: the call goes back to the key, and the idempotency key is free again.
 * @returns the payment as it is then: a callback that came first may have proved the opposite.
 */
export async function recordRefused(
  db: Db,
  payment: StoredTransaction,
  refusal: { code: string; message: string; now: number },
): Promise<StoredTransaction | undefined> {
  const [, , current] = await untilKnown(() =>
    db.batch([
      giveCallBack(db, payment, "failed"),
      db
        .update(transactions)
        .set({
          status: "failed",
          acknowledgement: "refused",
          resultCode: refusal.code,
          resultDesc: refusal.message,
          idempotencyKey: null,
          dueAt: null,
          completedAt: refusal.now,
        })
        .where(unanswered(payment)),
      db.select().from(transactions).where(isPayment(payment)),
    ]),
  );
  return current[0];
}

/** One payment of the key's merchant by either of its ids, with its payout and the key, in one trip. */
export async function readByReference(db: Db, keyHash: string, reference: string) {
  const id = reference.replace(/^sp_/, "");
  const isNamed = isTransactionId(id)
    ? eq(transactions.id, id)
    : eq(transactions.checkoutRequestId, reference);
  const ofMerchant = db.select({ id: apiKeys.merchantId }).from(apiKeys).where(keyByHash(keyHash));
  const isOne = and(eq(transactions.merchantId, sql`(${ofMerchant})`), isNamed);
  const ofPayment = db.select({ id: transactions.id }).from(transactions).where(isOne);
  const [keys, payments, paidOut] = await db.batch([
    selectKey(db, keyHash),
    db.select().from(transactions).where(isOne),
    db
      .select()
      .from(payouts)
      .where(eq(payouts.transactionId, sql`(${ofPayment})`)),
  ]);
  return { key: keys[0], payment: payments[0], payout: paidOut[0] };
}

export async function findPayment(db: Db, ref: PaymentRef): Promise<StoredTransaction | undefined> {
  return (await db.select().from(transactions).where(isPayment(ref)))[0];
}

/** The payment that used this idempotency key of the key's. */
export async function findByIdempotencyKey(
  db: Db,
  keyId: number,
  idempotencyKey: string,
): Promise<StoredTransaction | undefined> {
  const isIt = and(eq(transactions.keyId, keyId), eq(transactions.idempotencyKey, idempotencyKey));
  return (await db.select().from(transactions).where(isIt))[0];
}

/** Takes for one run payments that the reconciliation should look at, the oldest first: nobody else has them then. */
export const takeDue = (db: Db, now: number, until: number, atMost: number) =>
  db
    .update(transactions)
    .set({ dueAt: until })
    .where(
      sql`(${transactions.merchantId}, ${transactions.id}) in (
        select ${transactions.merchantId}, ${transactions.id} from ${transactions} where ${lte(transactions.dueAt, now)}
        order by ${transactions.dueAt} limit ${atMost})`,
    )
    .returning();

/**
 * Takes one payment, due or not, by moving its due time from what was read.
 * @returns whether this run has it.
 */
export async function leaseDue(db: Db, payment: StoredTransaction, until: number): Promise<boolean> {
  const leased = await db
    .update(transactions)
    .set({ dueAt: until })
    .where(and(isPayment(payment), eq(transactions.dueAt, payment.dueAt ?? 0)))
    .returning({ id: transactions.id });
  return leased.length > 0;
}

/**
 * What a query brought: when to look again, and a failure that still has to be confirmed. The queries that
 * are counted make the pauses grow.
 */
export async function noteQuery(
  db: Db,
  payment: StoredTransaction,
  note: { dueAt: number; queryFailureCode?: string | null; queryFailureAt?: number | null },
  isCounted = true,
): Promise<void> {
  await db
    .update(transactions)
    .set({ ...note, ...(isCounted ? { queryCount: sql`${transactions.queryCount} + 1` } : {}) })
    .where(and(isPayment(payment), eq(transactions.status, "pending")));
}
