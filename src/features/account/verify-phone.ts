import type { Db } from "../../db/client.ts";
import type { Config } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import { type Clock, MINUTE_MS } from "../../lib/clock.ts";
import { equalSecrets, hmacSha256, toHex } from "../../lib/hash.ts";
import type { MerchantId } from "../../lib/ids.ts";
import { type Msisdn, storedMsisdn } from "../../lib/msisdn.ts";
import { pseudonymOf } from "../../lib/pseudonym.ts";
import type { SmsPort } from "../../upstreams/sms-gateway/port.ts";
import { isTaken } from "../keys/store.ts";
import { throttle } from "../throttle/throttle.ts";
import { countGuess, ownerOfPhone, readCode, storeCode, verifyPhoneWithTrial } from "./phone-store.ts";

const CODE_LIVES_MS = 10 * MINUTE_MS;
const GUESSES = 5;

type CodeDeps = {
  db: Db;
  now: Clock;
  config: Pick<Config, "appSecret">;
  sms: SmsPort | undefined;
};

const hashOf = async (deps: Pick<CodeDeps, "config">, phone: Msisdn, code: string) =>
  toHex(await hmacSha256(deps.config.appSecret, `phone code:${phone}:${code}`));

/** Six digits, each code equally likely. */
function newCode(): string {
  const limit = 2 ** 32 - (2 ** 32 % 1_000_000);
  for (;;) {
    const [drawn = limit] = crypto.getRandomValues(new Uint32Array(1));
    if (drawn < limit) return String(drawn % 1_000_000).padStart(6, "0");
  }
}

/**
 * Sends a code to the phone, at the operator's cost; it replaces an earlier one and lives ten minutes.
 * @throws TOO_MANY_TRIES, SERVICE_UNAVAILABLE if the SMS gateway did not take it.
 */
export async function sendPhoneCode(deps: CodeDeps, merchantId: MerchantId, phone: Msisdn): Promise<void> {
  await throttle(deps, "phone_code_merchant", String(merchantId));
  await throttle(deps, "phone_code_phone", phone);
  const code = newCode();
  const codeHash = await hashOf(deps, phone, code);
  await storeCode(deps.db, { merchantId, phone, codeHash, expiresAt: deps.now() + CODE_LIVES_MS });
  const message = `${code} is your SmartPay code. It is good for 10 minutes. Never tell it to anybody.`;
  const outcome = await deps.sms?.send({ phone, message });
  if (outcome?.kind !== "accepted" && outcome?.kind !== "unclear") {
    throw new ApiError("SERVICE_UNAVAILABLE", {
      message: "The SMS could not be sent. Check the number, and try again in a minute.",
    });
  }
}

/** The code that the merchant may type now: to which phone it went, when, and until when it is good. */
export async function codeInForce(deps: { db: Db; now: Clock }, merchantId: MerchantId) {
  const code = await readCode(deps.db, merchantId, { now: deps.now(), atMost: GUESSES });
  if (!code) return undefined;
  const { phone, expiresAt } = code;
  return { phone: storedMsisdn(phone), sentAt: expiresAt - CODE_LIVES_MS, expiresAt };
}

/**
 * Takes the code that was sent. The phone is then the merchant's for good, and its first one brings the
 * trial to the default key (the contract's "Subscriptions").
 * @throws INVALID_FIELD for a wrong or old code, or a phone that another merchant has verified.
 */
export async function verifyPhone(
  deps: Omit<CodeDeps, "sms">,
  merchantId: MerchantId,
  code: string,
): Promise<Msisdn> {
  const now = deps.now();
  const sent = await countGuess(deps.db, merchantId, { now, atMost: GUESSES });
  if (!sent) {
    throw new ApiError("INVALID_FIELD", { message: "This code is no longer good. Ask for a new one." });
  }
  const phone = storedMsisdn(sent.phone);
  if (!(await equalSecrets(await hashOf(deps, phone, code.replace(/\D/g, "")), sent.codeHash))) {
    const next = sent.attemptCount < GUESSES ? "Look again." : "Ask for a new one.";
    throw new ApiError("INVALID_FIELD", { message: `This is not the code that was sent. ${next}` });
  }
  try {
    const pseudonym = await pseudonymOf(deps.config.appSecret, phone);
    await verifyPhoneWithTrial(deps.db, { merchantId, phone, pseudonym, now });
  } catch (error) {
    if (!isTaken(error, "verified_phones.phone")) throw error;
    if ((await ownerOfPhone(deps.db, phone)) === merchantId) return phone;
    throw new ApiError("INVALID_FIELD", {
      message: "This phone is verified by another merchant already.",
    });
  }
  return phone;
}
