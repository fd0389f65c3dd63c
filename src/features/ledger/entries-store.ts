import { and, desc, eq, inArray, isNull, lt, or, sql } from "drizzle-orm";
import { unionAll } from "drizzle-orm/sqlite-core";
import type { Db } from "../../db/client.ts";
import { ledgerEntries, payouts, transactions, wallets } from "../../db/schema.ts";
import type { MerchantId } from "../../lib/ids.ts";
import { ACCOUNTS } from "./accounts.ts";

export type StoredEntry = typeof ledgerEntries.$inferSelect;

/** What became of a payout, and where its money went or goes. */
export type WalletPayout = Pick<
  typeof payouts.$inferSelect,
  "id" | "transactionId" | "status" | "destination" | "receipt" | "fee"
>;

/**
 * The wallet, and what moved it: the entries of the merchant's newest payments and payouts. They are found by
 * what they belong to, since an index by merchant would cost every payment two rows.
 * @param before the hex of the id where the page before ended.
 */
export async function readWalletPage(
  db: Db,
  merchantId: MerchantId,
  page: { limit: number; before: string | undefined },
) {
  const wallet = ACCOUNTS.wallet(merchantId);
  const older = (id: typeof transactions.id | typeof payouts.id, prefix: string) =>
    page.before === undefined ? undefined : lt(id, `${prefix}${page.before}`);
  const paid = db
    .select({ reference: sql<string>`${transactions.id}`.as("reference") })
    .from(transactions)
    .where(
      and(
        eq(transactions.merchantId, merchantId),
        eq(transactions.status, "completed"),
        isNull(transactions.purchase),
        older(transactions.id, "tx_"),
      ),
    )
    .orderBy(desc(transactions.id))
    .limit(page.limit);
  const ofPage = and(eq(payouts.merchantId, merchantId), older(payouts.id, "po_"));
  const paidOut = db
    .select({ reference: sql<string>`${payouts.id}`.as("reference") })
    .from(payouts)
    .where(ofPage)
    .orderBy(desc(payouts.id))
    .limit(page.limit);
  const { id, transactionId, status, destination, receipt, fee } = payouts;
  const references = unionAll(db.select().from(paid.as("paid")), db.select().from(paidOut.as("paid_out")));
  const [walletRows, referenceRows, entries, payoutRows] = await db.batch([
    db.select().from(wallets).where(eq(wallets.merchantId, merchantId)),
    references,
    db
      .select()
      .from(ledgerEntries)
      .where(
        and(
          inArray(ledgerEntries.reference, references),
          or(eq(ledgerEntries.debit, wallet), eq(ledgerEntries.credit, wallet)),
        ),
      ),
    db
      .select({ id, transactionId, status, destination, receipt, fee })
      .from(payouts)
      .where(ofPage)
      .orderBy(desc(id))
      .limit(page.limit),
  ]);
  return {
    wallet: walletRows[0],
    references: referenceRows.map(({ reference }) => reference),
    entries,
    payouts: payoutRows satisfies WalletPayout[],
  };
}
