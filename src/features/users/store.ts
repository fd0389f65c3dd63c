import { eq } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { merchants } from "../../db/schema.ts";

/** The merchant for whom this user signed up. */
export async function findMerchantOf(db: Db, userId: string) {
  const [merchant] = await db.select().from(merchants).where(eq(merchants.userId, userId));
  return merchant;
}

export type StoredMerchant = NonNullable<Awaited<ReturnType<typeof findMerchantOf>>>;
