import { DAY_MS, eastAfricaDay, HOUR_MS, MINUTE_MS } from "../../lib/clock.ts";

type Figure = { minute: number; name: string; count: number; failed: number; totalMs: number; maxMs: number };

/** Payments a minute, and how they ended, from the totals of successive minutes. */
export function paymentRates(figures: Figure[], now: number) {
  const minutes = new Map<number, Record<string, number>>();
  for (const { minute, name, count } of figures) {
    if (!name.startsWith("total:")) continue;
    minutes.set(minute, { ...minutes.get(minute), [name.slice("total:".length)]: count });
  }
  const totals = [...minutes].map(([minute, total]) => ({
    minute,
    started: total.started ?? 0,
    completed: total.completed ?? 0,
    failed: total.failed ?? 0,
  }));
  const last = totals.at(-1);
  const since = (ms: number) => totals.find(({ minute }) => minute >= now - ms) ?? last;
  const recent = since(6 * MINUTE_MS);
  const hour = since(HOUR_MS);
  const span = last && recent ? Math.max(1, (last.minute - recent.minute) / MINUTE_MS) : 1;
  const completed = (last?.completed ?? 0) - (hour?.completed ?? 0);
  const failed = (last?.failed ?? 0) - (hour?.failed ?? 0);
  return {
    startedAMinute: ((last?.started ?? 0) - (recent?.started ?? 0)) / span,
    completedAMinute: ((last?.completed ?? 0) - (recent?.completed ?? 0)) / span,
    completed,
    failed,
    /** Undefined where nothing ended within the hour. */
    successRate: completed + failed > 0 ? completed / (completed + failed) : undefined,
    byMinute: totals.slice(1).map((total, i) => ({
      minute: total.minute,
      completed: Math.max(0, total.completed - (totals[i]?.completed ?? 0)),
    })),
  };
}

/** M-Pesa's calls since then, each product by itself. */
export function darajaFigures(figures: Figure[], since: number) {
  const products = new Map<string, { calls: number; failed: number; totalMs: number; maxMs: number }>();
  for (const { minute, name, count, failed, totalMs, maxMs } of figures) {
    if (!name.startsWith("daraja:") || minute < since) continue;
    const product = name.slice("daraja:".length);
    const sum = products.get(product) ?? { calls: 0, failed: 0, totalMs: 0, maxMs: 0 };
    products.set(product, {
      calls: sum.calls + count,
      failed: sum.failed + failed,
      totalMs: sum.totalMs + totalMs,
      maxMs: Math.max(sum.maxMs, maxMs),
    });
  }
  return [...products].map(([product, { calls, failed, totalMs, maxMs }]) => ({
    product,
    calls,
    failed,
    averageMs: Math.round(totalMs / Math.max(1, calls)),
    slowestMs: maxMs,
  }));
}

/** How payments were completed since then: by M-Pesa's callback, or only because it was asked. */
export function settledBy(figures: Figure[], since: number) {
  const of = (source: string) =>
    figures
      .filter(({ minute, name }) => name === `settled:${source}` && minute >= since)
      .reduce((sum, { count }) => sum + count, 0);
  return { callback: of("callback"), asked: of("query") + of("pull") };
}

const ASKED = ["settled:query", "settled:pull"];

/** How many payments in a row, up to the last, were completed only because M-Pesa was asked. */
export function askedInARow(figures: Pick<Figure, "minute" | "name" | "count">[]): number {
  const callbacks = figures.filter(({ name }) => name === "settled:callback");
  const lastCallback = Math.max(Number.NEGATIVE_INFINITY, ...callbacks.map(({ minute }) => minute));
  return figures
    .filter(({ minute, name }) => ASKED.includes(name) && minute > lastCallback)
    .reduce((sum, { count }) => sum + count, 0);
}

