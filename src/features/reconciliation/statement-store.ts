import { and, desc, eq, gt, gte, inArray, lt, lte, type SQL, sql } from "drizzle-orm";
import { commit, type Db, type Statement as Write } from "../../db/client.ts";
import { ledgerEntries, statementLines, statements, transactions } from "../../db/schema.ts";
import { HOUR_MS } from "../../lib/clock.ts";
import { PAID_OUT_KINDS } from "../ledger/rules.ts";
import { insertNoticeOnce, type NewNotice } from "../notices/store.ts";

/** Milliseconds UTC: from its beginning in East Africa to the next day's. */
export type Day = { name: string; from: number; to: number };

/** What customers paid: for a wallet or to be paid out, or to the operator itself. */
const TAKEN = ["collection", "sale"];
/** What payouts took, one payout however many entries it has. */
const bookedAs = sql<string>`case when ${inArray(ledgerEntries.kind, PAID_OUT_KINDS)} then 'paid_out'
  else ${ledgerEntries.kind} end`;
/** An entry has its time before it is committed, and its seq by then: within this they may disagree. */
const COMMITTED_WITHIN_MS = HOUR_MS;
/** A difference that is one of very many is no news any more. */
const DIFFERENCES_AT_MOST = 500;

const isTaken = inArray(ledgerEntries.kind, TAKEN);
const entryOf = (line: SQL | typeof statementLines.transactionId) =>
  and(eq(ledgerEntries.reference, line), isTaken);

/** Whether a line is of something that a merchant bought from the operator. */
const isSale = sql<boolean>`exists (select 1 from ${transactions}
  where ${transactions.merchantId} = ${statementLines.merchantId}
    and ${transactions.id} = ${statementLines.transactionId} and ${transactions.purchase} is not null)`.mapWith(
  Boolean,
);

/**
 * A day on both sides, by merchant, and every line and entry that has no fellow on the other.
 * @param afterSeq a row that all of the day's come after. The result's is one for the next day.
 */
export async function readDay(db: Db, day: Day, afterSeq: number) {
  const inDay = and(gte(statementLines.paidAt, day.from), lt(statementLines.paidAt, day.to));
  const ofDay = and(
    gt(ledgerEntries.seq, afterSeq),
    gte(ledgerEntries.createdAt, day.from),
    lt(ledgerEntries.createdAt, day.to),
  );
  const [reported, booked, unbooked, unreported, before] = await db.batch([
    db
      .select({
        merchantId: statementLines.merchantId,
        isSale: isSale.as("is_sale"),
        count: sql<number>`count(*)`.as("count"),
        amount: sql<number>`sum(${statementLines.amount})`.as("total"),
      })
      .from(statementLines)
      .where(inDay)
      .groupBy(statementLines.merchantId, sql`is_sale`),
    db
      .select({
        merchantId: ledgerEntries.merchantId,
        kind: bookedAs.as("booked_as"),
        count: sql<number>`count(distinct ${ledgerEntries.reference})`.as("count"),
        amount: sql<number>`sum(${ledgerEntries.amount})`.as("total"),
      })
      .from(ledgerEntries)
      .where(ofDay)
      .groupBy(ledgerEntries.merchantId, sql`booked_as`),
    db
      .select({
        merchantId: statementLines.merchantId,
        receipt: statementLines.receipt,
        transactionId: statementLines.transactionId,
        isSale: isSale.as("is_sale"),
        amount: statementLines.amount,
        booked: sql<number | null>`(select ${ledgerEntries.amount} from ${ledgerEntries}
          where ${entryOf(statementLines.transactionId)})`.as("booked"),
      })
      .from(statementLines)
      .where(
        and(
          inDay,
          sql`not exists (select 1 from ${ledgerEntries}
            where ${entryOf(statementLines.transactionId)} and ${ledgerEntries.amount} = ${statementLines.amount})`,
        ),
      )
      .limit(DIFFERENCES_AT_MOST),
    db
      .select({
        merchantId: ledgerEntries.merchantId,
        transactionId: ledgerEntries.reference,
        kind: ledgerEntries.kind,
        amount: ledgerEntries.amount,
      })
      .from(ledgerEntries)
      .where(
        and(
          ofDay,
          isTaken,
          sql`not exists (select 1 from ${statementLines}
            where ${statementLines.transactionId} = ${ledgerEntries.reference})`,
        ),
      )
      .limit(DIFFERENCES_AT_MOST),
    db
      .select({ seq: sql<number>`coalesce(max(${ledgerEntries.seq}), ${afterSeq})`.as("seq") })
      .from(ledgerEntries)
      .where(and(ofDay, lt(ledgerEntries.createdAt, day.to - COMMITTED_WITHIN_MS))),
  ]);
  return { reported, booked, unbooked, unreported, afterSeq: before[0]?.seq ?? afterSeq };
}

/** Stores a day's statements, each once, and with them what the operator is told of the day. */
export async function storeStatements(
  db: Db,
  rows: { merchantId: number; day: string; body: object }[],
  { notices, now: createdAt }: { notices: NewNotice[]; now: number },
): Promise<void> {
  const writes: Write[] = rows.map(({ body, ...row }) =>
    db
      .insert(statements)
      .values({ ...row, body: JSON.stringify(body), createdAt })
      .onConflictDoUpdate({
        target: [statements.merchantId, statements.day],
        set: { body: JSON.stringify(body), createdAt },
      }),
  );
  writes.push(...notices.map((notice) => insertNoticeOnce(db, notice)));
  const last = writes.pop();
  if (last) await commit(db, writes, last);
}

/** A merchant's statements of these days, the newest first. Merchant 0 is the operator. */
export const readStatements = (
  db: Db,
  merchantId: number,
  days: { from?: string | undefined; to?: string | undefined; before?: string | undefined },
  atMost: number,
) =>
  db
    .select()
    .from(statements)
    .where(
      and(
        eq(statements.merchantId, merchantId),
        days.from === undefined ? undefined : gte(statements.day, days.from),
        days.to === undefined ? undefined : lte(statements.day, days.to),
        days.before === undefined ? undefined : lt(statements.day, days.before),
      ),
    )
    .orderBy(desc(statements.day))
    .limit(atMost);
