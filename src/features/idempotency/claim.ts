import { ApiError } from "../../errors.ts";
import { sha256Hex } from "../../lib/hash.ts";
import type { StoredAnswer } from "./store.ts";

/** A request that carries an Idempotency-Key: where the key counts, and what was asked under it. */
export type Claim = { scope: string; key: string; requestHash: string };

/**
 * The claim of a request, or undefined without a key. `scope` is `key:4 sms` or `merchant:36413506
 * withdrawals`; `request` is the parsed body, so that spelling and unknown fields make no difference.
 */
export async function claimOf(
  scope: string,
  key: string | null,
  request: unknown,
): Promise<Claim | undefined> {
  return key === null ? undefined : { scope, key, requestHash: await sha256Hex(JSON.stringify(request)) };
}

/**
 * The first answer to a request that was made before. @throws IDEMPOTENCY_KEY_REUSED for another body.
 */
export function firstAnswer(prior: StoredAnswer, claim: Claim): object {
  if (prior.requestHash !== claim.requestHash) throw new ApiError("IDEMPOTENCY_KEY_REUSED");
  return JSON.parse(prior.answer) as object; // as it was stored
}
