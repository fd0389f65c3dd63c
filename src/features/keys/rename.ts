import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import { refuseTakenName } from "./create.ts";
import { foldName, type StoredKey, updateOwnKey } from "./store.ts";

/** Gives a key another name, unique among the merchant's. @throws DUPLICATE_NAME, NOT_FOUND */
export async function renameKey(
  deps: { db: Db },
  merchantId: number,
  id: number,
  name: string,
): Promise<StoredKey> {
  const change = { name, nameFolded: foldName(name) };
  const key = await updateOwnKey(deps.db, merchantId, id, change).catch(refuseTakenName);
  if (!key) throw new ApiError("NOT_FOUND");
  return key;
}
