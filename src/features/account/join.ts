import type { ApiKey } from "../../lib/api-key.ts";
import { type MerchantId, storedMerchantId } from "../../lib/ids.ts";
import { isTaken } from "../keys/store.ts";
import { findMerchantOf, type StoredMerchant } from "../users/store.ts";
import { createMerchant } from "./create-merchant.ts";

export type Joined = { merchant: StoredMerchant; merchantId: MerchantId; newApiKey: ApiKey | undefined };

/**
 * The user's merchant, made with its default key if there is none yet. A sign-up that ended between the
 * user and the merchant is so finished by the next page; of two at once, one makes it. The key comes with
 * the answer that made it alone.
 */
export async function joinAsMerchant(
  deps: Parameters<typeof createMerchant>[0],
  user: { id: string; name: string; email: string },
): Promise<Joined> {
  const found = await findMerchantOf(deps.db, user.id);
  if (found) return { merchant: found, merchantId: storedMerchantId(found.id), newApiKey: undefined };
  const newApiKey = await createMerchant(deps, {
    fullname: user.name,
    email: user.email,
    userId: user.id,
    verifiedPhone: null,
    plan: null,
    smsCredits: 0,
  }).then(
    ({ apiKey }) => apiKey,
    (error) => {
      if (isTaken(error, "merchants.user_id")) return undefined;
      throw error;
    },
  );
  const made = await findMerchantOf(deps.db, user.id);
  if (!made) throw new Error(`user ${user.id} has no merchant`);
  return { merchant: made, merchantId: storedMerchantId(made.id), newApiKey };
}
