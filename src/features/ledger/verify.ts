import type { Db } from "../../db/client.ts";
import { storedMerchantId } from "../../lib/ids.ts";
import { ACCOUNTS, isRaisedByDebit } from "./accounts.ts";
import { chainHash, GENESIS } from "./chain.ts";
import {
  firstCollectionOffBooks,
  firstPayoutOffBooks,
  readEntriesAfter,
  readFigures,
  readSealsAfter,
  type StoredEntry,
  type StoredSeal,
} from "./seal-store.ts";

export type LedgerReport =
  /** `head`: the last seal's hash; the log has how each one begins. */
  | { intact: true; entries: number; sealed_to: number; head: string; balances: Record<string, number> }
  | { intact: false; broken: { what: string; where: string } };

/** Large, since a run of the cron has a thousand queries, and a year half a million seals. */
const PAGE = 5_000;

/** The chain's links from the first on. */
async function* readSeals(db: Db): AsyncGenerator<StoredSeal, undefined> {
  for (let page = await readSealsAfter(db, 0, PAGE); ; ) {
    yield* page;
    const last = page.at(-1);
    if (!last || page.length < PAGE) return;
    page = await readSealsAfter(db, last.id, PAGE);
  }
}

/**
 * Recomputes the hash chain from its first row, every account's balance, and the equations: each
 * wallet's figures are what its entries add up to, what payouts under way hold is what is held, and
 * payouts and collections are what their entries say. Reads the whole ledger, page by page.
 */
export async function verifyLedger({ db }: { db: Db }): Promise<LedgerReport> {
  const figures = await readFigures(db);
  const balances = new Map<string, number>();
  let entries = 0;
  const seals = readSeals(db);
  let seal = (await seals.next()).value;
  let previousHash = GENESIS;
  let sealedTo = 0;
  let link: StoredEntry[] = [];
  let lastSeq = 0;

  for (;;) {
    const rows = (await readEntriesAfter(db, lastSeq, PAGE)).filter((row) => row.seq <= figures.lastSeq);
    for (const row of rows) {
      if (row.seq !== lastSeq + 1) return broken("a row is missing", `ledger_entries.seq ${lastSeq + 1}`);
      lastSeq = row.seq;
      entries++;
      add(balances, row.debit, -row.amount);
      add(balances, row.credit, row.amount);
      if (!seal || row.seq < seal.fromSeq) continue;
      link.push(row);
      if (row.seq !== seal.toSeq) continue;
      const isTrue =
        seal.fromSeq === sealedTo + 1 &&
        seal.previousHash === previousHash &&
        seal.hash === (await chainHash(previousHash, link));
      if (!isTrue) return broken("the chain's hash does not fit", `ledger_seals.id ${seal.id}`);
      previousHash = seal.hash;
      sealedTo = seal.toSeq;
      link = [];
      seal = (await seals.next()).value;
    }
    if (rows.length < PAGE) break;
  }
  // A seal that was added since the figures were read may cover rows behind them.
  if (seal && seal.id <= figures.lastSealId)
    return broken("a sealed row is missing", `ledger_seals.id ${seal.id}`);
  const payout = await firstPayoutOffBooks(db);
  if (payout) return broken("the payout does not fit its entries", `payouts.id ${payout}`);
  const collection = await firstCollectionOffBooks(db);
  if (collection) {
    return broken("no completed payment fits the collection", `ledger_entries.seq ${collection}`);
  }
  return (
    checkFigures(figures, balances) ?? {
      intact: true,
      entries,
      sealed_to: sealedTo,
      head: previousHash,
      balances: byAccount(balances),
    }
  );
}

const broken = (what: string, where: string): LedgerReport => ({ intact: false, broken: { what, where } });

const add = (balances: Map<string, number>, account: string, amount: number) =>
  balances.set(account, (balances.get(account) ?? 0) + amount);

/** Each account by the side that raises it, so that none that is in order is negative. */
const byAccount = (balances: Map<string, number>) =>
  Object.fromEntries(
    [...balances]
      .map(([account, credit]): [string, number] => [account, isRaisedByDebit(account) ? 0 - credit : credit])
      .sort(([a], [b]) => a.localeCompare(b)),
  );

function checkFigures(
  figures: Awaited<ReturnType<typeof readFigures>>,
  balances: Map<string, number>,
): LedgerReport | undefined {
  const heldByPayouts = new Map(figures.held.map((row) => [row.merchantId, row.held]));
  for (const wallet of figures.wallets) {
    const merchant = storedMerchantId(wallet.merchantId);
    const where = `wallets.merchant_id ${wallet.merchantId}`;
    const of = (account: string) => balances.get(account) ?? 0;
    if (wallet.balance !== of(ACCOUNTS.wallet(merchant))) return broken("the balance does not fit", where);
    if (wallet.held !== of(ACCOUNTS.held(merchant))) return broken("what is held does not fit", where);
    // A debit raises what is owed, so its sum has the other sign.
    if (wallet.owed !== 0 - of(ACCOUNTS.owed(merchant))) return broken("what is owed does not fit", where);
    if (wallet.held !== (heldByPayouts.get(wallet.merchantId) ?? 0)) {
      return broken("what payouts under way hold does not fit", where);
    }
  }
  const kept = new Set(figures.wallets.map((w) => w.merchantId));
  for (const account of balances.keys()) {
    const merchant = /^(?:wallet|held|owed):(\d+)$/.exec(account)?.[1];
    if (merchant && !kept.has(Number(merchant))) return broken("an account has no wallet", account);
  }
  return undefined;
}
