import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { type Act, findOnce } from "../audit/store.ts";
import { isMerchant, merchantOfKey, storeGrant } from "./grant-store.ts";
import { PLANS, type PlanName } from "./plans.ts";
import type { Purchase } from "./purchase.ts";

export type GrantRequest =
  | { kind: "plan"; keyId: number; plan: PlanName }
  | { kind: "sms_credits"; merchantId: number; credits: number };

/**
 * Gives a key a plan or a merchant SMS credits, as if they had been bought, and without any money.
 * @param name the occasion: however often it is asked for under one name, it is given once.
 * @returns whether this call gave it; false where an earlier one did.
 * @throws NOT_FOUND, IDEMPOTENCY_KEY_REUSED where the name was used for another grant
 */
export async function grant(
  deps: { db: Db; now: Clock },
  request: GrantRequest,
  name: string,
  act: Act,
): Promise<boolean> {
  const merchantId =
    request.kind === "plan" ? await merchantOfKey(deps.db, request.keyId) : request.merchantId;
  if (merchantId === undefined || !(await isMerchant(deps.db, merchantId))) {
    throw new ApiError("NOT_FOUND", { message: "There is no such key or merchant." });
  }
  const given = purchaseOf(request);
  const subject = given.kind === "plan" ? `key:${given.keyId}` : `merchant:${merchantId}`;
  const audit = {
    ...act,
    at: deps.now(),
    action: given.kind === "plan" ? "grant.plan" : "grant.sms_credits",
    subject,
    detail: given,
    once: `grant:${name}`,
  };
  if (await storeGrant(deps.db, merchantId, given, audit)) return true;
  const first = await findOnce(deps.db, audit.once);
  if (first?.subject !== subject || first.detail !== JSON.stringify(given)) {
    throw new ApiError("IDEMPOTENCY_KEY_REUSED");
  }
  return false;
}

function purchaseOf(request: GrantRequest): Purchase {
  if (request.kind === "sms_credits") return { kind: "sms_credits", credits: request.credits };
  const { calls, days } = PLANS[request.plan];
  return { kind: "plan", plan: request.plan, keyId: request.keyId, calls, days };
}
