import type { Db } from "../../db/client.ts";
import { logFault } from "../../http/log.ts";
import type { Clock } from "../../lib/clock.ts";
import type { ReplayRequest } from "./contract.ts";
import type { WebhookMessage } from "./message.ts";
import { ATTEMPT_LEASE_MS, type DeliveryReader, ownerOf } from "./rules.ts";
import { takeFailed } from "./store.ts";

/** As many messages as a queue takes at once. */
export const REPLAYED_AT_MOST = 100;

/**
 * Sends again what failed of the results since then, oldest first, some at a time. The queue brings the first
 * attempts; what it loses the sweep takes up.
 * @returns how many are sent again, and the cursor for the rest, null if there is none.
 */
export async function replayFailed(
  deps: {
    db: Db;
    now: Clock;
    webhookQueue: Pick<Queue<WebhookMessage>, "sendBatch">;
    background: (work: Promise<unknown>) => void;
  },
  key: DeliveryReader,
  { since, cursor }: ReplayRequest,
): Promise<{ replayed: number; nextCursor: string | null }> {
  const dueAt = deps.now() + ATTEMPT_LEASE_MS;
  const failed = { owner: ownerOf(key), since, after: cursor ?? undefined };
  const { taken, isMoreLeft } = await takeFailed(deps.db, failed, { dueAt, atMost: REPLAYED_AT_MOST });
  const messages = taken.map(({ merchantId, id }) => ({ body: { merchantId, id, dueAt } }));
  if (messages.length > 0) {
    const sent = deps.webhookQueue.sendBatch(messages);
    deps.background(sent.catch((error) => logFault("webhooks' replay", error)));
  }
  return { replayed: taken.length, nextCursor: isMoreLeft ? (taken.at(-1)?.id ?? null) : null };
}
