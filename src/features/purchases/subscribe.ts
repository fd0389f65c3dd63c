import { ApiError } from "../../errors.ts";
import type { Msisdn } from "../../lib/msisdn.ts";
import type { StoredKey } from "../keys/store.ts";
import type { PushAnswer } from "../payments/send.ts";
import { PLANS, type PlanName } from "../subscriptions/plans.ts";
import { moveTrial } from "../subscriptions/store.ts";
import { type BuyDeps, buy } from "./buy.ts";

/**
 * Buys a plan for one of the merchant's keys, or moves the running trial there, which costs nothing.
 * @returns undefined for a trial that was moved
 * @throws INVALID_FIELD where there is no trial to move, and what `buy` throws
 */
export async function subscribe(
  deps: BuyDeps,
  key: StoredKey,
  forKeyId: number,
  request: { plan: PlanName; phone?: Msisdn | undefined },
  idempotencyKey: string | null,
): Promise<PushAnswer | undefined> {
  const { plan, phone } = request;
  if (plan === "Trial" || !phone) {
    if (await moveTrial(deps.db, key.merchantId, forKeyId, deps.now())) return undefined;
    throw new ApiError("INVALID_FIELD", {
      message: "You have no running trial that this key could take over. Buy one of the other plans.",
      fields: [{ field: "plan", message: "There is no running trial to move to this key." }],
    });
  }
  const { price, calls, days } = PLANS[plan];
  const purchase = { kind: "plan", plan, keyId: forKeyId, calls, days } as const;
  return buy(deps, key, phone, { purchase, price, reference: plan, forKeyId }, idempotencyKey);
}
