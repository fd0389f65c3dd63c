import { and, between, desc, eq, gt, gte, inArray, isNull, lt, sql } from "drizzle-orm";
import { type Db, type Statement, untilKnown } from "../../db/client.ts";
import { merchants, statementLines, transactions } from "../../db/schema.ts";
import { transactionIdsFrom } from "../../lib/ids.ts";
import type { StatementLine } from "../../upstreams/daraja/port.ts";
import { CLOCK_DIFFERENCE_MS, isMasked, PAYABLE_FOR_MS } from "./rules.ts";

export type StoredLine = typeof statementLines.$inferSelect;

/** Keeps what M-Pesa reported, each receipt once. */
export async function keepLines(db: Db, lines: StatementLine[], pulledAt: number): Promise<void> {
  const inserts: Statement[] = lines.map((line) =>
    db
      .insert(statementLines)
      .values({ ...line, pulledAt })
      .onConflictDoNothing({ target: statementLines.receipt }),
  );
  const [first, ...others] = inserts;
  if (first) await untilKnown(() => db.batch([first, ...others]));
}

/** Gives every line the payment that has its receipt. */
export async function matchByReceipt(db: Db, since: number): Promise<void> {
  const owner = (column: "id" | "merchant_id") =>
    sql`(select t.${sql.raw(column)} from transactions t where t.mpesa_receipt = ${statementLines.receipt})`;
  await untilKnown(() =>
    db
      .update(statementLines)
      .set({ transactionId: owner("id"), merchantId: owner("merchant_id") })
      .where(
        and(
          isNull(statementLines.transactionId),
          gt(statementLines.paidAt, since),
          sql`exists ${owner("id")}`,
        ),
      ),
  );
}

/** Lines that no payment has the receipt of, newest first: what fits nothing does not stand in the way of the new. */
export const readUnmatched = (db: Db, since: number, atMost: number) =>
  db
    .select()
    .from(statementLines)
    .where(and(isNull(statementLines.transactionId), gt(statementLines.paidAt, since)))
    .orderBy(desc(statementLines.paidAt))
    .limit(atMost);

/** Payments without a receipt that a line could be the proof of; where its phone is masked, of any phone. */
export function readCandidates(db: Db, line: StoredLine) {
  const [from, to] = [line.paidAt - PAYABLE_FOR_MS, line.paidAt + CLOCK_DIFFERENCE_MS];
  // Ids sort by age within a merchant: the few of these minutes are found without an index by time.
  const ofTheTime = and(
    inArray(transactions.merchantId, db.select({ id: merchants.id }).from(merchants)),
    gte(transactions.id, transactionIdsFrom(from)),
    lt(transactions.id, transactionIdsFrom(to + 1)),
  );
  return db
    .select()
    .from(transactions)
    .where(
      and(
        isMasked(line.phone) ? ofTheTime : eq(transactions.phone, line.phone),
        isNull(transactions.mpesaReceipt),
        between(transactions.createdAt, from, to),
        eq(transactions.amount, line.amount),
      ),
    );
}

/** Deletes some lines of what was paid before then. @returns how many. */
export async function purgeLines(db: Db, before: number, atMost: number): Promise<number> {
  const old = db
    .select({ receipt: statementLines.receipt })
    .from(statementLines)
    .where(lt(statementLines.paidAt, before))
    .limit(atMost);
  const { meta } = await db.delete(statementLines).where(inArray(statementLines.receipt, old));
  return meta.changes;
}
