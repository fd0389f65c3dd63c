import type { PlannedDelivery } from "../../jobs/deliver.ts";
import { balanceOf } from "../../money/accounts.ts";
import { paidToday, post } from "../../money/ledger.ts";
import { payeeName } from "../../money/payees.ts";
import { receiveMessage } from "../../phone/messages.ts";
import { declinedMessage, paidMessage } from "../../phone/mpesa-messages.ts";
import type { World } from "../../world.ts";
import { planCallbacks } from "./callback.ts";
import { findPrompt, type Prompt } from "./prompts.ts";
import { selfAnswer } from "./self-answering.ts";

const DAILY_LIMIT = 500_000;

/**
 * Ends a prompt, moves the money if it was paid, and returns what the merchant is to be told.
 * A prompt that has ended already stays as it is.
 */
export function settlePrompt(world: World, checkoutRequestId: string, answer: number): PlannedDelivery[] {
  const prompt = findPrompt(world, checkoutRequestId);
  if (!prompt || prompt.result_code !== null) return [];

  const resultCode = answer === 0 ? decide(world, prompt) : answer;
  const receipt = resultCode === 0 ? pay(world, prompt) : null;
  const settled: Prompt = { ...prompt, result_code: resultCode, receipt, finished_at: world.now() };
  world.sql.exec(
    "UPDATE prompts SET result_code = ?, receipt = ?, finished_at = ? WHERE checkout_request_id = ?",
    settled.result_code,
    settled.receipt,
    settled.finished_at,
    checkoutRequestId,
  );
  tellPayer(world, settled);
  world.phoneChanged(prompt.msisdn);
  return planCallbacks(world, settled);
}

/** What M-Pesa makes of a right PIN. The numbers that answer by themselves never run dry. */
function decide(world: World, prompt: Prompt): number {
  if (selfAnswer(prompt.msisdn)) return 0;
  if (balanceOf(world, prompt.msisdn, "phone") < prompt.amount) return 1;
  return paidToday(world, prompt.msisdn) + prompt.amount > DAILY_LIMIT ? 4 : 0;
}

function pay(world: World, prompt: Prompt): string {
  const ownShortcode = prompt.payee === world.config.shortcode;
  return post(world, {
    kind: "stk",
    payer: prompt.msisdn,
    payerAccount: "phone",
    payee: prompt.payee,
    payeeAccount: ownShortcode ? "utility" : prompt.payee_kind,
    amount: prompt.amount,
    accountReference: prompt.account_reference,
    reference: prompt.checkout_request_id,
  });
}

function tellPayer(world: World, prompt: Prompt): void {
  const payee = payeeName(world, prompt.payee, prompt.payee_kind);
  const balance = balanceOf(world, prompt.msisdn, "phone");
  const text = prompt.receipt
    ? paidMessage({ ...prompt, receipt: prompt.receipt, payee, balance, at: world.now() })
    : declinedMessage({ ...prompt, payee, balance });
  if (text) receiveMessage(world, prompt.msisdn, "MPESA", text);
}