export const ALERT_KINDS = [
  "float_low_utility",
  "float_low_working",
  "callbacks_missing",
  "callbacks_stuck",
  "pending_old",
  "webhooks_piling",
  "ledger_unverified",
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

export const CALLBACKS_LOOKED_AT_MS = 15 * MINUTE_MS;
const ASKED_AT_LEAST = 5;
/** With few payments a quarter of an hour tells nothing, and one callback may be lost: so many of a day's last. */
const ASKED_IN_A_ROW = 3;
const NOT_PROCESSED_TOO_LONG_MS = 10 * MINUTE_MS;
const PENDING_TOO_OLD_MS = HOUR_MS;
const WEBHOOKS_TOO_MANY = 500;
/** Their due time is over by so long: nobody takes them up. */
const WEBHOOKS_OVERDUE_MS = 10 * MINUTE_MS;
/** It is verified daily: two days are a run that failed, and those that should have made up for it. */
const VERIFIED_TOO_LONG_AGO_MS = 2 * DAY_MS;

export type Situation = {
  float: { account: "utility" | "working"; amount: number }[];
  settled: { callback: number; asked: number };
  /** Of a day, where no callback completed a payment in the last hour; 0 where one did. */
  askedInARow: number;
  notProcessed: { count: number; oldestAt: number | null };
  oldestPendingAt: number | null;
  pending: number;
  webhooks: { count: number; oldestDueAt: number | null };
  /** Null until it was verified for the first time. */
  verifiedAt: number | null;
  /** When the ledger's first rows were sealed. */
  sealedSince: number | null;
};

const ACCOUNTS = {
  utility: "Utility account, which pays phones",
  working: "Working account, which pays paybills and tills",
};

const kes = (amount: number) => `KES ${amount.toLocaleString("en-KE")}`;

/** What the operator has to know now, and in which words. */
export function alertsIn(
  situation: Situation,
  { now, floatBelow, scaled }: { now: number; floatBelow: number; scaled: (ms: number) => number },
): { kind: AlertKind; detail: string }[] {
  const found: { kind: AlertKind; detail: string }[] = [];
  for (const { account, amount } of situation.float) {
    if (amount >= floatBelow) continue;
    found.push({
      kind: `float_low_${account}`,
      detail: `M-Pesa last told of ${kes(amount)} on the ${ACCOUNTS[account]}, less than ${kes(floatBelow)}.`,
    });
  }
  const { callback, asked } = situation.settled;
  const { askedInARow: inARow } = situation;
  if ((callback === 0 && asked >= ASKED_AT_LEAST) || inARow >= ASKED_IN_A_ROW) {
    found.push({
      kind: "callbacks_missing",
      detail: `The last ${Math.max(asked, inARow)} payments were completed only because M-Pesa was asked, and none by its callback. Check that it can reach PUBLIC_BASE_URL.`,
    });
  }
  const stuckSince = situation.notProcessed.oldestAt;
  if (stuckSince !== null && now - stuckSince > scaled(NOT_PROCESSED_TOO_LONG_MS)) {
    const minutes = Math.round((now - stuckSince) / MINUTE_MS);
    found.push({
      kind: "callbacks_stuck",
      detail: `${situation.notProcessed.count} callbacks met a fault of the gateway's own and are tried again, the oldest for ${minutes} minutes. The log has each fault, and Unclear the bodies.`,
    });
  }
  const { oldestPendingAt } = situation;
  if (oldestPendingAt !== null && now - oldestPendingAt > scaled(PENDING_TOO_OLD_MS)) {
    const minutes = Math.round((now - oldestPendingAt) / MINUTE_MS);
    found.push({
      kind: "pending_old",
      detail: `${situation.pending} payments are pending, the oldest for ${minutes} minutes.`,
    });
  }
  const { count, oldestDueAt } = situation.webhooks;
  const isOverdue = oldestDueAt !== null && now - oldestDueAt > scaled(WEBHOOKS_OVERDUE_MS);
  if (count >= WEBHOOKS_TOO_MANY || isOverdue) {
    found.push({
      kind: "webhooks_piling",
      detail: `${count} webhooks wait to be sent${isOverdue ? ", and some are long overdue" : ""}.`,
    });
  }
  const lookedAt = situation.verifiedAt ?? situation.sealedSince;
  if (lookedAt !== null && now - lookedAt > scaled(VERIFIED_TOO_LONG_AGO_MS)) {
    found.push({
      kind: "ledger_unverified",
      detail: `The ledger was ${situation.verifiedAt === null ? "never verified" : `last verified on ${eastAfricaDay(lookedAt)}`}: the daily run does not come to its end. Look for "verify the ledger" in the log, and run npm run ledger:verify.`,
    });
  }
  return found;
}
