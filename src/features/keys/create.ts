import type { Db } from "../../db/client.ts";
import type { Config } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import type { ApiKey } from "../../lib/api-key.ts";
import type { Clock } from "../../lib/clock.ts";
import type { CreateRequest } from "./contract.ts";
import { storeWithNewKey } from "./mint.ts";
import { isTaken, type StoredKey, storeKey } from "./store.ts";

/** How many living keys a merchant may have. */
export const MAX_KEYS = 100;

/**
 * Makes a key without a subscription, whose payments go to the wallet. The key is shown this once.
 * @throws TOO_MANY_KEYS, DUPLICATE_NAME
 */
export async function createKey(
  deps: { db: Db; config: Pick<Config, "appSecret">; now: Clock },
  merchantId: number,
  { name, scope }: CreateRequest,
): Promise<{ key: StoredKey; apiKey: ApiKey }> {
  const createdAt = deps.now();
  const { stored, apiKey } = await storeWithNewKey(deps, async (minted) => {
    const key = { ...minted, merchantId, name, scope, createdAt };
    const atThisId = await storeKey(deps.db, key, MAX_KEYS).catch(refuseTakenName);
    if (!atThisId) throw new ApiError("TOO_MANY_KEYS");
    return atThisId.hash === minted.hash ? atThisId : undefined;
  });
  return { key: stored, apiKey };
}

/** For `catch` of a write that names a key. @throws DUPLICATE_NAME, or again what else went wrong */
export function refuseTakenName(error: unknown): never {
  if (!isTaken(error, "api_keys.merchant_id, api_keys.name_folded")) throw error;
  throw new ApiError("DUPLICATE_NAME", {
    message: "You already have an account with this name. Choose another, or delete that one first.",
    fields: [{ field: "name", message: "is taken by another of your accounts" }],
    cause: error,
  });
}
