import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";

/** One of the sets of parameters that OWASP names for scrypt: 16 MB, so that several fit into an isolate. */
const COST: ScryptOptions = { N: 2 ** 14, r: 8, p: 5, maxmem: 64 * 1024 * 1024 };
const KEY_BYTES = 32;

const derive = (password: string, salt: Buffer) =>
  new Promise<Buffer>((done, failed) =>
    // The same letters may be typed as one character or as two.
    scrypt(password.normalize("NFKC"), salt, KEY_BYTES, COST, (error, key) =>
      error ? failed(error) : done(key),
    ),
  );

/** By the runtime's own scrypt: the library's is JavaScript, and several times slower. @returns `salt:key` in hex. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return `${salt.toString("hex")}:${(await derive(password, salt)).toString("hex")}`;
}

export async function verifyPassword({
  hash,
  password,
}: {
  hash: string;
  password: string;
}): Promise<boolean> {
  const [salt = "", key = ""] = hash.split(":");
  const expected = Buffer.from(key, "hex");
  return (
    expected.length === KEY_BYTES &&
    timingSafeEqual(await derive(password, Buffer.from(salt, "hex")), expected)
  );
}
