import { and, asc, desc, eq, gt, or, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { apiKeys, merchants, verifiedPhones, wallets } from "../../db/schema.ts";

/** Merchants by account number; where something is searched for, those whose name or email has it. */
export const searchMerchants = (
  db: Db,
  search: { id: number | undefined; text: string | undefined; after: number | undefined },
  atMost: number,
) =>
  db
    .select({
      id: merchants.id,
      fullname: merchants.fullname,
      email: merchants.email,
      phone: merchants.phone,
      createdAt: merchants.createdAt,
      balance: wallets.balance,
      held: wallets.held,
      owed: wallets.owed,
      suspendedKeys: sql<number>`(select count(*) from ${apiKeys} where ${apiKeys.merchantId} = ${merchants.id}
        and ${apiKeys.suspendedAt} is not null and ${apiKeys.deletedAt} is null)`,
    })
    .from(merchants)
    .innerJoin(wallets, eq(wallets.merchantId, merchants.id))
    .where(
      and(
        search.id === undefined ? undefined : eq(merchants.id, search.id),
        search.text === undefined
          ? undefined
          : or(
              sql`instr(lower(${merchants.fullname}), ${search.text})`,
              sql`instr(lower(${merchants.email}), ${search.text})`,
            ),
        search.after === undefined ? undefined : gt(merchants.id, search.after),
      ),
    )
    .orderBy(asc(merchants.id))
    .limit(atMost);

/** One merchant with its wallet, its keys, deleted ones last, and its verified phones, in one trip. */
export async function readMerchantForOperator(db: Db, id: number) {
  const [found, walletRows, keys, phones] = await db.batch([
    db.select().from(merchants).where(eq(merchants.id, id)),
    db.select().from(wallets).where(eq(wallets.merchantId, id)),
    db
      .select()
      .from(apiKeys)
      .where(eq(apiKeys.merchantId, id))
      .orderBy(sql`${apiKeys.deletedAt} is not null`, desc(apiKeys.isDefault), asc(apiKeys.id)),
    db.select().from(verifiedPhones).where(eq(verifiedPhones.merchantId, id)),
  ]);
  return { merchant: found[0], wallet: walletRows[0], keys, phones };
}
