import type { Room } from "../../db/room.ts";
import { logEvent, logFault } from "../../http/log.ts";
import { SECOND_MS } from "../../lib/clock.ts";
import { concurrently } from "../../lib/concurrently.ts";
import { type ReconcileDeps, reconcile } from "./reconcile.ts";
import { ASKING_LEASE_MS } from "./rules.ts";
import { takeDue } from "./store.ts";

/** A run of the cron has six connections. */
const AT_ONCE = 5;
/** So few that a round is over before its lease, even where M-Pesa is silent to each. */
const A_ROUND = 20;
const NO_ROUND_AFTER_MS = 40 * SECOND_MS;
/** Some 330 calls of D1 where all of them are settled, and half as many again where all are given up. */
const AT_MOST = 160;

/** The cron's door: the pending payments whose time has come, round by round for as long as there is time. */
export async function reconcileDue(deps: ReconcileDeps & Room): Promise<void> {
  const endsAt = deps.now() + NO_ROUND_AFTER_MS;
  for (let asked = 0; asked < AT_MOST; asked += A_ROUND) {
    const now = deps.now();
    if (now >= endsAt || !deps.hasRoom()) break;
    const due = await takeDue(deps.db, now, now + ASKING_LEASE_MS, A_ROUND);
    await concurrently(due, AT_ONCE, (payment) =>
      reconcile(deps, payment).catch((error) => logFault(`reconciliation of ${payment.id}`, error)),
    );
    if (due.length < A_ROUND) return;
  }
  logEvent("reconciliation_behind", { ms: deps.now() - endsAt + NO_ROUND_AFTER_MS });
}
