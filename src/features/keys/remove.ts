import { ApiError } from "../../errors.ts";
import { announceNotices, type NotifyDeps } from "../notices/notify.ts";
import { changeEmail } from "./change-email.ts";
import { readKey } from "./read.ts";
import { deleteOwnKey } from "./store.ts";

/**
 * Deletes a key: it stops working at once, its transactions stay and those in flight go on.
 * @throws CANNOT_DELETE_DEFAULT, NOT_FOUND
 */
export async function removeKey(
  deps: Pick<NotifyDeps, "db" | "now" | "noticeQueue"> & { background: (work: Promise<unknown>) => void },
  merchantId: number,
  id: number,
): Promise<void> {
  const now = deps.now();
  const key = await readKey(deps, merchantId, id);
  if (key.isDefault) throw new ApiError("CANNOT_DELETE_DEFAULT");
  const email = changeEmail(key, { kind: "deleted" }, now);
  const after = await deleteOwnKey(deps.db, key, { ...email, now });
  if (after?.deletedAt === null) throw new ApiError("CANNOT_DELETE_DEFAULT");
  if (after?.deletedAt !== now) throw new ApiError("NOT_FOUND");
  deps.background(announceNotices(deps, [email.id]));
}
