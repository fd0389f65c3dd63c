import type { Db } from "../../db/client.ts";
import type { MerchantId } from "../../lib/ids.ts";
import { type Msisdn, storedMsisdn } from "../../lib/msisdn.ts";
import { readVerifiedPhones } from "./phone-store.ts";

/** The phones that the merchant has verified, the first one first. */
export async function verifiedPhonesOf(
  deps: { db: Db },
  merchantId: MerchantId,
): Promise<{ phone: Msisdn; verifiedAt: number }[]> {
  const rows = await readVerifiedPhones(deps.db, merchantId);
  return rows.map(({ phone, verifiedAt }) => ({ phone: storedMsisdn(phone), verifiedAt }));
}
