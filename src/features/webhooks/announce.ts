import { type DeliverDeps, deliver } from "./deliver.ts";
import type { NewDelivery } from "./store.ts";

export type AnnounceDeps = DeliverDeps & {
  /** Whether first attempts are left to the queue, as where one invocation settles the payments of many merchants. */
  webhooksByQueue: boolean;
};

/**
 * Sees to the first attempt of a delivery that was just written: at once, or by the queue a second later. What
 * the queue loses the sweep takes up.
 */
export async function announceDelivery(deps: AnnounceDeps, delivery: NewDelivery): Promise<void> {
  const { merchantId, id, dueAt } = delivery;
  if (deps.webhooksByQueue) await deps.webhookQueue.send({ merchantId, id, dueAt });
  else await deliver(deps, delivery);
}
