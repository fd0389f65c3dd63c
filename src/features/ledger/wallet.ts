import type { Db } from "../../db/client.ts";
import type { MerchantId } from "../../lib/ids.ts";
import { ACCOUNTS } from "./accounts.ts";
import { readWalletPage, type WalletPayout } from "./entries-store.ts";

const PAGE = 25;

/** How one entry moved the wallet, in whole shillings: positive into it, negative out of it. */
export type WalletEntry = {
  seq: number;
  at: number;
  kind: string;
  reference: string;
  amount: number;
  /** What it belongs to, where that is a payout. */
  payout: WalletPayout | undefined;
};

/**
 * The merchant's wallet and a page of what moved it, newest payment or payout first.
 * @param before `nextCursor` of the page before.
 */
export async function readWallet(deps: { db: Db }, merchantId: MerchantId, before: string | undefined) {
  const cursor = before !== undefined && /^[0-9a-f]{32}$/.test(before) ? before : undefined;
  const read = await readWalletPage(deps.db, merchantId, { limit: PAGE + 1, before: cursor });
  const hexes = [...new Set(read.references.map(hexOf))].sort().reverse();
  const shown = new Set(hexes.slice(0, PAGE));
  const payouts = new Map(read.payouts.map((payout) => [payout.id, payout]));
  const account = ACCOUNTS.wallet(merchantId);
  const entries = read.entries
    .filter(({ reference }) => shown.has(hexOf(reference)))
    .map(({ seq, createdAt: at, kind, reference, amount, credit }): WalletEntry => {
      const moved = credit === account ? amount : -amount;
      return { seq, at, kind, reference, amount: moved, payout: payouts.get(reference) };
    })
    .sort((a, b) => b.at - a.at || b.seq - a.seq);
  const nextCursor = hexes.length > PAGE ? (hexes[PAGE - 1] ?? null) : null;
  return { wallet: read.wallet ?? { balance: 0, held: 0, owed: 0, smsCredits: 0 }, entries, nextCursor };
}

const hexOf = (reference: string) => reference.slice(3);
