import { and, eq } from "drizzle-orm";
import { commit, type Db } from "../../db/client.ts";
import { merchants, users } from "../../db/schema.ts";
import type { MerchantId } from "../../lib/ids.ts";

type Who = { merchantId: MerchantId; userId: string };

/** Names the merchant and its user alike. @returns whether there is such a merchant. */
export async function storeName(
  db: Db,
  { merchantId, userId }: Who,
  name: string,
  now: number,
): Promise<boolean> {
  const user = db
    .update(users)
    .set({ name, updatedAt: new Date(now) })
    .where(eq(users.id, userId));
  const merchant = db
    .update(merchants)
    .set({ fullname: name })
    .where(and(eq(merchants.id, merchantId), eq(merchants.userId, userId)))
    .returning({ id: merchants.id });
  return (await commit(db, [user], merchant)).length > 0;
}
