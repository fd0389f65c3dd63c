import { first, type World } from "../world.ts";

/** The own shortcode has a utility and a working account; everyone else has the one named by its kind. */
export type Account = "utility" | "working" | "phone" | "paybill" | "till";

/** What an account holds before anything has touched it. */
const OPENING_BALANCE: Record<Account, number> = {
  utility: 1_000_000,
  working: 1_000_000,
  phone: 500_000,
  paybill: 0,
  till: 0,
};

export function balanceOf(world: World, party: string, account: Account): number {
  const query = "SELECT amount FROM balances WHERE party = ? AND account = ?";
  return first<{ amount: number }>(world, query, party, account)?.amount ?? OPENING_BALANCE[account];
}

export function setBalance(world: World, party: string, account: Account, amount: number): void {
  world.sql.exec(
    "INSERT OR REPLACE INTO balances (party, account, amount) VALUES (?, ?, ?)",
    party,
    account,
    amount,
  );
}

export function changeBalance(world: World, party: string, account: Account, by: number): void {
  setBalance(world, party, account, balanceOf(world, party, account) + by);
}
