import { createExecutionContext, createMessageBatch, env, waitOnExecutionContext } from "cloudflare:test";
import { createApp } from "../../src/app.ts";
import { createDeps } from "../../src/deps.ts";
import type { Env } from "../../src/env.ts";
import type { WebhookMessage } from "../../src/features/webhooks/message.ts";
import { handleQueue } from "../../src/queues.ts";
import { CRONS, runSchedule } from "../../src/schedule.ts";
import { expectDocumented } from "./openapi.ts";

const app = createApp();

// biome-ignore lint/suspicious/noExplicitAny: answers are read as a merchant's client reads them, without types
export type Answer = { status: number; headers: Headers; body: any };

export type RequestOptions = {
  method?: string;
  key?: string;
  headers?: Record<string, string>;
  body?: unknown;
  env?: Partial<Env> & Record<string, unknown>;
};

/** One request to the gateway; answers when all its background work has ended too. */
export async function request(path: string, options: RequestOptions = {}): Promise<Answer> {
  const ctx = createExecutionContext();
  const answer = await fetchAnswer(path, options, ctx);
  await waitOnExecutionContext(ctx);
  return answer;
}

/** The answer as the client gets it, with background work perhaps still going on in `ctx`. */
export async function fetchAnswer(path: string, options: RequestOptions, ctx: ExecutionContext) {
  const { key, body } = options;
  const headers = new Headers({ "CF-Connecting-IP": crypto.randomUUID(), ...options.headers });
  if (key && !headers.has("Authorization")) headers.set("Authorization", `Bearer ${key}`);
  if (body !== undefined && !headers.has("Content-Type")) headers.set("Content-Type", "application/json");
  const method = options.method ?? (body === undefined ? "GET" : "POST");
  const response = await app.fetch(
    new Request(`http://localhost:8787${path}`, {
      method,
      headers,
      body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
    }),
    { ...env, ...options.env },
    ctx,
  );
  const text = await response.text();
  const isJson = response.headers.get("Content-Type")?.includes("json");
  const read = isJson && text !== "" ? JSON.parse(text) : text;
  const answer = { status: response.status, headers: response.headers, body: read } satisfies Answer;
  expectDocumented({ method, path, ...answer });
  return answer;
}

/** All crons' tick, now, and the webhooks that they leave to the queue, unless the test has a queue of its own. */
export async function tick(overrides: Record<string, unknown> = {}): Promise<void> {
  const left: WebhookMessage[] = [];
  const send = async (message: WebhookMessage) => void left.push(message);
  const WEBHOOK_QUEUE = { send } as unknown as Queue<WebhookMessage>; // nothing else of it is used
  await runCrons({ ...env, WEBHOOK_QUEUE, ...overrides });
  await bringWebhooks(left, overrides);
}

/** Each cron, at once and in an invocation of its own. */
export async function runCrons(bindings: Env): Promise<void> {
  await Promise.all(
    CRONS.map(async (cron) => {
      const ctx = createExecutionContext();
      await runSchedule(cron, createDeps(bindings, ctx));
      await waitOnExecutionContext(ctx);
    }),
  );
}

/** The queue brings messages to the gateway, all at once. */
export async function bringWebhooks(messages: WebhookMessage[], overrides: Record<string, unknown> = {}) {
  const ctx = createExecutionContext();
  const batch = createMessageBatch(
    "smartpay-webhooks",
    messages.map((body, i) => ({ id: `m${i}`, timestamp: new Date(), attempts: 1, body })),
  );
  await handleQueue(batch, createDeps({ ...env, ...overrides }, ctx));
  await waitOnExecutionContext(ctx);
}

export type Merchant = { account: string; merchantId: number; keyId: number; key: string };

