import { and, eq, gt, isNull, lt, sql } from "drizzle-orm";
import { commit, type Db } from "../../db/client.ts";
import { apiKeys, merchants, phoneCodes, verifiedPhones } from "../../db/schema.ts";
import { DAY_MS } from "../../lib/clock.ts";
import type { MerchantId } from "../../lib/ids.ts";
import { PLANS } from "../subscriptions/plans.ts";

/** The code in force for the merchant: the one before it is gone. */
export async function storeCode(
  db: Db,
  code: { merchantId: MerchantId; phone: string; codeHash: string; expiresAt: number },
): Promise<void> {
  const { merchantId: _, ...fresh } = { ...code, attemptCount: 0 };
  await db.insert(phoneCodes).values(code).onConflictDoUpdate({ target: phoneCodes.merchantId, set: fresh });
}

const isInForce = (merchantId: MerchantId, { now, atMost }: { now: number; atMost: number }) =>
  and(
    eq(phoneCodes.merchantId, merchantId),
    lt(phoneCodes.attemptCount, atMost),
    gt(phoneCodes.expiresAt, now),
  );

/** The code in force, while it lives and guesses are left. */
export async function readCode(db: Db, merchantId: MerchantId, limits: { now: number; atMost: number }) {
  const [code] = await db
    .select({ phone: phoneCodes.phone, expiresAt: phoneCodes.expiresAt })
    .from(phoneCodes)
    .where(isInForce(merchantId, limits));
  return code;
}

/** Counts a guess before it is looked at. @returns the code in force, while it lives and guesses are left. */
export async function countGuess(db: Db, merchantId: MerchantId, limits: { now: number; atMost: number }) {
  const [sent] = await db
    .update(phoneCodes)
    .set({ attemptCount: sql`${phoneCodes.attemptCount} + 1` })
    .where(isInForce(merchantId, limits))
    .returning();
  return sent;
}

/**
 * The phone becomes the merchant's; its first one gives the trial to a default key that has no plan, unless
 * the phone had one with a merchant that was erased, whose `pseudonym` is left of it.
 */
export async function verifyPhoneWithTrial(
  db: Db,
  {
    merchantId,
    phone,
    pseudonym,
    now,
  }: { merchantId: MerchantId; phone: string; pseudonym: string; now: number },
): Promise<void> {
  const { calls, days } = PLANS.Trial;
  const isFirst = sql`not exists (select 1 from ${verifiedPhones} where ${verifiedPhones.merchantId} = ${merchantId}
    or ${verifiedPhones.phone} = ${pseudonym})`;
  await commit(
    db,
    [
      db
        .update(apiKeys)
        .set({ plan: "Trial", callsLeft: calls, expiresAt: now + days * DAY_MS })
        .where(
          and(
            eq(apiKeys.merchantId, merchantId),
            eq(apiKeys.isDefault, true),
            isNull(apiKeys.deletedAt),
            isNull(apiKeys.plan),
            isFirst,
          ),
        ),
      db
        .update(merchants)
        .set({ phone })
        .where(and(eq(merchants.id, merchantId), isNull(merchants.phone))),
      db.delete(phoneCodes).where(eq(phoneCodes.merchantId, merchantId)),
    ],
    // Fails the whole where the phone is somebody's already, perhaps this merchant's.
    db.insert(verifiedPhones).values({ phone, merchantId, verifiedAt: now }),
  );
}

export async function ownerOfPhone(db: Db, phone: string): Promise<number | undefined> {
  const [owner] = await db
    .select({ merchantId: verifiedPhones.merchantId })
    .from(verifiedPhones)
    .where(eq(verifiedPhones.phone, phone));
  return owner?.merchantId;
}

export const readVerifiedPhones = (db: Db, merchantId: MerchantId) =>
  db
    .select({ phone: verifiedPhones.phone, verifiedAt: verifiedPhones.verifiedAt })
    .from(verifiedPhones)
    .where(eq(verifiedPhones.merchantId, merchantId))
    .orderBy(verifiedPhones.verifiedAt);
