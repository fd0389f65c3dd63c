import { logFault } from "../../http/log.ts";
import { concurrently } from "../../lib/concurrently.ts";
import { type ReconcileDeps, reconcile } from "./reconcile.ts";
import { readDue } from "./store.ts";

/** So many payments a run, so many at once: a cron run has 30 s, and six connections. */
const AT_MOST = 100;
const AT_ONCE = 5;

/** The cron's door: every pending payment whose time has come. */
export async function reconcileDue(deps: ReconcileDeps): Promise<void> {
  const due = await readDue(deps.db, deps.now(), AT_MOST);
  await concurrently(due, AT_ONCE, (payment) =>
    reconcile(deps, payment).catch((error) => logFault(`reconciliation of ${payment.id}`, error)),
  );
}
