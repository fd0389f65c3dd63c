import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import type { Caller } from "../keys/caller.ts";
import type { StoredPayout } from "../payouts/store.ts";
import { readByReference, type StoredTransaction } from "./store.ts";

/**
 * One payment by its checkout request id (M-Pesa's or our provisional one) or its transaction id, in one
 * storage trip. A key of scope `payments` sees its own payments alone.
 * @throws NOT_FOUND, also for another merchant's payment.
 */
export async function readPayment(
  deps: { db: Db },
  caller: Caller,
  reference: string,
): Promise<{ payment: StoredTransaction; payout: StoredPayout | undefined }> {
  const { key, payment, payout } = await caller.admitWith(() =>
    readByReference(deps.db, caller.hash, reference),
  );
  if (!payment || (key.scope === "payments" && payment.keyId !== key.id)) throw new ApiError("NOT_FOUND");
  return { payment, payout };
}
