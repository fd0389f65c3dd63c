import type { Db } from "../../db/client.ts";
import type { Config } from "../../env.ts";
import { type Clock, HOUR_MS, MINUTE_MS } from "../../lib/clock.ts";
import { unclearBefore } from "../rulings/rules.ts";
import { CALLBACKS_LOOKED_AT_MS, darajaFigures, paymentRates, settledBy } from "./rules.ts";
import { readOpen } from "./store.ts";

const DARAJA_LOOKED_AT_MS = 15 * MINUTE_MS;

/** When a payment was begun, as its id tells. */
const timeOf = (id: string | null) => (id === null ? null : Number.parseInt(id.slice(3, 15), 16));

const timeIn = (first: string | null) => (first === null ? null : Number(first));

/** What the gateway does now: one trip, along indexes, and bounded however much is open. */
export async function readFigures({
  db,
  now: clock,
  config,
}: {
  db: Db;
  now: Clock;
  config: Pick<Config, "scaled">;
}) {
  const now = clock();
  const open = await readOpen(db, now - HOUR_MS - MINUTE_MS, unclearBefore(config.scaled, now));
  const oldestDueAt = timeIn(open.webhooks.first);
  return {
    at: now,
    payments: paymentRates(open.figures, now),
    daraja: darajaFigures(open.figures, now - DARAJA_LOOKED_AT_MS),
    settled: settledBy(open.figures, now - CALLBACKS_LOOKED_AT_MS),
    /** Whether M-Pesa's callback completed any payment in the last hour. */
    isCalledBack: settledBy(open.figures, now - HOUR_MS).callback > 0,
    pending: open.pending.count,
    oldestPendingAt: timeOf(open.pending.first),
    webhooks: { count: open.webhooks.count, oldestDueAt },
    callbacks: open.callbacks.count,
    notProcessed: { count: open.notProcessed.count, oldestAt: timeIn(open.notProcessed.first) },
    proposals: open.proposals.count,
    unclear: open.unclear,
    dead: open.dead,
    payouts: open.payouts,
    float: open.float,
    alerts: open.alerts,
    verifiedAt: open.verifiedAt,
    sealedSince: open.sealedSince,
  };
}

export type Figures = Awaited<ReturnType<typeof readFigures>>;
