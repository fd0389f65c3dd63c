import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import { isSmsId } from "../../lib/ids.ts";
import type { StoredKey } from "../keys/store.ts";
import { findMessage, readCredits, type StoredSms } from "./store.ts";

/** The merchant's SMS credits. */
export const smsBalance = (deps: { db: Db }, merchantId: number): Promise<number> =>
  readCredits(deps.db, merchantId);

/**
 * One message of the key's merchant; a key of scope `payments` sees its own alone.
 * @throws NOT_FOUND, also for another merchant's message.
 */
export async function readSms(
  deps: { db: Db },
  key: Pick<StoredKey, "id" | "merchantId" | "scope">,
  id: string,
): Promise<StoredSms> {
  const sms = isSmsId(id) ? await findMessage(deps.db, { merchantId: key.merchantId, id }) : undefined;
  if (!sms || (key.scope === "payments" && sms.keyId !== key.id)) throw new ApiError("NOT_FOUND");
  return sms;
}