/** A new merchant with a Professional plan, whose payments go to its wallet. */
export async function newMerchant(
  with_: { plan?: string | null; callbackUrl?: string; callsLeft?: number } = {},
): Promise<Merchant> {
  const { plan = "Professional" } = with_;
  const made = await request("/operator/v1/merchants", {
    headers: { Authorization: `Bearer ${env.OPERATOR_TOKEN}` },
    body: { fullname: "John Kamau", email: "john@duka.co.ke", ...(plan ? { plan } : {}) },
  });
  const { account_number: account } = made.body.merchant;
  const { id: keyId, api_key: key } = made.body.key;
  if (with_.callbackUrl) {
    await env.DB.prepare("UPDATE api_keys SET callback_url = ? WHERE id = ?")
      .bind(with_.callbackUrl, keyId)
      .run();
  }
  if (with_.callsLeft !== undefined) {
    await env.DB.prepare("UPDATE api_keys SET calls_left = ? WHERE id = ?")
      .bind(with_.callsLeft, keyId)
      .run();
  }
  return { account, merchantId: Number(account.slice(2)), keyId, key };
}

/** What is stored, for what no answer shows. */
export async function rows<T = Record<string, unknown>>(sql: string, ...values: unknown[]): Promise<T[]> {
  return (
    await env.DB.prepare(sql)
      .bind(...values)
      .all<T>()
  ).results;
}

/** Changes the merchant's key behind the API's back. */
export const setKey = ({ keyId }: Merchant, assignments: string, ...values: unknown[]) =>
  rows(`UPDATE api_keys SET ${assignments} WHERE id = ?`, ...values, keyId);

export async function callsLeft({ keyId }: Merchant): Promise<number | undefined> {
  const [row] = await rows<{ calls_left: number }>("SELECT calls_left FROM api_keys WHERE id = ?", keyId);
  return row?.calls_left;
}

/** The ids of the merchant's payments, oldest first. */
export const paymentIds = async ({ merchantId }: Merchant) =>
  (
    await rows<{ id: string }>("SELECT id FROM transactions WHERE merchant_id = ? ORDER BY id", merchantId)
  ).map(({ id }) => id);

/** The merchant's payment that was begun last, as the API shows it. */
export const lastPayment = async (merchant: Merchant) =>
  readTransaction(merchant.key, (await paymentIds(merchant)).at(-1) ?? "none");

export async function walletBalance({ merchantId }: Merchant): Promise<number | undefined> {
  const [row] = await rows<{ balance: number }>(
    "SELECT balance FROM wallets WHERE merchant_id = ?",
    merchantId,
  );
  return row?.balance;
}

let phones = 0;
/** A number that no test has used before. */
export const newPhone = () =>
  `25471${String(Date.now() % 1_000).padStart(3, "0")}${String(++phones).padStart(4, "0")}`;

export const push = (key: string, body: object = {}, headers: Record<string, string> = {}) =>
  request("/v1/stk/push", { key, headers, body: { phone: newPhone(), amount: 150, ...body } });

export const readTransaction = async (key: string, ref: string) =>
  (await request(`/v1/transactions/${ref}`, { key })).body.transaction;

/** M-Pesa calls back for a push that it was sent. */
export const callBack = (callbackUrl: string, body: unknown, env?: RequestOptions["env"]) =>
  request(new URL(callbackUrl).pathname, {
    body,
    env,
    headers: { "Content-Type": "application/json;charset=UTF-8" },
  });

let receipts = 0;
export const newReceipt = () => `UKO${String(Date.now()).slice(-4)}${String(++receipts).padStart(3, "0")}`;

export function paid(
  ids: { checkout_request_id: string; merchant_request_id?: string },
  of: { amount?: number; receipt?: string; phone?: string } = {},
) {
  return {
    Body: {
      stkCallback: {
        MerchantRequestID: ids.merchant_request_id ?? "m-1",
        CheckoutRequestID: ids.checkout_request_id,
        ResultCode: 0,
        ResultDesc: "The service request is processed successfully.",
        CallbackMetadata: {
          Item: [
            { Name: "Amount", Value: of.amount ?? 150 },
            { Name: "MpesaReceiptNumber", Value: of.receipt ?? newReceipt() },
            { Name: "Balance" },
            { Name: "TransactionDate", Value: 20261124093015 },
            { Name: "PhoneNumber", Value: Number(of.phone ?? "254712345678") },
          ],
        },
      },
    },
  };
}

export const failed = (ids: { checkout_request_id: string }, code: number | string, desc: string) => ({
  Body: {
    stkCallback: {
      MerchantRequestID: "m-1",
      CheckoutRequestID: ids.checkout_request_id,
      ResultCode: code,
      ResultDesc: desc,
    },
  },
});
