import { ApiError } from "../../errors.ts";
import { timeOrderedHex } from "../../lib/ids.ts";
import { readKey } from "../keys/read.ts";
import { type DeliverDeps, deliver } from "./deliver.ts";
import { ATTEMPT_LEASE_MS, testEventBody } from "./rules.ts";
import { type StoredDelivery, storeDelivery } from "./store.ts";

/**
 * Sends a key's callback URL an event that nobody can take for a payment, signed and retried like any other.
 * @throws NOT_FOUND, and INVALID_CALLBACK_URL for a key without one.
 */
export async function sendTestEvent(
  deps: DeliverDeps & { background: (work: Promise<unknown>) => void },
  merchantId: number,
  keyId: number,
): Promise<StoredDelivery> {
  const { callbackUrl } = await readKey(deps, merchantId, keyId);
  if (callbackUrl === "") {
    throw new ApiError("INVALID_CALLBACK_URL", {
      message: `This key has no callback URL. Set one by PUT /v1/keys/${keyId}/destination.`,
    });
  }
  const now = deps.now();
  const hex = timeOrderedHex(now);
  const delivery = await storeDelivery(deps.db, {
    merchantId,
    id: `wh_${hex}_test`,
    keyId,
    transactionId: null,
    url: callbackUrl,
    body: JSON.stringify(testEventBody(`test_${hex}`)),
    createdAt: now,
    dueAt: now + ATTEMPT_LEASE_MS,
  });
  deps.background(deliver(deps, delivery));
  return delivery;
}
