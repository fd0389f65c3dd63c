import { hmacSha256, toHex } from "./hash.ts";

/** Stands for a phone that was erased: the same phone has the same one, and nobody without the secret can tell which. */
export const pseudonymOf = async (secret: string, phone: string): Promise<string> =>
  `erased:${toHex((await hmacSha256(secret, `erased phone:${phone}`)).slice(0, 16))}`;

export const isPseudonym = (phone: string) => phone.startsWith("erased:");
