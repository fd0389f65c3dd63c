import { and, eq, isNotNull, isNull, notExists, or, sql } from "drizzle-orm";
import { type Db, rowOf, untilKnown } from "../../db/client.ts";
import { apiKeys, transactions } from "../../db/schema.ts";
import type { MerchantId, TransactionId } from "../../lib/ids.ts";

export type PurchaseIntent = {
  id: TransactionId;
  /** The key that asks, and whose idempotency keys count. */
  keyId: number;
  merchantId: number;
  phone: string;
  amount: number;
  accountReference: string;
  description: string;
  purchase: string;
  /** The key that the purchase is for; it has to be the merchant's and alive. */
  forKeyId: number;
  idempotencyKey: string | null;
  requestHash: string;
  now: number;
  dueAt: number;
};

/**
 * Stores what the merchant buys from the operator, to be paid to the operator's own shortcode. It takes
 * no call and needs no subscription. Running it again with the same intent changes nothing.
 */
export async function storePurchase(db: Db, intent: PurchaseIntent) {
  const { id, merchantId, keyId, forKeyId, now } = intent;
  const samePayment = or(
    and(eq(transactions.merchantId, merchantId), eq(transactions.id, id)),
    and(eq(transactions.keyId, keyId), sql`${transactions.idempotencyKey} = ${intent.idempotencyKey}`),
  );
  const insert = db.insert(transactions).select(
    db
      .select(
        rowOf(transactions, {
          merchantId,
          id,
          keyId,
          phone: intent.phone,
          amount: intent.amount,
          accountReference: intent.accountReference,
          description: intent.description,
          destination: JSON.stringify({ method: "wallet" }),
          callbackUrl: "",
          routing: "settle",
          purchase: intent.purchase,
          idempotencyKey: intent.idempotencyKey,
          requestHash: intent.idempotencyKey && intent.requestHash,
          status: "pending",
          queryCount: 0,
          dueAt: intent.dueAt,
          createdAt: now,
        }),
      )
      .from(apiKeys)
      .where(
        and(
          eq(apiKeys.id, forKeyId),
          eq(apiKeys.merchantId, merchantId),
          isNull(apiKeys.deletedAt),
          notExists(db.select({ one: sql`1` }).from(transactions).where(samePayment)),
        ),
      ),
  );
  const [, stored, prior] = await untilKnown(() =>
    db.batch([
      insert,
      db
        .select()
        .from(transactions)
        .where(and(eq(transactions.merchantId, merchantId), eq(transactions.id, id))),
      db
        .select()
        .from(transactions)
        .where(
          and(eq(transactions.keyId, keyId), sql`${transactions.idempotencyKey} = ${intent.idempotencyKey}`),
        ),
    ]),
  );
  return { stored: stored[0], prior: prior[0] };
}

/** The payment of this key that used the idempotency key before. */
export async function findPrior(db: Db, keyId: number, idempotencyKey: string | null) {
  const isPrior = and(eq(transactions.keyId, keyId), sql`${transactions.idempotencyKey} = ${idempotencyKey}`);
  return (await db.select().from(transactions).where(isPrior))[0];
}

/** One of the merchant's purchases from the operator. */
export async function findPurchase(db: Db, merchantId: MerchantId, id: string) {
  const [purchase] = await db
    .select()
    .from(transactions)
    .where(
      and(eq(transactions.merchantId, merchantId), eq(transactions.id, id), isNotNull(transactions.purchase)),
    );
  return purchase;
}
