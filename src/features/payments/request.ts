import { ApiError } from "../../errors.ts";
import type { MerchantId } from "../../lib/ids.ts";
import { Caller, type CallerDeps } from "../keys/caller.ts";
import { readKey } from "../keys/read.ts";
import type { PushRequest } from "./contract.ts";
import { type PushDeps, push } from "./push.ts";
import { findByIdempotencyKey } from "./store.ts";

/**
 * Sends a payment prompt for the merchant itself, with one of its keys: each gate, limit and rule is that
 * of a call with the key. A second request with the same idempotency key leads to the first one's payment,
 * also while that is being sent.
 * @returns the payment's id.
 * @throws NOT_FOUND for another merchant's key, and what `push` throws.
 */
export async function requestPayment(
  deps: PushDeps & CallerDeps,
  merchantId: MerchantId,
  { keyId, request, idempotencyKey }: { keyId: number; request: PushRequest; idempotencyKey: string },
): Promise<string> {
  const key = await readKey(deps, merchantId, keyId);
  const work = push(deps, Caller.ofStored(deps, key), request, idempotencyKey);
  deps.background(work.catch(() => undefined)); // whoever hung up, the push still records its outcome
  try {
    return (await work).transactionId;
  } catch (error) {
    const isUnderWay = error instanceof ApiError && error.code === "IDEMPOTENCY_IN_PROGRESS";
    const first = isUnderWay ? await findByIdempotencyKey(deps.db, key.id, idempotencyKey) : undefined;
    if (!first) throw error;
    return first.id;
  }
}
