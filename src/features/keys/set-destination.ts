import type { Config } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import { accountNumber, storedMerchantId } from "../../lib/ids.ts";
import { announceNotices, type NotifyDeps } from "../notices/notify.ts";
import { type CallbackCheckDeps, isCallable } from "./callback-check.ts";
import { changeEmail } from "./change-email.ts";
import { type Destination, destinationFault } from "./destination.ts";
import { readKey } from "./read.ts";
import { changeOwnKey, type StoredKey } from "./store.ts";

/**
 * Sets where a key's payments land, and its callback URL where one is given. A change is told to the merchant.
 * @throws INVALID_DESTINATION, INVALID_CALLBACK_URL, NOT_FOUND
 */
export async function setDestination(
  deps: CallbackCheckDeps &
    Pick<NotifyDeps, "db" | "now" | "noticeQueue"> & {
      config: Pick<Config, "daraja">;
      background: (work: Promise<unknown>) => void;
    },
  merchantId: number,
  keyId: number,
  request: { destination: Destination; callbackUrl: string | undefined },
): Promise<StoredKey> {
  const { destination, callbackUrl } = request;
  const { shortcode, till } = deps.config.daraja;
  const fault = destinationFault(destination, {
    shortcodes: [shortcode, ...(till ? [till] : [])],
    accountNumber: accountNumber(storedMerchantId(merchantId)),
  });
  if (fault) throw new ApiError("INVALID_DESTINATION", fault);
  if (callbackUrl && !(await isCallable(deps, callbackUrl))) {
    throw new ApiError("INVALID_CALLBACK_URL", {
      fields: [{ field: "callbackurl", message: "Use https, on port 443 of a public host name." }],
    });
  }
  const old = await readKey(deps, merchantId, keyId);
  const now = deps.now();
  const email = changeEmail(old, { kind: "destination", destination, callbackUrl }, now);
  const change = {
    destination: JSON.stringify(destination),
    ...(callbackUrl === undefined ? {} : { callbackUrl }),
  };
  const key = await changeOwnKey(deps.db, old, change, { ...email, now });
  if (!key) throw new ApiError("NOT_FOUND");
  deps.background(announceNotices(deps, [email.id]));
  return key;
}
