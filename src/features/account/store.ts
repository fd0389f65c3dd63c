import { and, eq, isNull, sql } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { Db, Statement } from "../../db/client.ts";
import { apiKeys, merchants, verifiedPhones, wallets } from "../../db/schema.ts";
import type { MerchantId } from "../../lib/ids.ts";
import type { Msisdn } from "../../lib/msisdn.ts";
import { type Act, insertAudit } from "../audit/store.ts";
import { selectKey } from "../keys/store.ts";

export type NewMerchant = {
  id: MerchantId;
  fullname: string;
  email: string;
  verifiedPhone: Msisdn | null;
  /** Who signed up for it, if somebody did. A user has one merchant. */
  userId: string | null;
  smsCredits: number;
  now: number;
};

export const insertMerchant = (db: Db, m: NewMerchant): Statement[] => [
  db.insert(merchants).values({
    id: m.id,
    fullname: m.fullname,
    email: m.email,
    phone: m.verifiedPhone,
    userId: m.userId,
    createdAt: m.now,
  }),
  db.insert(wallets).values({ merchantId: m.id, smsCredits: m.smsCredits }),
  ...(m.verifiedPhone
    ? [db.insert(verifiedPhones).values({ phone: m.verifiedPhone, merchantId: m.id, verifiedAt: m.now })]
    : []),
];

/** The audit log's row of a merchant that an operator makes, in the batch that makes it. */
export const auditOfMerchant = (
  db: Db,
  act: Act,
  id: MerchantId,
  { plan, smsCredits }: { plan: string | null; smsCredits: number },
  now: number,
) =>
  insertAudit(
    db,
    {
      ...act,
      at: now,
      action: "merchant.create",
      subject: `merchant:${id}`,
      // Without any name: the log cannot be erased.
      detail: { plan, sms_credits: smsCredits },
    },
    { table: merchants, guard: eq(merchants.id, id) },
  );

/** The key with its merchant's account and the figures of all its keys, deleted ones too, in one trip. */
export async function readByKey(db: Db, keyHash: string) {
  const merchantId = sql`(${db
    .select({ id: apiKeys.merchantId })
    .from(apiKeys)
    .where(and(eq(apiKeys.hash, keyHash), isNull(apiKeys.deletedAt)))})`;
  const sumOf = (column: SQLiteColumn) => sql<number>`coalesce(sum(${column}), 0)`;
  const [keys, owners, walletRows, phones, figures] = await db.batch([
    selectKey(db, keyHash),
    db.select().from(merchants).where(eq(merchants.id, merchantId)),
    db.select().from(wallets).where(eq(wallets.merchantId, merchantId)),
    db
      .select({ phone: verifiedPhones.phone })
      .from(verifiedPhones)
      .where(eq(verifiedPhones.merchantId, merchantId))
      .limit(1),
    db
      .select({
        started: sumOf(apiKeys.startedCount),
        completed: sumOf(apiKeys.completedCount),
        failed: sumOf(apiKeys.failedCount),
      })
      .from(apiKeys)
      .where(eq(apiKeys.merchantId, merchantId)),
  ]);
  const [merchant, wallet, counted] = [owners[0], walletRows[0], figures[0]];
  const account = merchant && wallet && counted;
  return {
    key: keys[0],
    account: account ? { merchant, wallet, isVerified: phones.length > 0, figures: counted } : undefined,
  };
}

export type Account = NonNullable<Awaited<ReturnType<typeof readByKey>>["account"]>;
