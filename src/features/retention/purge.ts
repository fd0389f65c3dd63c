import type { Db } from "../../db/client.ts";
import { logEvent } from "../../http/log.ts";
import { type Clock, DAY_MS, MINUTE_MS } from "../../lib/clock.ts";
import { purgeLetters } from "../dead-letters/store.ts";
import { purgeAnswers } from "../idempotency/store.ts";
import { purgeNotices } from "../notices/store.ts";
import { finishWork, takeWork } from "../reconciliation/progress-store.ts";
import { purgeLines } from "../reconciliation/store.ts";
import { purgeEmailChanges } from "../users/email-store.ts";
import { purgeSessions, purgeVerifications } from "../users/session-store.ts";

/** How long what only helps for a while is kept; payments, payouts and the ledger are kept for good. */
export const KEPT_MS = {
  /** The API promises 72 hours. */
  idempotentAnswers: 7 * DAY_MS,
  /** A notice's id keeps its occasion from being told twice: none comes up again after so long. */
  notices: 90 * DAY_MS,
  /** M-Pesa tells of two days; the daily statements keep the figures and each difference. */
  statementLines: 90 * DAY_MS,
  /** After it was sent again; one that nobody sent again stays, but for an SMS gateway's report. */
  deadLetters: 90 * DAY_MS,
};

/** So many rows a statement, which D1 ends in well under its 30 s, and so many statements a run. */
const ROWS_AT_ONCE = 2_000;
const ROUNDS_AT_MOST = 20;
const LEASE_MS = 10 * MINUTE_MS;

/** Deletes what has had its time, once a day and by one run alone; what a run does not manage, the next ones do. */
export async function purgeOld(deps: { db: Db; now: Clock }): Promise<void> {
  const now = deps.now();
  const work = await takeWork(deps.db, "purge", { now, until: now + LEASE_MS, startsAt: 0 });
  if (!work) return;
  const purged = {
    answers: await purge((rows) => purgeAnswers(deps.db, now - KEPT_MS.idempotentAnswers, rows)),
    notices: await purge((rows) => purgeNotices(deps.db, now - KEPT_MS.notices, rows)),
    lines: await purge((rows) => purgeLines(deps.db, now - KEPT_MS.statementLines, rows)),
    letters: await purge((rows) => purgeLetters(deps.db, now - KEPT_MS.deadLetters, rows)),
    sessions: await purge((rows) => purgeSessions(deps.db, now, rows)),
    emailChanges: await purge((rows) => purgeEmailChanges(deps.db, now, rows)),
    verifications: await purge((rows) => purgeVerifications(deps.db, now, rows)),
  };
  const isDone = Object.values(purged).every((count) => count < ROWS_AT_ONCE * ROUNDS_AT_MOST);
  await finishWork(deps.db, "purge", { doneTo: now, dueAt: isDone ? now + DAY_MS : now + MINUTE_MS });
  logEvent("purged", purged);
}

/** @returns how many rows went. */
async function purge(some: (atMost: number) => Promise<number>): Promise<number> {
  let gone = 0;
  for (let round = 0; round < ROUNDS_AT_MOST; round++) {
    const count = await some(ROWS_AT_ONCE);
    gone += count;
    if (count < ROWS_AT_ONCE) break;
  }
  return gone;
}
