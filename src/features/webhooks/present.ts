import { eastAfricaTime, eastAfricaTimeOrNull } from "../../lib/clock.ts";
import { ATTEMPT_LEASE_MS, storedAttempts } from "./rules.ts";
import type { StoredDelivery } from "./store.ts";

/** The form in which a merchant sees a delivery. While an attempt is under way, `next_attempt_at` is its beginning. */
export const presentDelivery = (delivery: StoredDelivery) => ({
  id: delivery.id,
  transaction_id: delivery.transactionId,
  url: delivery.url,
  status: delivery.status,
  attempts: storedAttempts(delivery.attempts).map(({ at, status, durationMs, response, error }) => ({
    at: eastAfricaTime(at),
    status,
    duration_ms: durationMs,
    response,
    error,
  })),
  next_attempt_at: eastAfricaTimeOrNull(delivery.dueAt === null ? null : delivery.dueAt - ATTEMPT_LEASE_MS),
  created_at: eastAfricaTime(delivery.createdAt),
  delivered_at: eastAfricaTimeOrNull(delivery.deliveredAt),
  body: JSON.parse(delivery.body),
});
