import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import { logEvent } from "../../http/log.ts";
import { DAY_MS, eastAfricaDay, HOUR_MS, MINUTE_MS } from "../../lib/clock.ts";
import { accountNumber, storedMerchantId } from "../../lib/ids.ts";
import { announceNotices, type NotifyDeps, operatorsNotice } from "../notices/notify.ts";
import type { StatementsQuery } from "./contract.ts";
import { finishWork, readDoneTo, takeWork } from "./progress-store.ts";
import { type Day, readDay, readStatements, storeStatements } from "./statement-store.ts";

type Figure = { count: number; amount: number };

/** One thing that M-Pesa and the ledger do not agree on. */
export type Difference = {
  /** `not_in_ledger`: M-Pesa reports a payment that is not booked. `not_in_mpesa`: the reverse. */
  kind: "not_in_ledger" | "not_in_mpesa" | "other_amount";
  receipt: string | null;
  transaction_id: string | null;
  /** Null on the side that does not have it. */
  mpesa_amount: number | null;
  ledger_amount: number | null;
};

/**
 * A day of a merchant, or of the operator with all of them. Whole shillings. What a merchant buys from
 * the operator is in the operator's alone, as it is in no other figure of the merchant's.
 */
export type DayStatement = {
  day: string;
  /** Null in the operator's. */
  account_number: string | null;
  payments: { mpesa: Figure; ledger: Figure };
  payouts: Figure & { fees: number };
  differences: Difference[];
};

/** The operator's own statement. */
const OPERATOR = 0;
/** The ledger's kind for what a merchant buys from the operator. */
const SALE = "sale";
/** M-Pesa's statement of a day is complete so long after midnight. */
const AFTER_MIDNIGHT_MS = HOUR_MS;
const LOOK_AGAIN_MS = 10 * MINUTE_MS;
/** M-Pesa tells of a payment for so long: what it has not told by then it never will. */
const MPESA_TELLS_FOR_MS = 2 * DAY_MS;
/** Days that were missed are made up for, up to so many. */
const MADE_UP_FOR_DAYS = 7;

const dayOf = (ms: number): Day => {
  const name = eastAfricaDay(ms);
  const from = Date.parse(`${name}T00:00:00+03:00`);
  return { name, from, to: from + DAY_MS };
};

/** The oldest day that is over and has no statement yet. */
async function nextDay(db: Db, now: number): Promise<Day | undefined> {
  const newest = dayOf(now - AFTER_MIDNIGHT_MS - DAY_MS);
  const [last] = await readStatements(db, OPERATOR, {}, 1);
  if (!last) return newest;
  const oldest = newest.to - MADE_UP_FOR_DAYS * DAY_MS;
  const next = dayOf(Math.max(Date.parse(`${last.day}T00:00:00+03:00`) + DAY_MS, oldest));
  return next.from <= newest.from ? next : undefined;
}

/** Whether M-Pesa has told a part of the day and is to tell the rest. */
async function isBeingTold(db: Db, day: Day, now: number): Promise<boolean> {
  const toldTo = await readDoneTo(db, "pull");
  const hasBegun = toldTo !== undefined && toldTo >= day.from;
  return hasBegun && toldTo < day.to && now < day.to + MPESA_TELLS_FOR_MS;
}

/**
 * Makes the next day's statements once M-Pesa's own is complete: what M-Pesa reported, what the ledger
 * says, and each difference by name. The operator is told of a day that has any.
 */
export async function makeStatements(deps: NotifyDeps): Promise<void> {
  const now = deps.now();
  const lease = { now, until: now + LOOK_AGAIN_MS, startsAt: 0 };
  const work = await takeWork(deps.db, "statements", lease);
  if (!work) return;
  const day = await nextDay(deps.db, now);
  if (!day || (await isBeingTold(deps.db, day, now))) return;

  const read = await readDay(deps.db, day, work.doneTo);
  const statements = statementsOf(day.name, read);
  const count = statements.find((row) => row.merchantId === OPERATOR)?.body.differences.length ?? 0;
  const notices = count > 0 ? operatorsNotice(deps.config, differ(day.name, count), now) : [];
  await storeStatements(deps.db, statements, { notices, now });
  await finishWork(deps.db, "statements", { doneTo: read.afterSeq, dueAt: now + LOOK_AGAIN_MS });
  logEvent("statements_made", { day: day.name, merchants: statements.length - 1, differences: count });
  await announceNotices(
    deps,
    notices.map(({ id }) => id),
  );
}

