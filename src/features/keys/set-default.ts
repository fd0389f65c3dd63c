import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import { moveDefault, type StoredKey } from "./store.ts";

/** Makes this the merchant's one default key. @throws NOT_FOUND */
export async function setDefault(deps: { db: Db }, merchantId: number, id: number): Promise<StoredKey> {
  const key = await moveDefault(deps.db, merchantId, id);
  if (!key) throw new ApiError("NOT_FOUND");
  return key;
}
