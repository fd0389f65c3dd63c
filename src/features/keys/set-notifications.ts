import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import type { NotificationsRequest } from "./contract.ts";
import { type StoredKey, updateOwnKey } from "./store.ts";

/** Sets who is told of every completed payment; what is absent stays. @throws NOT_FOUND */
export async function setNotifications(
  deps: { db: Db },
  merchantId: number,
  id: number,
  { notify_email, notify_phone }: NotificationsRequest,
): Promise<StoredKey> {
  const key = await updateOwnKey(deps.db, merchantId, id, {
    notifyEmail: notify_email,
    notifyPhone: notify_phone,
  });
  if (!key) throw new ApiError("NOT_FOUND");
  return key;
}
