import { and, eq, isNull, sql } from "drizzle-orm";
import { commit, type Db } from "../../db/client.ts";
import { ledgerEntries, transactions, wallets } from "../../db/schema.ts";
import { type AuditEntry, insertAudit, onceThisCall, selectOnce } from "../audit/store.ts";
import { post, type Transfers } from "./store.ts";

/** The payment of a receipt, what was collected for it, and the wallet that has to pay it back. */
export async function readForReversal(db: Db, receipt: string) {
  const hasReceipt = eq(transactions.mpesaReceipt, receipt);
  const id = db.select({ id: transactions.id }).from(transactions).where(hasReceipt);
  const merchant = db.select({ id: transactions.merchantId }).from(transactions).where(hasReceipt);
  const [payments, collections, walletRows] = await db.batch([
    db.select().from(transactions).where(hasReceipt),
    db
      .select({ amount: ledgerEntries.amount })
      .from(ledgerEntries)
      .where(and(eq(ledgerEntries.reference, sql`(${id})`), eq(ledgerEntries.kind, "collection"))),
    db
      .select()
      .from(wallets)
      .where(eq(wallets.merchantId, sql`(${merchant})`)),
  ]);
  return { payment: payments[0], collection: collections[0], wallet: walletRows[0] };
}

/** Writes the reversal once, while the wallet holds what was read. @returns whether it was written. */
export async function storeReversal(
  db: Db,
  transfers: Transfers,
  balance: number,
  audit: AuditEntry,
): Promise<boolean> {
  const { merchantId, reference, now } = transfers;
  const notReversed = and(
    eq(transactions.merchantId, merchantId),
    eq(transactions.id, reference),
    isNull(transactions.reversedAt),
  );
  const { statements, on } = post(db, transfers, { balance }, { table: transactions, guard: notReversed });
  const once = onceThisCall();
  const noted = insertAudit(db, { ...audit, once }, on);
  const mark = db.update(transactions).set({ reversedAt: now }).where(on.guard);
  return (await commit(db, [...statements, noted, mark], selectOnce(db, once))).length > 0;
}
