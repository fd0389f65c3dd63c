import { DAY_MS, HOUR_MS } from "../../lib/clock.ts";
import { verifyLedger } from "../ledger/verify.ts";
import { finishWork, takeWork } from "../reconciliation/progress-store.ts";
import { type AlertDeps, raiseAlert } from "./alerts.ts";
import { endAlerts } from "./store.ts";

/** Proves the books once a day, and tells the operator of a ledger that does not hold. */
export async function verifyDaily(deps: AlertDeps): Promise<void> {
  const now = deps.now();
  const { scaled } = deps.config;
  const work = await takeWork(deps.db, "verify", { now, until: now + scaled(HOUR_MS), startsAt: 0 });
  if (!work) return;
  const report = await verifyLedger(deps);
  if (report.intact) await endAlerts(deps.db, ["ledger_broken"], [], now + 1);
  else {
    const { what, where } = report.broken;
    await raiseAlert(deps, "ledger_broken", `${what} (${where}). Stop payouts until it is understood.`);
  }
  await finishWork(deps.db, "verify", { doneTo: now, dueAt: now + scaled(DAY_MS) });
}
