import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import { type Clock, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../lib/clock.ts";
import { counted } from "../../lib/counted.ts";
import { sha256Hex } from "../../lib/hash.ts";
import { countTry, removeEnded } from "./store.ts";

/** How often somebody may try what guesses, mails or texts, and in what time. */
const ALLOWED = {
  sign_in_email: { tries: 10, windowMs: 15 * MINUTE_MS },
  sign_in_address: { tries: 50, windowMs: 15 * MINUTE_MS },
  sign_up_address: { tries: 20, windowMs: HOUR_MS },
  second_factor: { tries: 10, windowMs: 15 * MINUTE_MS },
  password_reset_email: { tries: 3, windowMs: HOUR_MS },
  password_reset_address: { tries: 20, windowMs: HOUR_MS },
  new_email_user: { tries: 5, windowMs: HOUR_MS },
  new_email_address: { tries: 3, windowMs: HOUR_MS },
  phone_code_merchant: { tries: 5, windowMs: HOUR_MS },
  phone_code_phone: { tries: 5, windowMs: HOUR_MS },
  payment_check: { tries: 1, windowMs: 10 * SECOND_MS },
  webhook_replay: { tries: 5, windowMs: MINUTE_MS },
} as const;

export type ThrottleKind = keyof typeof ALLOWED;

/**
 * Counts a try in storage, and refuses it where too many were made. What is counted for is stored as a hash.
 * @throws TOO_MANY_TRIES, which says when the window ends.
 */
export async function throttle(deps: { db: Db; now: Clock }, kind: ThrottleKind, who: string): Promise<void> {
  const { tries, windowMs } = ALLOWED[kind];
  const now = deps.now();
  const scope = `${kind}:${(await sha256Hex(who.toLowerCase())).slice(0, 32)}`;
  const { count, endsAt } = await countTry(deps.db, scope, { now, windowMs });
  if (count <= tries) return;
  const retryAfterSeconds = Math.ceil((endsAt - now) / SECOND_MS);
  const message = `Too many tries. Try again in ${inWords(retryAfterSeconds)}.`;
  throw new ApiError("TOO_MANY_TRIES", { message, retryAfterSeconds });
}

/** `40 seconds`, `1 minute`, `43 minutes`. */
function inWords(seconds: number): string {
  return seconds < 60 ? counted(seconds, "second") : counted(Math.ceil(seconds / 60), "minute");
}

/** Forgets the windows that have ended. */
export const sweepThrottles = (deps: { db: Db; now: Clock }) => removeEnded(deps.db, deps.now());
