import type { Deps } from "./deps.ts";
import { sealLedger } from "./features/ledger/seal.ts";
import { sweepNotices } from "./features/notices/job.ts";
import { verifyDaily } from "./features/operations/verify-daily.ts";
import { watch } from "./features/operations/watch.ts";
import { reconcileDue } from "./features/payments/job.ts";
import { sweepPayouts } from "./features/payouts/job.ts";
import { warnOfInitiator } from "./features/payouts/warn-of-initiator.ts";
import { pullStatement } from "./features/reconciliation/pull.ts";
import { retryCallbacks } from "./features/reconciliation/retry-callbacks.ts";
import { makeStatements } from "./features/reconciliation/statement.ts";
import { purgeOld } from "./features/retention/purge.ts";
import { sweepSms } from "./features/sms/job.ts";
import { warnOfSubscriptions } from "./features/subscriptions/warn.ts";
import { sweepThrottles } from "./features/throttle/throttle.ts";
import { sweepDeliveries } from "./features/webhooks/job.ts";
import { logFault } from "./http/log.ts";

type Job = [name: string, run: (deps: Deps) => Promise<void>];

/** The crons of wrangler.toml. */
const JOBS: Record<string, Job[]> = {
  "* * * * *": [
    ["reconcile payments", reconcileDue],
    ["retry callbacks", retryCallbacks],
    ["pull M-Pesa's statement", pullStatement],
    ["make statements", makeStatements],
    ["purge what is old", purgeOld],
    ["sweep webhook deliveries", sweepDeliveries],
    ["sweep payouts", sweepPayouts],
    ["sweep SMS", sweepSms],
    ["sweep notices", sweepNotices],
    ["seal the ledger", sealLedger],
    ["warn of subscriptions", warnOfSubscriptions],
    ["warn of the initiator's password", warnOfInitiator],
    ["forget old throttles", sweepThrottles],
    ["keep the figures and raise alerts", watch],
    ["verify the ledger", verifyDaily],
  ],
};

/** Runs every job of the cron; one that fails neither stops the others nor goes unnoticed. */
export async function runSchedule(cron: string, deps: Deps): Promise<void> {
  const jobs = JOBS[cron];
  if (!jobs) throw new Error(`no job for the cron ${cron}`);
  // A merchant's silent server would hold the few connections that M-Pesa is asked over.
  const ofCron = { ...deps, webhooksByQueue: true };
  await Promise.all(jobs.map(([name, run]) => run(ofCron).catch((error) => logFault(name, error))));
}
