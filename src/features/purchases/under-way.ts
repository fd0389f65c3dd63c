import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import type { StoredKey } from "../keys/store.ts";
import { findPrior } from "../payments/purchase-store.ts";
import type { PushAnswer } from "../payments/send.ts";
import { type Purchase, purchaseName } from "../subscriptions/purchase.ts";

/**
 * Waits for a purchase that somebody asks for on a page. Where the same form was sent before and that
 * purchase is still being sent to the phone, it is the one to watch.
 * @returns the purchase's id. @throws what `work` throws
 */
export async function purchaseOf(
  { db }: { db: Db },
  key: StoredKey,
  { kind, idempotencyKey }: { kind: Purchase["kind"]; idempotencyKey: string },
  work: Promise<PushAnswer>,
): Promise<string> {
  try {
    return (await work).transactionId;
  } catch (error) {
    const isUnderWay = error instanceof ApiError && error.code === "IDEMPOTENCY_IN_PROGRESS";
    const first = isUnderWay ? await findPrior(db, key.id, purchaseName(kind, idempotencyKey)) : undefined;
    if (!first) throw error;
    return first.id;
  }
}
