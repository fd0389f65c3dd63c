import { and, eq, exists, type SQL, sql } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import { commit, type Db, rowOf, type Statement } from "../../db/client.ts";
import { ledgerEntries, wallets } from "../../db/schema.ts";
import type { MerchantId } from "../../lib/ids.ts";
import { type Posting, walletChange } from "./rules.ts";

/** The row that a write depends on: where `guard` finds none in `table`, the write does not happen. */
export type DependsOn = { table: SQLiteTable; guard: SQL | undefined };

/**
 * What is written in the batch of a change and only with it, while `condition` holds. `last` stands behind
 * everything, the change included, and by its rows tells whether all of it was written.
 */
export type Companion = {
  condition: SQL;
  /** Whether the condition still holds, for whoever found nothing written. */
  holds: () => Promise<boolean>;
  statements: (on: DependsOn) => Statement[];
  last: Statement;
};

export type Transfers = {
  /** With a posting's kind unique: the same transfer is never written twice. */
  reference: string;
  merchantId: MerchantId;
  postings: Posting[];
  now: number;
};

/** The wallet's figures that the postings were reckoned with; the write holds only while they stand. */
export type WalletAsRead = { balance?: number; owed?: number };

/** Runs the statements and then `move`, with what goes along with it. @returns whether it was written. */
export async function commitChange(
  db: Db,
  statements: Statement[],
  move: Statement,
  companion: Companion | undefined,
): Promise<boolean> {
  const moved: unknown = companion
    ? await commit(db, [...statements, move], companion.last)
    : await commit(db, statements, move);
  return Array.isArray(moved) && moved.length > 0;
}

export const dependent = (db: Db, on: DependsOn): SQL =>
  exists(db.select({ one: sql`1` }).from(on.table).where(on.guard));

/**
 * Writes transfers and the wallet's figures. The first transfer carries the conditions; whatever else
 * is written, here and behind, depends on `on` of the answer, which finds that first transfer.
 */
export function post(
  db: Db,
  { reference, merchantId, postings, now }: Transfers,
  wallet: WalletAsRead,
  on: DependsOn,
): { statements: Statement[]; on: DependsOn } {
  const [first, ...others] = postings;
  if (!first) return { statements: [], on };
  const insert = (posting: Posting, where: DependsOn): Statement =>
    db.insert(ledgerEntries).select(
      db
        .select(rowOf(ledgerEntries, { ...posting, reference, merchantId, createdAt: now }))
        .from(where.table)
        .where(where.guard),
    );
  const stands = and(on.guard, walletStands(db, merchantId, wallet));
  const written = exists(
    db
      .select({ one: sql`1` })
      .from(ledgerEntries)
      .where(and(eq(ledgerEntries.reference, reference), eq(ledgerEntries.kind, first.kind))),
  );
  const behind = { table: on.table, guard: and(on.guard, written) };
  return {
    statements: [
      insert(first, { table: on.table, guard: stands }),
      ...others.map((posting) => insert(posting, behind)),
      ...changeWallet(db, merchantId, postings, behind),
    ],
    on: behind,
  };
}

function walletStands(db: Db, merchantId: MerchantId, { balance, owed }: WalletAsRead): SQL | undefined {
  if (balance === undefined && owed === undefined) return undefined;
  return exists(
    db
      .select({ one: sql`1` })
      .from(wallets)
      .where(
        and(
          eq(wallets.merchantId, merchantId),
          balance === undefined ? undefined : eq(wallets.balance, balance),
          owed === undefined ? undefined : eq(wallets.owed, owed),
        ),
      ),
  );
}

/** A figure that would go below zero fails the whole batch, by the table's CHECK. */
function changeWallet(db: Db, merchantId: MerchantId, postings: Posting[], on: DependsOn): Statement[] {
  const { balance, held, owed } = walletChange(merchantId, postings);
  if (balance === 0 && held === 0 && owed === 0) return [];
  return [
    db
      .update(wallets)
      .set({
        ...(balance === 0 ? {} : { balance: sql`${wallets.balance} + ${balance}` }),
        ...(held === 0 ? {} : { held: sql`${wallets.held} + ${held}` }),
        ...(owed === 0 ? {} : { owed: sql`${wallets.owed} + ${owed}` }),
      })
      .where(and(eq(wallets.merchantId, merchantId), dependent(db, on))),
  ];
}