const differ = (day: string, count: number) => ({
  id: `statement_differences:${day}`,
  subject: `${count} differences between M-Pesa and the ledger on ${day}`,
  body: `M-Pesa's statement of ${day} and the ledger differ in ${count} places. Read them with GET /operator/v1/statements?day=${day}.\n`,
});

/** One statement for each merchant that had a part in the day, and the operator's of all. */
export function statementsOf(
  day: string,
  read: Omit<Awaited<ReturnType<typeof readDay>>, "afterSeq">,
): { merchantId: number; day: string; body: DayStatement }[] {
  const byMerchant = new Map<number, DayStatement>();
  const statement = (merchantId: number): DayStatement => {
    const known = byMerchant.get(merchantId);
    if (known) return known;
    const fresh = empty(day, merchantId);
    byMerchant.set(merchantId, fresh);
    return fresh;
  };
  const ofBoth = ({ merchantId, isSale }: { merchantId: number | null; isSale: boolean }) =>
    merchantId === null || isSale ? [statement(OPERATOR)] : [statement(OPERATOR), statement(merchantId)];

  statement(OPERATOR);
  for (const row of read.reported) for (const s of ofBoth(row)) add(s.payments.mpesa, row);
  for (const row of read.booked) {
    const isSale = row.kind === SALE;
    for (const s of ofBoth({ ...row, isSale })) {
      if (row.kind === "collection" || isSale) add(s.payments.ledger, row);
      if (row.kind === "paid_out") add(s.payouts, row);
      if (row.kind === "payout_fee") s.payouts.fees += row.amount;
    }
  }
  for (const row of read.unbooked) {
    const { receipt, transactionId: transaction_id, amount: mpesa_amount, booked: ledger_amount } = row;
    const kind = ledger_amount === null ? "not_in_ledger" : "other_amount";
    const difference = { kind, receipt, transaction_id, mpesa_amount, ledger_amount } as const;
    for (const s of ofBoth(row)) s.differences.push(difference);
  }
  for (const row of read.unreported) {
    const amounts = { mpesa_amount: null, ledger_amount: row.amount };
    const difference = {
      kind: "not_in_mpesa" as const,
      receipt: null,
      transaction_id: row.transactionId,
      ...amounts,
    };
    for (const s of ofBoth({ ...row, isSale: row.kind === SALE })) s.differences.push(difference);
  }
  return [...byMerchant].map(([merchantId, body]) => ({ merchantId, day, body }));
}

const empty = (day: string, merchantId: number): DayStatement => ({
  day,
  account_number: merchantId === OPERATOR ? null : accountNumber(storedMerchantId(merchantId)),
  payments: { mpesa: { count: 0, amount: 0 }, ledger: { count: 0, amount: 0 } },
  payouts: { count: 0, amount: 0, fees: 0 },
  differences: [],
});

function add(figure: Figure, { count, amount }: Figure): void {
  figure.count += count;
  figure.amount += amount;
}

const DAYS_AT_MOST = 31;

const stored = ({ body }: { body: string }) => JSON.parse(body) as DayStatement; // as it was stored

/** The last month's statements of a merchant, or one day's; of the operator without a merchant. */
export async function listStatements(
  { db }: { db: Db },
  merchantId: number | undefined,
  day: string | undefined,
): Promise<DayStatement[]> {
  const rows = await readStatements(db, merchantId ?? OPERATOR, { from: day, to: day }, DAYS_AT_MOST);
  return rows.map(stored);
}

/** A page of a merchant's own statements, the newest day first, and where the next page begins. */
export async function listOwnStatements(
  { db }: { db: Db },
  merchantId: number,
  { from, to, cursor, limit }: StatementsQuery,
): Promise<{ statements: DayStatement[]; nextCursor: string | null }> {
  const rows = await readStatements(db, merchantId, { from, to, before: cursor }, limit + 1);
  const page = rows.slice(0, limit);
  const nextCursor = rows.length > limit ? (page.at(-1)?.day ?? null) : null;
  return { statements: page.map(stored), nextCursor };
}

/** One day's statement of the merchant. @throws NOT_FOUND for a day that it had no part in, or not yet made. */
export async function readOwnStatement(
  { db }: { db: Db },
  merchantId: number,
  day: string,
): Promise<DayStatement> {
  const [row] = await readStatements(db, merchantId, { from: day, to: day }, 1);
  if (!row) {
    throw new ApiError("NOT_FOUND", {
      message:
        "You have no statement of this day: nothing was paid, or the day's statement is yet to be made.",
    });
  }
  return stored(row);
}
