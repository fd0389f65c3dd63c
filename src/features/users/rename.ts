import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { MerchantId } from "../../lib/ids.ts";
import { storeName } from "./profile-store.ts";

/** Gives the merchant, and the user who signs in for it, another name. @throws NOT_FOUND */
export async function rename(
  deps: { db: Db; now: Clock },
  who: { merchantId: MerchantId; userId: string },
  name: string,
): Promise<void> {
  const isRenamed = await storeName(deps.db, who, name, deps.now());
  if (!isRenamed) throw new ApiError("NOT_FOUND");
}
