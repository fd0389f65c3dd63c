import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { newPhone, pay } from "./phone.ts";
import { isLocal, target } from "./target.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are read as a merchant's client reads them, without types
export type Answer = { status: number; headers: Headers; body: any };

export type Options = {
  key?: string;
  headers?: Record<string, string>;
  body?: unknown;
  /** Takes a 429 for an answer, instead of waiting as it says. */
  refusable?: boolean;
};

const newAddress = () => `10.${[...randomBytes(3)].join(".")}`;

/** One call. What a limit of a minute refuses is asked again when its Retry-After is over. */
export async function call(method: string, path: string, options: Options = {}): Promise<Answer> {
  const { key, body } = options;
  const headers: Record<string, string> = {
    ...(key ? { Authorization: `Bearer ${key}` } : {}),
    ...(body === undefined ? {} : { "Content-Type": "application/json" }),
    ...(isLocal ? { "CF-Connecting-IP": newAddress() } : {}),
    ...options.headers,
  };
  const sent = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  for (;;) {
    const response = await fetch(`${target.url}${path}`, { method, headers, body: sent, redirect: "manual" });
    const text = await response.text();
    const isJson = response.headers.get("Content-Type")?.includes("json") && text !== "";
    const answer = {
      status: response.status,
      headers: response.headers,
      body: isJson ? JSON.parse(text) : text,
    };
    const isPassing = ["RATE_LIMIT_MINUTE", "IP_RATE_LIMIT"].includes(answer.body?.error_code);
    if (options.refusable || !isPassing) return answer;
    await sleep(1_000 * Number(response.headers.get("Retry-After") ?? 60));
  }
}

export const get = (path: string, key: string, options: Options = {}) =>
  call("GET", path, { key, ...options });
export const post = (path: string, key: string, body?: unknown, options: Options = {}) =>
  call("POST", path, { key, body, ...options });
export const put = (path: string, key: string, body: unknown) => call("PUT", path, { key, body });
export const remove = (path: string, key: string) => call("DELETE", path, { key });

/** Asks again until the answer is the one that is waited for, and gives the last one when the time is up. */
export async function eventually<T>(ask: () => Promise<T>, isIt: (answer: T) => boolean, forMs = 30_000) {
  const until = Date.now() + forMs;
  for (;;) {
    const answer = await ask();
    if (isIt(answer) || Date.now() > until) return answer;
    await sleep(500);
  }
}

export const newName = () => `conformance ${randomBytes(8).toString("hex")}`;

export type Key = { id: number; key: string; name: string };
const made: number[] = [];

/** A key of the merchant's, gone again when the file's tests have ended. It has no plan. */
export async function newKey(scope?: "full" | "payments"): Promise<Key> {
  const name = newName();
  const answer = await post("/v1/keys", target.key, { name, ...(scope ? { scope } : {}) });
  expect(answer.body).toMatchObject({ success: true });
  const { id, api_key } = answer.body.account;
  made.push(id);
  return { id, key: api_key, name };
}

/** Makes a key that was created otherwise go with the others. */
export const forget = (id: number) => made.push(id);

export async function deleteKeys(): Promise<void> {
  for (const id of made.splice(0)) await remove(`/v1/keys/${id}`, target.key);
}

/** A key with a plan, paid by a simulated customer. Its payments go to a till, and leave the wallet alone. */
export async function newPayingKey(): Promise<Key> {
  const made = await newKey();
  const phone = newPhone();
  const bought = await post(`/v1/keys/${made.id}/subscription`, target.key, { plan: "Starter", phone });
  expect(bought.body).toMatchObject({ success: true });
  await pay(phone);
  const account = () => get(`/v1/keys/${made.id}`, made.key);
  const active = await eventually(account, ({ body }) => body.account?.active);
  expect(active.body.account).toMatchObject({ active: true, limit: 1_000 });
  await put(`/v1/keys/${made.id}/destination`, made.key, { method: "till", till_number: "654321" });
  return made;
}

export const push = (key: string, body: object = {}, options: Options = {}) =>
  post("/v1/stk/push", key, { phone: newPhone(), amount: 1, ...body }, options);

/** A push whose customer does as told, and the transaction that comes of it. */
export async function payment(
  key: string,
  body: { phone?: string; amount?: number; [field: string]: unknown } = {},
  customer: object = { pin: "1234" },
  headers: Record<string, string> = {},
): Promise<Answer> {
  const phone = body.phone ?? newPhone();
  const pushed = push(key, { ...body, phone }, { headers: { Prefer: "wait=40", ...headers } });
  await pay(phone, customer);
  return pushed;
}

/** A push to a number that answers by itself, which is prompted three times in five minutes at most. */
export async function selfAnswered(key: string, phone: string, headers = { Prefer: "wait=40" }) {
  for (;;) {
    const answer = await push(key, { phone }, { headers });
    if (answer.body.error_code !== "PHONE_RATE_LIMIT") return answer;
    await sleep(1_000 * Number(answer.headers.get("Retry-After")));
  }
}
