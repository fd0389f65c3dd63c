import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { claimOf, firstAnswer } from "../idempotency/claim.ts";
import { readKey } from "../keys/read.ts";
import { moveTrial } from "../subscriptions/store.ts";

/**
 * Moves the merchant's running trial to another of its keys, which costs nothing.
 * @returns the answer's body beside `success`, the first one again for a request that was made before.
 * @throws NOT_FOUND for a key that is not the merchant's, INVALID_FIELD where there is no trial to move,
 * IDEMPOTENCY_KEY_REUSED
 */
export async function moveTrialTo(
  deps: { db: Db; now: Clock },
  key: { id: number; merchantId: number },
  toKeyId: number,
  idempotencyKey: string | null,
): Promise<{ answer: object; isReplay: boolean }> {
  const answer = { message: "The trial was moved to this key." };
  const claim = await claimOf(`key:${key.id} subscription`, idempotencyKey, { plan: "Trial", toKeyId });
  const kept = claim && { claim, body: answer };
  const { isMoved, prior } = await moveTrial(deps.db, key.merchantId, toKeyId, deps.now(), kept);
  if (isMoved) return { answer, isReplay: false };
  if (prior && claim) return { answer: firstAnswer(prior, claim), isReplay: true };
  await readKey(deps, key.merchantId, toKeyId);
  throw new ApiError("INVALID_FIELD", {
    message: "You have no running trial that this key could take over. Buy one of the other plans.",
    fields: [{ field: "plan", message: "There is no running trial to move to this key." }],
  });
}
