import { schedule } from "../../jobs/queue.ts";
import { MINUTE, SECOND } from "../../lib/clock.ts";
import { first, type World } from "../../world.ts";

/** Money on its way from the business to someone. Without a result code it is still under way. */
export type Payout = {
  conversation_id: string;
  originator_conversation_id: string;
  kind: "b2c" | "b2b";
  payer: string;
  payee: string;
  payee_kind: "phone" | "paybill" | "till";
  amount: number;
  account_reference: string;
  result_url: string;
  started_at: number;
  result_code: string | null;
  receipt: string | null;
  finished_at: number | null;
};

type NewPayout = Omit<Payout, "started_at" | "result_code" | "receipt" | "finished_at">;

/** Stores a payout and lets it come to its end a second later; `declined` is a result known beforehand. */
export function startPayout(world: World, payout: NewPayout, declined: string | undefined): void {
  const stored = { ...payout, started_at: world.now() };
  const columns = Object.keys(stored);
  world.sql.exec(
    `INSERT INTO payouts (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
    ...Object.values(stored),
  );
  schedule(world, SECOND, {
    kind: "settle_payout",
    conversationId: payout.conversation_id,
    resultCode: declined,
  });
}

/** A payout by either of its ids. */
export function findPayout(world: World, id: string): Payout | undefined {
  const query = "SELECT * FROM payouts WHERE originator_conversation_id = ? OR conversation_id = ?";
  return first<Payout>(world, query, id, id);
}

export function findPayoutByReceipt(world: World, receipt: string): Payout | undefined {
  return first<Payout>(world, "SELECT * FROM payouts WHERE receipt = ? AND result_code = '0'", receipt);
}

/** Whether this customer was sent the same amount within the last two minutes. */
export function repeatsRecentPayout(world: World, payee: string, amount: number): boolean {
  const query = `SELECT 1 AS found FROM payouts WHERE payee = ? AND amount = ? AND kind = 'b2c'
    AND started_at > ? AND (result_code IS NULL OR result_code = '0') LIMIT 1`;
  return first(world, query, payee, amount, world.now() - 2 * MINUTE * world.config.timeFactor) !== undefined;
}
