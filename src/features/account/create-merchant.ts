import { commit, type Db, isBrokenConstraint } from "../../db/client.ts";
import type { Config } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import type { ApiKey } from "../../lib/api-key.ts";
import { type Clock, DAY_MS } from "../../lib/clock.ts";
import { type MerchantId, newMerchantId } from "../../lib/ids.ts";
import type { Msisdn } from "../../lib/msisdn.ts";
import type { Act } from "../audit/store.ts";
import { storeWithNewKey } from "../keys/mint.ts";
import { findKey, insertKey, isTaken } from "../keys/store.ts";
import { PLANS, type PlanName } from "../subscriptions/plans.ts";
import { auditOfMerchant, insertMerchant } from "./store.ts";

export const DEFAULT_KEY_NAME = "Default Account";

export type MerchantRequest = {
  fullname: string;
  email: string;
  /** A phone whose owner is known to be the merchant. */
  verifiedPhone: Msisdn | null;
  /** Who signed up for it; null for a merchant whom the operator makes. */
  userId: string | null;
  plan: PlanName | null;
  smsCredits: number;
  /** The operator who makes it, if one does. */
  act?: Act;
};

/** Makes a merchant with its wallet and its default key, all together. The key is shown this once. */
export async function createMerchant(
  deps: { db: Db; config: Pick<Config, "appSecret">; now: Clock },
  request: MerchantRequest,
): Promise<{ merchantId: MerchantId; keyId: number; apiKey: ApiKey }> {
  const now = deps.now();
  const planName = request.plan ?? (request.verifiedPhone ? "Trial" : null);
  const plan = planName ? PLANS[planName] : undefined;
  const { stored, apiKey } = await storeWithNewKey(deps, async (minted) => {
    const merchantId = newMerchantId();
    const keyRow = insertKey(deps.db, {
      ...minted,
      merchantId,
      name: DEFAULT_KEY_NAME,
      isDefault: true,
      createdAt: now,
      ...(plan ? { plan: planName, callsLeft: plan.calls, expiresAt: now + plan.days * DAY_MS } : {}),
    });
    try {
      const merchant = insertMerchant(deps.db, { ...request, id: merchantId, now });
      const audit = request.act ? [auditOfMerchant(deps.db, request.act, merchantId, request, now)] : [];
      await commit(deps.db, [...merchant, ...audit], keyRow);
      return { merchantId, keyId: minted.id };
    } catch (error) {
      // What is taken may be taken by ourselves, where the first answer was lost.
      if (isBrokenConstraint(error) && (await findKey(deps.db, minted.hash)))
        return { merchantId, keyId: minted.id };
      if (isTaken(error, "verified_phones.phone")) {
        throw new ApiError("INVALID_FIELD", {
          message: "This phone is verified by another merchant already.",
          fields: [{ field: "verified_phone", message: "is verified by another merchant already" }],
        });
      }
      if (isTaken(error, "merchants.id") || isTaken(error, "api_keys.id")) return undefined;
      throw error;
    }
  });
  return { ...stored, apiKey };
}
