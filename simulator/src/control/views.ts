import type { Prompt } from "../daraja/stk/prompts.ts";
import type { listFaults } from "../faults/faults.ts";
import { isoTime } from "../lib/clock.ts";
import { balanceOf } from "../money/accounts.ts";
import { ledgerEntries } from "../money/ledger.ts";
import { payeeName } from "../money/payees.ts";
import type { Message } from "../phone/messages.ts";
import { rows, type World } from "../world.ts";

export const promptView = (world: World, prompt: Prompt) => ({
  checkout_request_id: prompt.checkout_request_id,
  amount: prompt.amount,
  payee: payeeName(world, prompt.payee, prompt.payee_kind),
  payee_number: prompt.payee,
  account_reference: prompt.account_reference,
  expires_at: isoTime(prompt.expires_at),
});

export const messageView = ({ id, sender, text, at }: Message) => ({
  id,
  from: sender,
  text,
  at: isoTime(at),
});

/** The faults as they were put, each with how often it has struck. */
export function faultsView(faults: ReturnType<typeof listFaults>) {
  const products: Record<string, Record<string, object>> = {};
  for (const { product, name, probability, remaining, value, fired } of faults) {
    products[product] ??= {};
    products[product][name] = { probability, remaining, value, fired };
  }
  return products;
}

/** What M-Pesa believes: every movement of money, and what everyone has now. */
export function ledgerView(world: World) {
  const { shortcode } = world.config;
  return {
    entries: ledgerEntries(world).map(({ payer, payee, at, ...entry }) => ({
      ...entry,
      from: payer,
      to: payee,
      at: isoTime(at),
    })),
    balances: {
      shortcodes: {
        [shortcode]: {
          utility: balanceOf(world, shortcode, "utility"),
          working: balanceOf(world, shortcode, "working"),
        },
      },
      paybills: balancesOf(world, "paybill"),
      tills: balancesOf(world, "till"),
      phones: balancesOf(world, "phone"),
    },
  };
}

function balancesOf(world: World, account: "paybill" | "till" | "phone"): Record<string, number> {
  const query = "SELECT party, amount FROM balances WHERE account = ? ORDER BY party";
  const found = rows<{ party: string; amount: number }>(world, query, account);
  return Object.fromEntries(found.map(({ party, amount }) => [party, amount]));
}
