import { fromHex, hmacSha256, randomHex, toHex } from "./hash.ts";
import { type KeyId, storedKeyId } from "./ids.ts";

declare const apiKey: unique symbol;

/** 64 lower-case hex characters. Shown once, stored nowhere, never logged. */
export type ApiKey = string & { readonly [apiKey]: true };

export const isApiKey = (text: string): text is ApiKey => /^[0-9a-f]{64}$/.test(text);

/** `a3f8…d8f1`. */
export const apiKeyHint = (key: ApiKey) => `${key.slice(0, 4)}…${key.slice(-4)}`;

/** 192 random bits; the other 64 tell the key's id to whoever knows the secret, and nothing to others. */
const RANDOM_HEX = 48;

async function mask(secret: string, random: string): Promise<bigint> {
  const bytes = await hmacSha256(secret, `key-locator:${random}`);
  return BigInt(`0x${toHex(bytes.slice(0, 8))}`);
}

/**
 * A new key for this id. Its last 16 characters are the id and 32 zero bits, masked by an HMAC of the
 * random part: so a request's key names its own gate, and a made-up key dies without a storage trip.
 */
export async function newApiKey(secret: string, id: KeyId): Promise<ApiKey> {
  const random = randomHex(RANDOM_HEX / 2);
  const locator = (BigInt(id) << 32n) ^ (await mask(secret, random));
  return (random + locator.toString(16).padStart(16, "0")) as ApiKey; // 48 + 16 hex
}

/** The id that the key names, or undefined where it was not made with this secret. */
export async function locateApiKey(secret: string, key: ApiKey): Promise<KeyId | undefined> {
  const random = key.slice(0, RANDOM_HEX);
  const plain = BigInt(`0x${key.slice(RANDOM_HEX)}`) ^ (await mask(secret, random));
  const id = Number(plain >> 32n);
  return (plain & 0xffffffffn) === 0n && id > 0 ? storedKeyId(id) : undefined;
}

/** What is stored of a key. Plain SHA-256 is enough for 192 random bits. */
export async function hashApiKey(key: ApiKey): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", fromHex(key))));
}
