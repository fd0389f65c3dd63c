import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../scripts/ports.mjs";
import {
  type Call,
  CLIENTS,
  type Made,
  output,
  prepare,
  type Settings,
  serving,
  snippetsOf,
} from "./sdk/clients.ts";
import { Network } from "./sdk/network.ts";
import {
  eventually,
  newAddress,
  newStateDir,
  type Running,
  removeStateDir,
  start,
} from "./support/running.ts";

/** One prompt a phone. */
const WINDOW_SECONDS = 5;

const stateDir = newStateDir();
let running: Running;
let network: Network;

beforeAll(async () => {
  const limits = { key_minute: 10_000, phone_pushes: 1, phone_window_seconds: WINDOW_SECONDS };
  [running] = await Promise.all([
    start({ stateDir, env: { TIME_SCALE: "15", LIMITS: JSON.stringify(limits) } }),
    prepare(),
  ]);
  network = await Network.open(running.gateway);
});

afterAll(async () => {
  network?.close();
  await running?.stop();
  removeStateDir(stateDir);
});

afterEach(() => {
  network.seen.length = 0;
  network.mishaps = [];
});

const direct = (): Settings => ({ baseUrl: running.gateway, apiKey: running.key });
const proxied = (more: Partial<Settings> = {}): Settings => ({ ...direct(), baseUrl: network.url, ...more });

let phones = 0;
/** Waits for its page, and was never pushed to. */
const newPhone = () => `2547110${String(++phones).padStart(5, "0")}`;
/** Answers by itself: M-Pesa never finds another prompt open on it. */
const newAnsweringPhone = () => `2547000${30_000 + ++phones}`;

/** How often M-Pesa was asked to prompt a phone. */
async function promptsOf(phone: string): Promise<number> {
  const { requests } = await (await fetch(`${running.simulator}/requests`)).json();
  return requests.filter(
    ({ path, body }: { path: string; body: { PhoneNumber?: unknown } }) =>
      path.includes("stkpush") && String(body.PhoneNumber) === phone,
  ).length;
}

/** How many payments have not ended. */
async function pending(): Promise<number> {
  const headers = { Authorization: `Bearer ${running.key}`, "CF-Connecting-IP": newAddress() };
  const list = await fetch(`${running.gateway}/v1/transactions?status=pending`, { headers });
  return (await list.json()).total;
}

const document = async () => (await fetch(`${running.gateway}/openapi.json`)).json();

it("has types that are those of the gateway's document; otherwise run `npm run sdk:types`", async () => {
  const { currentModule } = await import(
    new URL("../../sdk/typescript/scripts/types.mjs", import.meta.url).href
  );
  expect(readFileSync("sdk/typescript/src/openapi.ts", "utf8")).toBe(await currentModule());
});

