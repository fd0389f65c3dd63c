import type { Db } from "../../db/client.ts";
import type { Config } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import type { ApiKey } from "../../lib/api-key.ts";
import type { Clock } from "../../lib/clock.ts";
import { storedKeyId } from "../../lib/ids.ts";
import { announceNotices, type NotifyDeps } from "../notices/notify.ts";
import { changeEmail } from "./change-email.ts";
import { mintKey } from "./mint.ts";
import { readKey } from "./read.ts";
import { changeOwnKey, type StoredKey } from "./store.ts";

/**
 * Gives the id another key, which is shown this once; the old one is dead from then on.
 * @throws NOT_FOUND
 */
export async function regenerateKey(
  deps: Pick<NotifyDeps, "db" | "now" | "noticeQueue"> & KeyDeps,
  merchantId: number,
  id: number,
): Promise<{ key: StoredKey; apiKey: ApiKey }> {
  const now = deps.now();
  const old = await readKey(deps, merchantId, id);
  const { key: apiKey, stored } = await mintKey(deps.config.appSecret, storedKeyId(old.id));
  const email = changeEmail(old, { kind: "regenerated" }, now);
  const key = await changeOwnKey(deps.db, old, stored, { ...email, now });
  if (!key) throw new ApiError("NOT_FOUND");
  deps.background(announceNotices(deps, [email.id]));
  return { key, apiKey };
}

type KeyDeps = {
  db: Db;
  now: Clock;
  config: Pick<Config, "appSecret">;
  background: (work: Promise<unknown>) => void;
};
