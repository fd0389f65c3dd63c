import { startOfDay } from "../lib/clock.ts";
import { receiptNumber } from "../lib/ids.ts";
import { first, rows, type World } from "../world.ts";
import { type Account, changeBalance } from "./accounts.ts";

type LedgerKind = "stk" | "b2c" | "b2b" | "reversal";

export type LedgerEntry = {
  receipt: string;
  kind: LedgerKind;
  payer: string;
  payee: string;
  amount: number;
  account_reference: string;
  reference: string;
  at: number;
};

type Movement = {
  kind: LedgerKind;
  payer: string;
  payerAccount: Account;
  payee: string;
  payeeAccount: Account;
  amount: number;
  accountReference: string;
  /** The checkout request id, the originator conversation id, or the reversed receipt. */
  reference: string;
};

/** Moves money from one account to another and returns the receipt. */
export function post(world: World, movement: Movement): string {
  const { kind, payer, payee, amount, accountReference, reference } = movement;
  const receipt = receiptNumber(world.now());
  changeBalance(world, payer, movement.payerAccount, -amount);
  changeBalance(world, payee, movement.payeeAccount, amount);
  world.sql.exec(
    `INSERT INTO ledger (receipt, kind, payer, payee, amount, account_reference, reference, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    receipt,
    kind,
    payer,
    payee,
    amount,
    accountReference,
    reference,
    world.now(),
  );
  return receipt;
}

export const ledgerEntries = (world: World) =>
  rows<LedgerEntry>(world, "SELECT * FROM ledger ORDER BY at, rowid");

export function findEntry(world: World, receipt: string): LedgerEntry | undefined {
  return first<LedgerEntry>(world, "SELECT * FROM ledger WHERE receipt = ?", receipt);
}

export function findReversalOf(world: World, receipt: string): LedgerEntry | undefined {
  const query = "SELECT * FROM ledger WHERE kind = 'reversal' AND reference = ?";
  return first<LedgerEntry>(world, query, receipt);
}

type Page = { from: number; to: number; limit: number; offset: number };

/** What customers paid to a shortcode, oldest first, each with the kind of its prompt. */
export function customerPayments(world: World, shortcode: string, { from, to, limit, offset }: Page) {
  return rows<LedgerEntry & { payee_kind: string }>(
    world,
    `SELECT ledger.*, prompts.payee_kind FROM ledger
     JOIN prompts ON prompts.checkout_request_id = ledger.reference
     WHERE ledger.kind = 'stk' AND ledger.payee = ? AND ledger.at BETWEEN ? AND ?
     ORDER BY ledger.at, ledger.rowid LIMIT ? OFFSET ?`,
    shortcode,
    from,
    to,
    limit,
    offset,
  );
}

/** What a customer has paid since midnight in Nairobi. */
export function paidToday(world: World, msisdn: string): number {
  const query = "SELECT coalesce(sum(amount), 0) AS total FROM ledger WHERE payer = ? AND at >= ?";
  return first<{ total: number }>(world, query, msisdn, startOfDay(world.now()))?.total ?? 0;
}