describe.each(CLIENTS)("the $language client", (client) => {
  const here = it.skipIf(!client.isHere && !process.env.CI);
  const call = async (settings: Settings, ...one: Call): Promise<Made> =>
    (await client.callEach(settings, [one]))[0] ?? {};
  const [payment = "", handler = ""] = snippetsOf(client);

  here("takes a payment with README's code, in under 15 lines", async () => {
    expect(payment.trimEnd().split("\n").length).toBeLessThan(15);
    const code = payment.replace("order-101", `order-101-${client.language}`);
    const command = client.install(code);
    const env = { SMARTPAY_URL: running.gateway, SMARTPAY_KEY: running.key };
    const [id, status] = (await output(command, env)).split("\n");
    expect([id, status]).toEqual([expect.stringMatching(/^ws_CO_/), "completed"]);
    expect((await output(command, env)).split("\n")[0]).toBe(id);
  });

  here(
    "gets the first answer again for an idempotency key, and an error for it with another body",
    async () => {
      const body = { phone: newPhone(), amount: 20 };
      const options = { idempotencyKey: `replayed-${client.language}` };
      const first = await call(direct(), "stk.push", [body], options);
      const again = await call(direct(), "stk.push", [body], options);
      expect([first.http.isReplayed, again.http.isReplayed]).toEqual([false, true]);
      expect(again.value).toEqual(first.value);
      const other = await call(direct(), "stk.push", [{ ...body, amount: 21 }], options);
      expect(other.error).toMatchObject({ errorCode: "IDEMPOTENCY_KEY_REUSED", status: 422, ...options });
    },
  );

  here("makes one payment of it when the answer is lost, under one key that it made up", async () => {
    const phone = newPhone();
    network.mishaps = ["lost", "lost"];
    const { value, http } = await call(proxied(), "stk.push", [{ phone, amount: 30 }]);
    expect(value.checkout_request_id).toMatch(/^ws_CO_/);
    expect([http.isReplayed, network.seen.length, await promptsOf(phone)]).toEqual([true, 3, 1]);
    const keys = new Set(network.seen.map(({ headers }) => headers["idempotency-key"]));
    expect([...keys]).toEqual([expect.stringMatching(/^[\w-]{32,}$/)]);
  });

  here("waits for the customer, also when the answer of the first try is lost", async () => {
    network.mishaps = ["lost"];
    const body = { phone: "254700001032", amount: 40 };
    const { value } = await call(proxied(), "stk.push", [body], { wait: 30 });
    const { value: transaction } = await call(direct(), "transactions.waitFor", [value.checkout_request_id]);
    expect(transaction).toMatchObject({ status: "failed", result_code: "1032" });
  });

  here("says so when nobody knows whether it was done, and does not do it again unasked", async () => {
    network.mishaps = ["lost", { status: 503, headers: { "Retry-After": "1" } }];
    const name = `Lost ${client.language}`;
    const { error } = await call(proxied(), "keys.create", [{ name }]);
    expect([error.kind, network.seen.length]).toEqual(["ConnectionError", 1]);
    expect((await call(proxied(), "keys.create", [{ name }])).error).toMatchObject({ status: 503 });
    expect(network.seen.length).toBe(2);
    const { error: known } = await call(proxied(), "keys.create", [{ name }]);
    expect(known).toMatchObject({ errorCode: "DUPLICATE_NAME", status: 409 });
  });

  here("gives up on a gateway that is silent, with the key to repeat it by", async () => {
    network.mishaps = ["lost", "lost"];
    const options = { idempotencyKey: `silent-${client.language}` };
    const body = { phone: newPhone(), amount: 50 };
    const { error } = await call(proxied({ maxRetries: 1 }), "stk.push", [body], options);
    expect(error).toMatchObject({ kind: "ConnectionError", ...options });
    expect(network.seen.length).toBe(2);
    const { http } = await call(proxied(), "stk.push", [body], options);
    expect(http.isReplayed).toBe(true);
  });

  here("goes on when the limit lets it, after the pause that the gateway asked for", async () => {
    const twice = (phone: string): Call[] => Array(2).fill(["stk.push", [{ phone, amount: 60 }]]);
    const [, refused] = await client.callEach(proxied({ maxRetryAfter: 0 }), twice(newAnsweringPhone()));
    expect(refused?.error).toMatchObject({
      kind: "RateLimitError",
      errorCode: "PHONE_RATE_LIMIT",
      status: 429,
    });
    expect(refused?.error.retryAfter).toBeGreaterThan(0);
    expect(refused?.error.retryAfter).toBeLessThanOrEqual(WINDOW_SECONDS);
    expect(network.seen.length).toBe(2);
    const beganAt = Date.now();
    const served = await client.callEach(proxied(), twice(newAnsweringPhone()));
    expect(served.map(({ value }) => value.success)).toEqual([true, true]);
    expect(Date.now() - beganAt).toBeGreaterThanOrEqual(WINDOW_SECONDS * 1_000);
    expect(network.seen.length).toBe(2 + 3);
  });

  here("bears a 503, and what something in between answers in its own words", async () => {
    network.mishaps = [
      { status: 503, headers: { "Retry-After": "1" }, body: "{}" },
      { status: 502, body: "<html>" },
      { status: 200, body: "<html>Log in to this network" },
    ];
    const { value } = await call(proxied(), "account.get");
    expect(value.account.account_number).toMatch(/^SP\d{8}$/);
    const [first, second] = network.seen.map(({ at }) => at);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(1_000);
  });

  here("does not ask the customer again when M-Pesa refuses", async () => {
    await fetch(`${running.simulator}/faults`, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ stk_push: { refuse: { count: 1 } } }),
    });
    const { error } = await call(proxied(), "stk.push", [{ phone: newPhone(), amount: 70 }]);
    await fetch(`${running.simulator}/faults`, { method: "DELETE" });
    expect(error).toMatchObject({ errorCode: "PAYMENT_FAILURE", status: 500 });
    expect(network.seen.length).toBe(1);
  });

  here("tells which fields are at fault, and the request's id", async () => {
    const { error } = await call(direct(), "stk.push", [{ phone: "12", amount: 0 }]);
    expect(error).toMatchObject({ kind: "ApiError", errorCode: "INVALID_PHONE", status: 400 });
    expect(error.fields.map(({ field }: { field: string }) => field).sort()).toEqual(["amount", "phone"]);
    expect(error.requestId).toMatch(/^req_/);
    expect(error.message).toMatch(/phone/i);
  });

  here("reads a list over its pages", async () => {
    // What other tests have begun ends by itself, and would change between the one reading and the other.
    await eventually(pending, (count) => count === 0);
    const { value: page } = await call(direct(), "transactions.list", [{ limit: 100 }]);
    expect(page.transactions.length).toBeGreaterThan(4);
    const { value: all } = await call(proxied(), "transactions.all", [{ limit: 2 }]);
    expect(all).toEqual(page.transactions);
    expect(network.seen.length).toBe(Math.ceil(all.length / 2));
  });

  here("tells a genuine webhook from a forged, an altered and an old one", async () => {
    const [secret, older] = ["whsec_c2l4dGVlbiBvciBtb3JlIGJ5dGVz", "whsec_YW5vdGhlciBzZWNyZXQgb2YgYnl0ZXM="];
    const stkCallback = {
      MerchantRequestID: "m",
      CheckoutRequestID: "ws_CO_1",
      ResultCode: 1032,
      ResultDesc: "Cancelled by user.",
    };
    const body = JSON.stringify({ Body: { stkCallback } });
    const now = Date.now();
    const signed = (by: string, at = now) => ({
      "Webhook-Id": "wh_1",
      "webhook-timestamp": String(Math.floor(at / 1_000)),
      "webhook-signature": new Webhook(by).sign("wh_1", new Date(at), body),
    });
    const both = `${signed(older)["webhook-signature"]} ${signed(secret)["webhook-signature"]}`;
    const old = signed(secret, now - 301_000);
    const genuine: Call[] = [
      ["readWebhook", [body, signed(secret), secret]],
      ["readWebhook", [body, signed(secret), [older, secret]]],
      ["readWebhook", [body, { ...signed(secret), "webhook-signature": both }, secret]],
    ];
    const others: Call[] = [
      ["readWebhook", [body, signed(older), secret]],
      ["readWebhook", [body.replace("1032", "0"), signed(secret), secret]],
      ["readWebhook", [body, { ...signed(secret), "Webhook-Id": "wh_2" }, secret]],
      ["readWebhook", [body, old, secret]],
      ["readWebhook", [body, { ...signed(secret), "webhook-signature": old["webhook-signature"] }, secret]],
      ["readWebhook", [body, signed(secret, now + 360_000), secret]],
      ["readWebhook", [body, { ...signed(secret), "webhook-signature": "v1,AAAA v1, v2" }, secret]],
      ["readWebhook", [body, {}, secret]],
    ];
    const read = await client.callEach(direct(), [...genuine, ...others]);
    const told = read.map(({ value, error }) => value?.checkoutRequestId ?? error.kind);
    expect(told).toEqual([...genuine.map(() => "ws_CO_1"), ...others.map(() => "WebhookError")]);
    expect(read[0]?.value).toMatchObject({ id: "wh_1", isPaid: false, isTest: false, resultCode: 1032 });
  });

  here("is told of a payment by README's handler, which refuses what the gateway did not sign", async () => {
    const { value } = await call(direct(), "keys.getWebhookSecret", [1]);
    const port = await freePort();
    const env = { SMARTPAY_WEBHOOK_SECRET: value.webhook_secret, PORT: String(port) };
    const server = serving(client.serve(handler, port), env);
    try {
      const url = `http://127.0.0.1:${port}/`;
      const forged = () => fetch(url, { method: "POST", body: "{}" }).catch(() => undefined);
      let answer = await forged();
      while (!answer) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        answer = await forged();
      }
      expect(answer.status).toBe(400);
      await server.printed("The webhook is not signed.");
      const paid = { phone: "254700000701", amount: 80, callback_url: url };
      const { value: told } = await call(direct(), "stk.push", [paid]);
      await server.printed(`${told.checkout_request_id} `);
    } finally {
      server.stop();
    }
  });

  here("can make every call of the API, with an idempotency key wherever one is taken", async () => {
    const recorder = await Network.open();
    const settings = { baseUrl: `${recorder.url}/v1/`, apiKey: "a".repeat(64) };
    const calls: Call[] = [
      ["ping", []],
      ["stk.push", [{ phone: "0712345678", amount: 1 }]],
      ["transactions.get", ["ws_CO_1"]],
      ["transactions.list", []],
      ["payouts.list", []],
      ["statements.list", []],
      ["statements.get", ["2026-11-24"]],
      ["withdrawals.create", [{ phone: "0712345678", amount: 10 }]],
      ["withdrawals.get", ["po_1"]],
      ["account.get", []],
      ["plans.list", []],
      ["keys.list", []],
      ["keys.create", [{ name: "Shop" }]],
      ["keys.get", [7]],
      ["keys.delete", [7]],
      ["keys.setDefault", [7]],
      ["keys.regenerate", [7]],
      ["keys.getDestination", [7]],
      ["keys.setDestination", [7, { method: "wallet" }]],
      ["keys.setNotifications", [7, { notify_email: "" }]],
      ["keys.subscribe", [7, { plan: "Trial" }]],
      ["keys.getWebhookSecret", [7]],
      ["keys.rotateWebhookSecret", [7]],
      ["keys.testWebhook", [7]],
      ["sms.send", [{ phone: "0712345678", message: "Hello" }]],
      ["sms.get", ["1"]],
      ["sms.balance", []],
      ["sms.buyCredits", [{ credits: 1, phone: "0712345678" }]],
      ["webhooks.list", []],
      ["webhooks.get", ["wh_1"]],
      ["webhooks.replay", ["wh_1"]],
      ["webhooks.replayFailed", [{ status: "failed", since: "2026-11-24" }]],
    ];
    for (const [i, { value }] of (await client.callEach(settings, calls)).entries()) {
      expect(value, calls[i]?.[0]).toMatchObject({ success: true });
    }
    recorder.close();
    const asked = recorder.seen.map(({ method, path, headers }) => [
      `${method} ${path}`,
      "idempotency-key" in headers,
    ]);
    const { paths } = await document();
    type Operation = { deprecated?: boolean; parameters?: { $ref?: string }[] };
    const described = Object.entries<Record<string, Operation>>(paths).flatMap(([path, item]) =>
      Object.entries(item)
        .filter(([, { deprecated }]) => !deprecated)
        .map(([method, { parameters = [] }]) => [
          `${method.toUpperCase()} ${filled(path)}`,
          parameters.some(({ $ref }) => $ref?.includes("IdempotencyKey")),
        ]),
    );
    expect(asked.sort()).toEqual(described.sort());
  });
});

/** A path as the calls above have it. */
const filled = (path: string) =>
  path
    .replace("/keys/{id}", "/keys/7")
    .replace("/sms/{id}", "/sms/1")
    .replace("/withdrawals/{id}", "/withdrawals/po_1")
    .replace("/webhooks/{id}", "/webhooks/wh_1")
    .replace("{ref}", "ws_CO_1")
    .replace("{day}", "2026-11-24");
