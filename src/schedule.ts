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

/**
 * The crons of wrangler.toml. Each is an invocation of its own, with connections and D1 calls to itself: what asks
 * M-Pesa about money shares them with nothing that can wait.
 */
const JOBS: Record<string, Job[]> = {
  "* * * * *": [
    ["reconcile payments", reconcileDue],
    ["retry callbacks", retryCallbacks],
    ["sweep payouts", sweepPayouts],
    ["seal the ledger", sealLedger],
    ["keep the figures and raise alerts", watch],
  ],
  "*/2 * * * *": [
    ["sweep webhook deliveries", sweepDeliveries],
    ["sweep SMS", sweepSms],
    ["sweep notices", sweepNotices],
    ["warn of subscriptions", warnOfSubscriptions],
    ["warn of the initiator's password", warnOfInitiator],
  ],
  "1-59/5 * * * *": [["pull M-Pesa's statement", pullStatement]],
  "3-59/5 * * * *": [
    ["make statements", makeStatements],
    ["purge what is old", purgeOld],
    ["forget old throttles", sweepThrottles],
    ["verify the ledger", verifyDaily],
  ],
};

export const CRONS = Object.keys(JOBS);

/** Runs every job of the cron; one that fails neither stops the others nor goes unnoticed. */
export async function runSchedule(cron: string, deps: Deps): Promise<void> {
  const jobs = JOBS[cron];
  if (!jobs) throw new Error(`no job for the cron ${cron}`);
  // A merchant's silent server would hold the few connections that M-Pesa is asked over.
  const ofCron = { ...deps, webhooksByQueue: true };
  await Promise.all(jobs.map(([name, run]) => run(ofCron).catch((error) => logFault(name, error))));
}
