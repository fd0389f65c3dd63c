import { runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { createApp } from "../src/app.ts";
import { readConfig, timeFactor } from "../src/config.ts";
import worker from "../src/index.ts";
import type { World } from "../src/world.ts";
import { call, callbacks, faults, freshNetwork, passSeconds, push, sent } from "./support/network.ts";

const ASHA = "254712345678";

beforeEach(freshNetwork);

describe("a phone", () => {
  const promptsOf = async (phone: string) => (await call("GET", `/phones/${phone}/prompts`)).body.prompts;
  const answer = (id: string, body: unknown, phone = ASHA) =>
    call("POST", `/phones/${phone}/prompts/${id}`, body);

  test("shows its prompts, whatever the spelling of its number", async () => {
    const { body } = await push(ASHA);
    const prompt = {
      checkout_request_id: body.CheckoutRequestID,
      amount: 150,
      payee: "SMARTPAY",
      payee_number: "600999",
      account_reference: "ORDER_101",
      expires_at: expect.stringMatching(/\+03:00$/),
    };
    for (const spelling of [ASHA, "0712345678", "+254712345678", "712345678"]) {
      expect(await promptsOf(spelling)).toEqual([prompt]);
    }
    expect(await promptsOf("0712345679")).toEqual([]);
    expect((await call("GET", "/phones/12345/prompts")).status).toBe(400);
  });

  test("pays with the PIN, tells the merchant, and keeps the confirmation", async () => {
    const { body } = await push(ASHA);
    const paid = await answer(body.CheckoutRequestID, { pin: "1234" });
    expect(paid.body).toMatchObject({ result_code: 0, mpesa_receipt: expect.any(String) });
    expect(callbacks()).toMatchObject([{ ResultCode: 0 }]);
    const { messages } = (await call("GET", `/phones/${ASHA}/messages`)).body;
    expect(messages).toMatchObject([{ from: "MPESA" }]);
    expect(messages[0].text).toMatch(
      /^U[A-L]\w{8} Confirmed\. Ksh150\.00 sent to SMARTPAY for account ORDER_101 on \d+\/\d+\/\d\d at \d+:\d\d [AP]M\. New M-PESA balance is Ksh499,850\.00\. Transaction cost, Ksh0\.00\.$/,
    );
    expect(await answer(body.CheckoutRequestID, { pin: "1234" })).toMatchObject({ status: 409 });
  });

  test.each([
    ["a wrong PIN", { pin: "4321" }, 2001],
    ["Cancel", { action: "cancel" }, 1032],
  ])("%s ends the prompt", async (_, body, code) => {
    const pushed = await push(ASHA);
    expect((await answer(pushed.body.CheckoutRequestID, body)).body.result_code).toBe(code);
    expect(callbacks()).toMatchObject([{ ResultCode: code }]);
    expect(await promptsOf(ASHA)).toEqual([]);
  });

  test("without the money it ends in 1", async () => {
    await call("PUT", `/phones/${ASHA}`, { balance: 149 });
    const { body } = await push(ASHA);
    expect((await answer(body.CheckoutRequestID, { pin: "1234" })).body.result_code).toBe(1);
  });

  test("refuses answers that are none, and prompts of other phones", async () => {
    const { body } = await push(ASHA);
    for (const bad of [
      {},
      { pin: 1234 },
      { pin: "12" },
      { action: "pay" },
      { pin: "1234", action: "cancel" },
    ]) {
      expect((await answer(body.CheckoutRequestID, bad)).status).toBe(400);
    }
    expect((await answer(body.CheckoutRequestID, { pin: "1234" }, "254711111111")).status).toBe(404);
    expect(callbacks()).toEqual([]);
  });
});

describe("faults", () => {
  test("are shown with how often they struck, and replaced as a whole", async () => {
    await faults({ stk_push: { refuse: { count: 2 } }, callback: { duplicate: 3 } });
    await push(ASHA);
    expect((await call("GET", "/faults")).body.faults).toEqual({
      stk_push: { refuse: { probability: 1, remaining: 1, value: null, fired: 1 } },
      callback: { duplicate: { probability: 1, remaining: null, value: 3, fired: 0 } },
    });
    await faults({ sms: { timeout: 0.5 } });
    expect((await call("GET", "/faults")).body.faults).toEqual({
      sms: { timeout: { probability: 0.5, remaining: null, value: null, fired: 0 } },
    });
    await call("DELETE", "/faults");
    expect((await call("GET", "/faults")).body.faults).toEqual({});
  });

  test.each([
    [{ stk: {} }, "There is no product stk"],
    [{ stk_push: { explode: 1 } }, "stk_push has no fault explode"],
    [{ b2c: { rule_17: 1 } }, "b2c has no fault rule_17"],
    [{ stk_push: { refuse: { probability: 2 } } }, "stk_push.refuse.probability must be from 0 to 1"],
    [{ stk_push: { refuse: { count: -1 } } }, "stk_push.refuse.count must be a whole number"],
    [{ stk_push: { refuse: { value: 3 } } }, "stk_push.refuse takes no value"],
    [{ stk_push: { refuse: { often: 3 } } }, "stk_push.refuse has no often"],
    [{ callback: { delay_ms: 0.5 } }, "callback.delay_ms must not be 0.5"],
    [{ stk_push: [] }, "stk_push must be an object"],
    [[], "The body must be a JSON object"],
    [{ seed: "x" }, "seed must be a whole number"],
  ])("%j is refused", async (plan, message) => {
    const answer = await faults(plan);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toContain(message);
  });

  test("a seed makes chance repeat itself", async () => {
    const outcomes = async () => {
      await faults({ seed: 7, stk_push: { refuse: 0.5 } });
      const statuses = [];
      for (let i = 0; i < 12; i++) statuses.push((await push("254700000000")).status);
      return statuses;
    };
    const once = await outcomes();
    expect(new Set(once)).toEqual(new Set([200, 400]));
    expect(await outcomes()).toEqual(once);
  });
});

describe("SMS", () => {
  const send = (form: Record<string, string>, headers: Record<string, string> = {}) =>
    exports.default.fetch("https://simulator.test/version1/messaging", {
      method: "POST",
      headers: { apiKey: "simulator-sms-key", Accept: "application/json", ...headers },
      body: new URLSearchParams({ username: "sandbox", ...form }),
    });

  test("is 201 with a code for each number, and lies on the phone", async () => {
    const response = await send({ to: "+254712345678,+254", message: "Hello", from: "SMARTPAY" });
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({
      SMSMessageData: {
        Message: "Sent to 1/2 Total Cost: KES 0.8000",
        Recipients: [
          {
            statusCode: 101,
            number: "+254712345678",
            status: "Success",
            cost: "KES 0.8000",
            messageId: expect.stringMatching(/^ATXid_/),
          },
          { statusCode: 403, number: "+254", status: "InvalidPhoneNumber", cost: "0", messageId: "None" },
        ],
      },
    });
    expect((await call("GET", `/phones/${ASHA}/messages`)).body.messages).toMatchObject([
      { from: "SMARTPAY", text: "Hello" },
    ]);
    expect((await call("GET", "/requests")).body.requests).toMatchObject([
      { path: "/version1/messaging", body: { username: "sandbox", message: "Hello" } },
    ]);
  });

  test("a wrong key or username is a 401 in plain text", async () => {
    for (const response of [
      await send({ to: "+254712345678", message: "x" }, { apiKey: "wrong" }),
      await send({ to: "+254712345678", message: "x", username: "someone" }),
    ]) {
      expect(response.status).toBe(401);
      expect(await response.text()).toBe("The supplied authentication is invalid");
    }
  });

  test("is XML unless JSON is asked for", async () => {
    const response = await send({ to: "+254712345678", message: "x" }, { Accept: "*/*" });
    expect(await response.text()).toContain("<Recipient><statusCode>101</statusCode>");
  });

  test("has faults: refused by code, not there at all", async () => {
    await faults({ sms: { refuse: 1, html_503: 1 } });
    expect((await send({ to: "+254712345678", message: "x" })).status).toBe(503);
    const refused = await send({ to: "+254712345678", message: "x" });
    expect(refused.status).toBe(201);
    expect(await refused.text()).toContain('"statusCode":502');
    expect((await call("GET", `/phones/${ASHA}/messages`)).body.messages).toEqual([]);
  });
});

describe("email", () => {
  const KEY = { Authorization: "Bearer simulator-email-key" };
  const EMAIL = {
    from: "SmartPay <pay@shop.test>",
    to: ["Asha <Asha@Example.com>"],
    subject: "Paid",
    text: "Hi",
  };

  test("lands in the mailbox of its recipient", async () => {
    const { status, body } = await call("POST", "/emails", EMAIL, KEY);
    expect([status, body]).toEqual([200, { id: expect.any(String) }]);
    const letter = {
      id: body.id,
      from: "SmartPay <pay@shop.test>",
      to: "asha@example.com",
      subject: "Paid",
      text: "Hi",
      html: "",
      at: expect.any(String),
    };
    expect((await call("GET", "/mailbox/ASHA@example.com")).body).toEqual({ emails: [letter] });
    expect((await call("GET", "/mail/emails")).body).toEqual({ emails: [letter] });
    expect((await call("GET", "/mailbox/other@example.com")).body).toEqual({ emails: [] });
  });

  test("needs its key and its fields", async () => {
    expect((await call("POST", "/emails", EMAIL)).status).toBe(401);
    expect((await call("POST", "/emails", EMAIL, { Authorization: "Bearer x" })).status).toBe(403);
    expect((await call("POST", "/emails", { ...EMAIL, text: undefined }, KEY)).status).toBe(422);
  });
});

describe("the phone page", () => {
  const open = async (phone: string) => {
    const response = await exports.default.fetch(`https://simulator.test/phone/${phone}/live`, {
      headers: { Upgrade: "websocket" },
    });
    const socket = response.webSocket;
    if (!socket) throw new Error(`no socket: ${response.status}`);
    const states: { prompt: { id: string; text: string } | null; messages: unknown[]; finished: unknown }[] =
      [];
    const arrived = (count: number) => expect.poll(() => states.length).toBeGreaterThanOrEqual(count);
    socket.addEventListener("message", ({ data }) => {
      states.push(JSON.parse(String(data)));
    });
    socket.accept();
    return { socket, states, arrived };
  };

  test("learns of a prompt and of its end without asking", async () => {
    const { socket, states, arrived } = await open(ASHA);
    await arrived(1);
    expect(states[0]).toMatchObject({ msisdn: ASHA, prompt: null, messages: [] });
    const { body } = await push(ASHA);
    await arrived(2);
    expect(states[1]?.prompt).toMatchObject({
      id: body.CheckoutRequestID,
      text: "Do you want to pay KES 150 to SMARTPAY Account no. ORDER_101?\nEnter M-PESA PIN:",
      left_ms: 60_000,
    });
    await call("POST", `/phone/${ASHA}/prompts/${body.CheckoutRequestID}`, { pin: "1234" });
    await expect.poll(() => states.at(-1)?.finished).toMatchObject({ id: body.CheckoutRequestID });
    expect(states.at(-1)).toMatchObject({ prompt: null, messages: [{ from: "MPESA" }] });
    socket.close();
  });

  test("asks a buyer at a till for no account", async () => {
    await push(ASHA, { TransactionType: "CustomerBuyGoodsOnline", PartyB: "5551234" });
    const { body } = await call("GET", "/phone/0712345678/state");
    expect(body.prompt.text).toBe("Do you want to pay KES 150 to TILL 5551234?\nEnter M-PESA PIN:");
  });

  test("is served under a strict policy", async () => {
    const response = await exports.default.fetch("https://simulator.test/phone/254712345678");
    expect(response.headers.get("Content-Security-Policy")).toContain(
      "default-src 'none'; script-src 'self'",
    );
    expect(await response.text()).toContain("<title>Practice phone</title>");
  });
});

describe("with a secret", () => {
  /** Asks an app over the same stored world whose settings name a secret. */
  const ask = (method: string, path: string, headers: Record<string, string> = {}, body?: unknown) =>
    runInDurableObject(env.NETWORK.getByName("network"), async (_, { storage }) => {
      const world: World = {
        sql: storage.sql,
        config: readConfig({ ...env, SIMULATOR_SECRET: "hush" }),
        now: () => Date.now(),
        wakeAt() {},
        background() {},
        phoneChanged() {},
        openPhonePage: () => new Response("open"),
        reset() {},
      };
      const request = new Request(`https://simulator.test${path}`, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const response = await createApp(world).fetch(request);
      return {
        status: response.status,
        cookie: response.headers.get("Set-Cookie"),
        body: await response.text(),
      };
    });

  test.each(["/ledger", "/requests", "/faults", `/phones/${ASHA}/prompts`, "/mailbox/a@b.c"])(
    "%s needs it as a Bearer token",
    async (path) => {
      expect((await ask("GET", path)).status).toBe(401);
      expect((await ask("GET", path, { Authorization: "Bearer hus" })).status).toBe(401);
      expect((await ask("GET", path, { Authorization: "Bearer hush" })).status).toBe(200);
    },
  );

  test("/reset needs it too, and a phone's balance", async () => {
    expect((await ask("POST", "/reset")).status).toBe(401);
    expect((await ask("PUT", `/phones/${ASHA}`, {}, { balance: 1 })).status).toBe(401);
  });

  test("a page needs it once, and then remembers", async () => {
    expect((await ask("GET", `/phone/${ASHA}/state`)).status).toBe(401);
    expect((await ask("POST", "/unlock", {}, { secret: "guess" })).status).toBe(401);
    const { status, cookie } = await ask("POST", "/unlock", {}, { secret: "hush" });
    expect(status).toBe(200);
    expect(cookie).toMatch(/HttpOnly; Secure; SameSite=Strict/);
    expect(cookie).not.toContain("hush");
    const Cookie = cookie?.split(";")[0] ?? "";
    expect((await ask("GET", `/phone/${ASHA}/state`, { Cookie })).status).toBe(200);
    expect((await ask("GET", "/mail/emails", { Cookie })).status).toBe(200);
  });

  test("a locked page shows its own prompt and nothing else", async () => {
    const { body } = await push(ASHA);
    const own = `?prompt=${body.CheckoutRequestID}`;
    const shown = await ask("GET", `/phone/${ASHA}/state${own}`);
    expect(JSON.parse(shown.body)).toMatchObject({ prompt: { id: body.CheckoutRequestID }, messages: [] });
    expect((await ask("GET", `/phone/254711111111/state${own}`)).status).toBe(401);
    const other = await ask("POST", `/phone/${ASHA}/prompts/ws_CO_other${own}`, {}, { pin: "1234" });
    expect(other.status).toBe(404);
    expect((await ask("GET", "/mail/emails")).status).toBe(401);
  });
});

test("TIME_SCALE shortens, whether it is written as 10 or as 0.1", () => {
  expect([timeFactor("10"), timeFactor("0.1"), timeFactor(undefined), timeFactor("x")]).toEqual([
    0.1, 0.1, 1, 1,
  ]);
});

test("a reset forgets everything", async () => {
  await push("254700000000");
  await call("POST", "/reset");
  await passSeconds(60);
  expect(sent).toEqual([]);
  expect((await call("GET", "/requests")).body.requests).toEqual([]);
});

describe("a simulator that others can reach", () => {
  const secrets = {
    SIMULATOR_SECRET: "s".repeat(16),
    CONSUMER_KEY: "k".repeat(16),
    CONSUMER_SECRET: "c".repeat(16),
    PASSKEY: "p".repeat(16),
    SMS_API_KEY: "m".repeat(16),
    EMAIL_API_KEY: "e".repeat(16),
  };
  const ask = (path: string, settings: object) => {
    const request = new Request<unknown, IncomingRequestCfProperties>(`https://simulator.test${path}`);
    return worker.fetch(request, { ...env, LOCKED: "true", ...settings });
  };

  test("answers nothing, not even M-Pesa's calls, before each secret is its own, and says which are missing", async () => {
    for (const path of ["/", "/requests", "/oauth/v1/generate", "/phone/254712345678"]) {
      const answer = await ask(path, { ...secrets, PASSKEY: undefined, SMS_API_KEY: "short" });
      expect([path, answer.status]).toEqual([path, 503]);
      expect(await answer.text()).toContain("PASSKEY, SMS_API_KEY");
    }
  });

  test("answers once they are set", async () => {
    expect((await ask("/", secrets)).status).toBe(200);
  });
});
