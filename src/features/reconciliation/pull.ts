import type { Room } from "../../db/room.ts";
import type { Config } from "../../env.ts";
import { logEvent } from "../../http/log.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../lib/clock.ts";
import { storedMerchantId, storedTransactionId } from "../../lib/ids.ts";
import type { DarajaStatementPort } from "../../upstreams/daraja/port.ts";
import { isBeingAnswered, SUCCESS_DESC } from "../payments/rules.ts";
import { type SettleDeps, settle } from "../payments/settle.ts";
import { finishWork, takeWork } from "./progress-store.ts";
import { provedBy } from "./rules.ts";
import { keepLines, matchByReceipt, readCandidates, readUnmatched } from "./store.ts";

export type PullDeps = SettleDeps &
  Room & {
    darajaStatement: DarajaStatementPort;
    config: SettleDeps["config"] & Pick<Config, "scaled">;
  };

/** Less than the five minutes from one cron to the next, which come no two alike: none is to be missed. */
const EVERY_MS = 4 * MINUTE_MS;
/** M-Pesa tells of the last two days. */
const REACHES_BACK_MS = 48 * HOUR_MS;
/** A payment may come into the statement this late. */
const OVERLAP_MS = 15 * MINUTE_MS;
const PAGE = 100;
/** Of one period, and in one run. */
const PAGES_AT_MOST = 50;
const PAGES_A_RUN = 200;
/** A period that has more lines than that is read in parts so long, or shorter. */
const BUSY_SPAN_MS = 30 * MINUTE_MS;
const UNMATCHED_AT_MOST = 200;

/**
 * Asks M-Pesa for its own statement and lets it decide: it fills in receipts that a query could not
 * tell, and settles payments whose acknowledgement was lost. Runs every few minutes, one at a time.
 */
export async function pullStatement(deps: PullDeps): Promise<void> {
  const now = deps.now();
  const { scaled } = deps.config;
  const lease = { now, until: now + scaled(EVERY_MS), startsAt: now - REACHES_BACK_MS };
  const work = await takeWork(deps.db, "pull", lease);
  if (!work) return;
  const from = Math.max(work.doneTo - OVERLAP_MS, now - REACHES_BACK_MS);
  const toldTo = await keepStatement(deps, { from, to: now });
  await matchByReceipt(deps.db, now - REACHES_BACK_MS);
  const unmatched = await readUnmatched(deps.db, now - REACHES_BACK_MS, UNMATCHED_AT_MOST);
  for (const line of unmatched) {
    if (!deps.hasRoom()) break;
    const payment = provedBy(line, await readCandidates(deps.db, line), unmatched);
    // Settled now, a payment would be told under an id that its push's answer then contradicts.
    if (!payment || isBeingAnswered(payment, { now, scaled })) continue;
    const ref = { merchantId: storedMerchantId(payment.merchantId), id: storedTransactionId(payment.id) };
    const { receipt, amount, paidAt } = line;
    await settle(deps, ref, {
      source: "pull",
      result: { kind: "paid", receipt, amount, paidAt, desc: SUCCESS_DESC },
    });
    logEvent("payment_proved_by_statement", { transaction: payment.id });
  }
  await matchByReceipt(deps.db, now - REACHES_BACK_MS);
  await finishWork(deps.db, "pull", {
    doneTo: Math.max(work.doneTo, toldTo),
    dueAt: now + scaled(EVERY_MS),
  });
}

/**
 * Keeps what M-Pesa tells of the period, from its beginning on; of one with more lines than can be read at
 * once part by part.
 * @returns up to when it was told whole.
 */
async function keepStatement(deps: PullDeps, { from, to }: Period): Promise<number> {
  let doneTo = from;
  let spanMs = to - from;
  let pagesLeft = PAGES_A_RUN;
  while (doneTo < to && pagesLeft > 0) {
    const part = { from: doneTo, to: Math.min(doneTo + spanMs, to) };
    const { end, pages } = await keepPart(deps, part, Math.min(PAGES_AT_MOST, pagesLeft));
    pagesLeft -= pages;
    if (end === "whole") doneTo = part.to;
    else if (end === "more" && spanMs > SECOND_MS) spanMs = Math.min(Math.ceil(spanMs / 2), BUSY_SPAN_MS);
    else break;
  }
  return doneTo;
}

type Period = { from: number; to: number };

/** `more`: there are further lines. `silence`: M-Pesa gave no answer. */
async function keepPart(
  deps: PullDeps,
  period: Period,
  pagesAtMost: number,
): Promise<{ end: "whole" | "more" | "silence"; pages: number }> {
  for (let page = 0; page < pagesAtMost; page++) {
    const offset = page * PAGE;
    const answer = await deps.darajaStatement.pull(period, offset);
    if (answer.kind === "no_answer") {
      logEvent("statement_not_told", { detail: answer.detail });
      return { end: "silence", pages: page + 1 };
    }
    const { lines, rows, leftOut } = answer;
    if (leftOut.length > 0) logEvent("statement_rows_left_out", { ...period, offset, rows, leftOut });
    await keepLines(deps.db, lines, deps.now());
    if (rows < PAGE) return { end: "whole", pages: page + 1 };
  }
  return { end: "more", pages: pagesAtMost };
}
