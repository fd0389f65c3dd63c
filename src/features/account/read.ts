import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import type { Caller } from "../keys/caller.ts";
import type { StoredKey } from "../keys/store.ts";
import { type Account, readByKey } from "./store.ts";

/** The account that the key belongs to, in one storage trip. @throws FORBIDDEN_SCOPE */
export async function readAccount(
  deps: { db: Db },
  caller: Caller,
): Promise<{ key: StoredKey; account: Account }> {
  const { key, account } = await caller.admitWith(() => readByKey(deps.db, caller.hash));
  if (key.scope !== "full") throw new ApiError("FORBIDDEN_SCOPE");
  if (!account) throw new Error(`key ${key.id} has no merchant or no wallet`);
  return { key, account };
}
