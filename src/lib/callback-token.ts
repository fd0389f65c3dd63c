import { equalSecrets, hmacSha256, toHex } from "./hash.ts";

/** 160 bits, in hex: other alphabets would sooner or later spell a word that Daraja refuses in a URL. */
const TOKEN_BYTES = 20;

/** The secret part of a callback URL for just this occasion, such as `stk`, merchant, payment. */
export async function callbackToken(secret: string, ...occasion: (string | number)[]): Promise<string> {
  return toHex((await hmacSha256(secret, `callback:${occasion.join(":")}`)).slice(0, TOKEN_BYTES));
}

/** The secret that keys the tokens now, and the one before it while that is rotated. */
export type CallbackSecrets = { appSecret: string; appSecretPrevious: string | undefined };

/** Tells the right token from a wrong one without touching storage. */
export async function isCallbackToken(
  { appSecret, appSecretPrevious }: CallbackSecrets,
  token: string,
  ...occasion: (string | number)[]
): Promise<boolean> {
  if (await equalSecrets(token, await callbackToken(appSecret, ...occasion))) return true;
  return (
    appSecretPrevious !== undefined &&
    equalSecrets(token, await callbackToken(appSecretPrevious, ...occasion))
  );
}
