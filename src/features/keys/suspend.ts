import type { Config } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import type { KeyId } from "../../lib/ids.ts";
import type { Act } from "../audit/store.ts";
import type { LimitsPort } from "../limits/port.ts";
import { announceNotices, type NotifyDeps, tellOperator } from "../notices/notify.ts";
import { findSuspendedKey, releaseKey, type StoredKey, suspendKey } from "./store.ts";

export type SuspendDeps = NotifyDeps & {
  config: Pick<Config, "supportEmail">;
  limits: Pick<LimitsPort, "denyForFraud" | "pardon">;
};

/** Counts a denial by the fraud rules; the fifth occasion in a day suspends the key until the operator lifts it. */
export async function countDenial(deps: SuspendDeps, keyId: KeyId): Promise<void> {
  if (await deps.limits.denyForFraud(keyId)) await suspend(deps, keyId);
}

/**
 * Suspends a key and tells its merchant: for fraud, which the operator is told too, or as an operator's act.
 * @returns whether it was free.
 */
export async function suspend(deps: SuspendDeps, keyId: KeyId, act?: Act): Promise<boolean> {
  const now = deps.now();
  const id = `key_suspended:${keyId}:${now}`;
  const support = deps.config.supportEmail ?? "support";
  const email = ({ name }: StoredKey) => ({
    id,
    subject: `SmartPay: your API key "${name}" is suspended`,
    body: act
      ? `The operator of this gateway suspended your API key "${name}". It sends no more prompts.\n\nWrite to ${support} to have it lifted.\n`
      : `Your API key "${name}" was suspended, because too many of its payments fail or are cancelled. It sends no more prompts.\n\nWrite to ${support} and say what these payments are for.\n`,
    now,
  });
  const audit = act && { ...act, at: now, action: "key.suspend", subject: `key:${keyId}` };
  if (!(await suspendKey(deps.db, keyId, now, email, audit))) return false;
  await announceNotices(deps, [id]);
  if (act) return true;
  await tellOperator(deps, {
    id: `operator:${id}`,
    subject: `API key ${keyId} is suspended`,
    body: `The fraud rules denied the API key ${keyId} on five occasions within a day, so it is suspended. Look at its payments, and release it by POST /operator/v1/keys/${keyId}/release when they are in order.\n`,
  });
  return true;
}

/**
 * The operator lifts a suspension; the key's history of failures begins anew. That comes first: a key that is
 * free again with its old history would be suspended by the next denial.
 * @throws NOT_FOUND
 */
export async function release(deps: SuspendDeps, keyId: KeyId, act: Act): Promise<StoredKey> {
  const suspended = await findSuspendedKey(deps.db, keyId);
  if (suspended) await deps.limits.pardon(keyId);
  const audit = { ...act, at: deps.now(), action: "key.release", subject: `key:${keyId}` };
  const key = suspended && (await releaseKey(deps.db, keyId, audit));
  if (!key) throw new ApiError("NOT_FOUND", { message: "There is no suspended key with this id." });
  return key;
}
