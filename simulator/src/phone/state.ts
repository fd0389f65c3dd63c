import { promptText } from "../daraja/stk/prompt-text.ts";
import { findPrompt, type Prompt, promptsOn } from "../daraja/stk/prompts.ts";
import { selfAnswer } from "../daraja/stk/self-answering.ts";
import { isoTime } from "../lib/clock.ts";
import { payeeName } from "../money/payees.ts";
import { first, type World } from "../world.ts";
import { type Message, messagesOn } from "./messages.ts";

const SHOWN_MESSAGES = 100;

const OUTCOMES: Record<number, string> = {
  0: "Payment sent. M-PESA will text you.",
  1: "You do not have enough money for this payment.",
  4: "This payment is over your daily limit.",
  1032: "You cancelled the payment.",
  1037: "The request has expired. You have not been charged.",
  2001: "Wrong PIN. You have not been charged.",
};

/** Everything that a phone's page shows. With `onlyPrompt` it shows that payment and nothing else. */
export function phoneState(world: World, msisdn: string, onlyPrompt?: string) {
  const open = promptsOn(world, msisdn).find(isVisible(onlyPrompt));
  const finished = lastFinished(world, msisdn, onlyPrompt);
  const messages = messagesOn(world, msisdn).filter(
    ({ text }) => !onlyPrompt || (finished?.receipt && text.startsWith(finished.receipt)),
  );
  return {
    msisdn,
    answers_by_itself: selfAnswer(msisdn) !== undefined,
    prompt: open ? promptOnScreen(world, open) : null,
    finished: finished ? finishedOnScreen(finished) : null,
    messages: messages.slice(-SHOWN_MESSAGES).map(messageOnScreen),
  };
}

const isVisible = (onlyPrompt: string | undefined) => (prompt: Prompt) =>
  onlyPrompt === undefined || prompt.checkout_request_id === onlyPrompt;

function lastFinished(world: World, msisdn: string, onlyPrompt?: string): Prompt | undefined {
  if (onlyPrompt) {
    const prompt = findPrompt(world, onlyPrompt);
    return prompt?.result_code == null ? undefined : prompt;
  }
  return first<Prompt>(
    world,
    "SELECT * FROM prompts WHERE msisdn = ? AND result_code IS NOT NULL ORDER BY finished_at DESC LIMIT 1",
    msisdn,
  );
}

const promptOnScreen = (world: World, prompt: Prompt) => ({
  id: prompt.checkout_request_id,
  text: promptText(prompt, payeeName(world, prompt.payee, prompt.payee_kind)),
  lasts_ms: prompt.expires_at - prompt.opened_at,
  left_ms: Math.max(0, prompt.expires_at - world.now()),
});

const finishedOnScreen = ({ checkout_request_id, result_code }: Prompt) => ({
  id: checkout_request_id,
  text: OUTCOMES[result_code ?? 0] ?? "The payment did not go through.",
});

const messageOnScreen = ({ id, sender, text, at }: Message) => ({ id, from: sender, text, at: isoTime(at) });
