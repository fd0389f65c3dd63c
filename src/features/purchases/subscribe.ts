import type { Msisdn } from "../../lib/msisdn.ts";
import type { StoredKey } from "../keys/store.ts";
import type { PushAnswer } from "../payments/send.ts";
import { PLANS, type PlanName } from "../subscriptions/plans.ts";
import { type BuyDeps, buy } from "./buy.ts";

/** Buys a plan for one of the merchant's keys. @throws what `buy` throws */
export function subscribe(
  deps: BuyDeps,
  key: StoredKey,
  forKeyId: number,
  { plan, phone }: { plan: Exclude<PlanName, "Trial">; phone: Msisdn },
  idempotencyKey: string | null,
): Promise<PushAnswer> {
  const { price, calls, days } = PLANS[plan];
  const purchase = { kind: "plan", plan, keyId: forKeyId, calls, days } as const;
  return buy(deps, key, phone, { purchase, price, reference: plan, forKeyId }, idempotencyKey);
}
