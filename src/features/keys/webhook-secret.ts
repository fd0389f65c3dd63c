import type { Db } from "../../db/client.ts";
import type { Config } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import { type Clock, DAY_MS } from "../../lib/clock.ts";
import { newWebhookSecret } from "./mint.ts";
import { readKey } from "./read.ts";
import { replaceWebhookSecret, type StoredKey } from "./store.ts";

/** How long the old secret signs too, so that a merchant can change over without a gap. */
export const BOTH_SIGN_MS = DAY_MS;

/**
 * The secret that signs a key's webhooks. A key of scope `payments` reads its own alone.
 * @throws FORBIDDEN_SCOPE, NOT_FOUND
 */
export async function readWebhookSecret(deps: { db: Db }, caller: StoredKey, id: number): Promise<StoredKey> {
  if (caller.id === id) return caller;
  if (caller.scope !== "full") throw new ApiError("FORBIDDEN_SCOPE");
  return readKey(deps, caller.merchantId, id);
}

/** A new secret; the old one signs too for 24 hours. @throws NOT_FOUND */
export async function rotateWebhookSecret(
  deps: { db: Db; now: Clock; config: Pick<Config, "scaled"> },
  merchantId: number,
  id: number,
): Promise<StoredKey> {
  const key = await replaceWebhookSecret(deps.db, merchantId, id, {
    secret: newWebhookSecret(),
    previousUntil: deps.now() + deps.config.scaled(BOTH_SIGN_MS),
  });
  if (!key) throw new ApiError("NOT_FOUND");
  return key;
}
