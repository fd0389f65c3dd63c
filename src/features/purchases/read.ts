import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import type { MerchantId } from "../../lib/ids.ts";
import { findPurchase } from "../payments/purchase-store.ts";
import type { StoredTransaction } from "../payments/store.ts";

/** One of the merchant's purchases of a plan or of SMS credits. @throws NOT_FOUND */
export async function readPurchase(
  deps: { db: Db },
  merchantId: MerchantId,
  id: string,
): Promise<StoredTransaction> {
  const purchase = await findPurchase(deps.db, merchantId, id);
  if (!purchase) throw new ApiError("NOT_FOUND");
  return purchase;
}
