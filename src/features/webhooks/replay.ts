import type { Act } from "../audit/store.ts";
import { type DeliverDeps, deliver } from "./deliver.ts";
import { readDelivery } from "./list.ts";
import { ATTEMPT_LEASE_MS, type DeliveryReader, isUnderWay } from "./rules.ts";
import { findGivenUp, type StoredDelivery, takeForReplay } from "./store.ts";

/**
 * Sends a delivery again, whatever became of it: the first attempt at once, and then a fresh set of retries.
 * Where an attempt is under way already, that one is the replay. `trueOnly`: but for the failure of a payment
 * that was paid after all, which stays as it is.
 * @throws NOT_FOUND
 */
export async function replayDelivery(
  deps: DeliverDeps & { background: (work: Promise<unknown>) => void },
  key: DeliveryReader,
  id: string,
  which: { trueOnly?: boolean } = {},
): Promise<StoredDelivery> {
  const seen = await readDelivery(deps, key, id);
  const now = deps.now();
  if (isUnderWay(seen, now)) return seen;
  const taken = await takeForReplay(deps.db, seen, now + ATTEMPT_LEASE_MS, which);
  if (!taken) return readDelivery(deps, key, id);
  deps.background(deliver(deps, taken));
  return taken;
}

/** Sends a delivery that was given up again, as an operator's act. @returns whether this call does. */
export async function replayGivenUp(
  deps: DeliverDeps & { background: (work: Promise<unknown>) => void },
  id: string,
  act: Act,
): Promise<boolean> {
  const seen = await findGivenUp(deps.db, id);
  if (!seen) return false;
  const now = deps.now();
  const audit = { ...act, at: now, action: "webhook.replay", subject: id };
  const taken = await takeForReplay(deps.db, seen, now + ATTEMPT_LEASE_MS, { trueOnly: true, audit });
  if (taken) deps.background(deliver(deps, taken));
  return taken !== undefined;
}
