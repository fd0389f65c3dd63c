import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { target } from "./target.ts";

/** A number of no meaning, which waits to be told what to do. */
export const newPhone = () => `25479${String(randomInt(10_000_000)).padStart(7, "0")}`;

/** The simulator's control API. */
export async function control(method: string, path: string, body?: unknown) {
  const secret = target.simulatorSecret;
  const response = await fetch(`${target.simulator}${path}`, {
    method,
    headers: { "Content-Type": "application/json", ...(secret ? { Authorization: `Bearer ${secret}` } : {}) },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return response.json();
}

export type Prompt = {
  checkout_request_id: string;
  amount: number;
  payee_number: string;
  account_reference: string;
};

export async function promptsOn(phone: string): Promise<Prompt[]> {
  return ((await control("GET", `/phones/${phone}/prompts`)) as { prompts: Prompt[] }).prompts;
}

/** A push may first have to wait for its key's next minute. */
const LONGEST_WAIT_MS = 90_000;

/** The prompt on a phone, as soon as it is there. */
export async function promptOn(phone: string): Promise<Prompt> {
  const until = Date.now() + LONGEST_WAIT_MS;
  while (Date.now() < until) {
    const [prompt] = await promptsOn(phone);
    if (prompt) return prompt;
    await sleep(100);
  }
  throw new Error(`No prompt came to ${phone}.`);
}

/** The customer answers the prompt, and pays if not told otherwise. */
export async function pay(phone: string, answer: object = { pin: "1234" }): Promise<Prompt> {
  const prompt = await promptOn(phone);
  await control("POST", `/phones/${phone}/prompts/${prompt.checkout_request_id}`, answer);
  return prompt;
}

export async function messagesTo(phone: string): Promise<string[]> {
  const { messages } = (await control("GET", `/phones/${phone}/messages`)) as {
    messages: { text: string }[];
  };
  return messages.map(({ text }) => text);
}

export async function emailsTo(address: string): Promise<{ subject: string; text: string }[]> {
  const path = `/mailbox/${encodeURIComponent(address)}`;
  return ((await control("GET", path)) as { emails: { subject: string; text: string }[] }).emails;
}
