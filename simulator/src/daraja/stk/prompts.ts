import { checkoutRequestId, merchantRequestId } from "../../lib/ids.ts";
import { first, rows, type World } from "../../world.ts";

/** A pushed payment. Without a result code it is still open. */
export type Prompt = {
  checkout_request_id: string;
  merchant_request_id: string;
  msisdn: string;
  shortcode: string;
  payee: string;
  payee_kind: "paybill" | "till";
  amount: number;
  account_reference: string;
  callback_url: string;
  shown: number;
  opened_at: number;
  expires_at: number;
  result_code: number | null;
  receipt: string | null;
  finished_at: number | null;
};

export type NewPrompt = Pick<
  Prompt,
  "msisdn" | "shortcode" | "payee" | "payee_kind" | "amount" | "account_reference" | "callback_url"
>;

export function findPrompt(world: World, checkoutId: string): Prompt | undefined {
  return first<Prompt>(world, "SELECT * FROM prompts WHERE checkout_request_id = ?", checkoutId);
}

/** The prompts that wait on a phone's screen, oldest first. */
export function promptsOn(world: World, msisdn: string): Prompt[] {
  return rows<Prompt>(
    world,
    "SELECT * FROM prompts WHERE msisdn = ? AND result_code IS NULL AND shown = 1 ORDER BY opened_at",
    msisdn,
  );
}

/** Stores a prompt that is not answered yet. */
export function storePrompt(world: World, prompt: NewPrompt, shown: boolean, lifetimeMs: number): Prompt {
  const openedAt = world.now();
  const stored: Prompt = {
    ...prompt,
    checkout_request_id: unusedCheckoutId(world, openedAt, prompt.msisdn),
    merchant_request_id: merchantRequestId(),
    shown: shown ? 1 : 0,
    opened_at: openedAt,
    expires_at: Math.ceil(openedAt + lifetimeMs),
    result_code: null,
    receipt: null,
    finished_at: null,
  };
  const columns = Object.keys(stored);
  world.sql.exec(
    `INSERT INTO prompts (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
    ...Object.values(stored),
  );
  return stored;
}

/** Two pushes to one phone within a millisecond get ids a millisecond apart. */
function unusedCheckoutId(world: World, time: number, msisdn: string): string {
  const id = checkoutRequestId(time, msisdn);
  return findPrompt(world, id) ? unusedCheckoutId(world, time + 1, msisdn) : id;
}
