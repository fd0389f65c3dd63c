import { Unfit } from "../control/input.ts";
import { findPrompt, type Prompt } from "../daraja/stk/prompts.ts";
import { describe } from "../daraja/stk/result-codes.ts";
import { settlePrompt } from "../daraja/stk/settle.ts";
import { deliverAll } from "../jobs/deliver.ts";
import type { JsonObject } from "../lib/json.ts";
import type { World } from "../world.ts";

/** Every simulated phone's PIN. */
const PIN = "1234";

const PAID = 0;
const CANCELLED = 1032;
const WRONG_PIN = 2001;

/** Answers an open prompt with `{"pin": "1234"}` or `{"action": "cancel"}`, and tells how it ended. */
export function answerPrompt(world: World, msisdn: string, checkoutRequestId: string, answer: JsonObject) {
  const prompt = findPrompt(world, checkoutRequestId);
  if (!prompt || prompt.msisdn !== msisdn) throw new Unfit(404, "There is no such prompt on this phone.");
  if (prompt.result_code !== null) throw new Unfit(409, "This prompt has been answered or has expired.");
  deliverAll(world, settlePrompt(world, checkoutRequestId, readAnswer(answer)));
  return outcome(findPrompt(world, checkoutRequestId) ?? prompt);
}

function readAnswer({ pin, action }: JsonObject): number {
  if (action === "cancel" && pin === undefined) return CANCELLED;
  if (action !== undefined || typeof pin !== "string" || !/^\d{4}$/.test(pin)) {
    throw new Unfit(400, 'The answer is {"pin": "four digits"} or {"action": "cancel"}.');
  }
  return pin === PIN ? PAID : WRONG_PIN;
}

const outcome = ({ result_code, receipt }: Prompt) => ({
  result_code,
  result_desc: describe(result_code ?? 0),
  mpesa_receipt: receipt,
});
