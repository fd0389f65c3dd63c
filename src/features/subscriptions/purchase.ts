import type { PlanName } from "./plans.ts";

/** What a merchant buys from the operator, as it was when the payment began. */
export type Purchase =
  | { kind: "plan"; plan: PlanName; keyId: number; calls: number; days: number }
  | { kind: "sms_credits"; credits: number };

/** The name of an idempotency key among a key's payments. Pushes' have no spaces, so the two never meet. */
export const purchaseName = (kind: Purchase["kind"], idempotencyKey: string) => `${kind} ${idempotencyKey}`;

/** For purchases that come from our own rows. */
export const storedPurchase = (json: string) => JSON.parse(json) as Purchase;
