import type { Db } from "../../db/client.ts";
import type { Config } from "../../env.ts";
import { type ApiKey, apiKeyHint, hashApiKey, newApiKey } from "../../lib/api-key.ts";
import { randomBase64 } from "../../lib/hash.ts";
import type { KeyId } from "../../lib/ids.ts";
import { nextKeyId } from "./store.ts";

/** A new key for this id: the key itself, to be shown once, and what is stored of it. */
export async function mintKey(
  secret: string,
  id: KeyId,
): Promise<{ key: ApiKey; stored: { hash: string; hint: string } }> {
  const key = await newApiKey(secret, id);
  return { key, stored: { hash: await hashApiKey(key), hint: apiKeyHint(key) } };
}

/** Standard Webhooks' form of a secret: 192 random bits. */
export const newWebhookSecret = () => `whsec_${randomBase64(24)}`;

export type MintedKey = { id: KeyId; hash: string; hint: string; webhookSecret: string };

/** How often an id is drawn again because another request took it meanwhile. */
const MAX_TRIES = 12;
/** Ids skip at most so many, and only where requests compete for them. */
const WIDEST_SPREAD = 1_024;

/**
 * Mints a key with an id of its own and has it stored. Requests that compete for an id draw from ever
 * more of them, so that a hundred at once end soon.
 * @param store answers undefined where an id was taken meanwhile.
 */
export async function storeWithNewKey<T>(
  deps: { db: Db; config: Pick<Config, "appSecret"> },
  store: (minted: MintedKey) => Promise<T | undefined>,
): Promise<{ stored: T; apiKey: ApiKey }> {
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const spread = Math.min(4 ** attempt, WIDEST_SPREAD);
    const id = await nextKeyId(deps.db, Math.floor(Math.random() * spread));
    const { key, stored: ofKey } = await mintKey(deps.config.appSecret, id);
    const stored = await store({ id, ...ofKey, webhookSecret: newWebhookSecret() });
    if (stored !== undefined) return { stored, apiKey: key };
  }
  throw new Error("no key id was free");
}
