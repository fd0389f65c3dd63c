import type { Prompt } from "./prompts.ts";

/** What fits into one USSD prompt; a longer one ends in result 1025. */
export const MAX_PROMPT_LENGTH = 182;

/** The question that the SIM toolkit puts on the screen. */
export function promptText(
  prompt: Pick<Prompt, "amount" | "account_reference" | "payee_kind">,
  payee: string,
): string {
  const account = prompt.payee_kind === "paybill" ? ` Account no. ${prompt.account_reference}` : "";
  return `Do you want to pay KES ${prompt.amount} to ${payee}${account}?\nEnter M-PESA PIN:`;
}
