import { createExecutionContext, env, waitOnExecutionContext } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { ErrorCode } from "../../../src/errors.ts";
import {
  type Answer,
  callBack,
  callsLeft,
  fetchAnswer,
  lastPayment,
  newMerchant,
  newPhone,
  newReceipt,
  paid,
  paymentIds,
  push,
  type RequestOptions,
  readTransaction,
  request,
  rows,
  setKey,
} from "../../support/gateway.ts";
import { freshNetwork, type Network } from "../../support/network.ts";

let network: Network;
beforeEach(() => {
  network = freshNetwork();
});

it("takes a payment from the push to the webhook", async () => {
  const { key } = await newMerchant({ callbackUrl: "https://duka.co.ke/callback" });
  const pushed = await push(key, { account_reference: "ORDER_101" });
  expect(pushed.body).toEqual({
    success: true,
    message: "STK Push initiated successfully.",
    checkout_request_id: expect.stringMatching(/^ws_CO_/),
    merchant_request_id: expect.any(String),
    transaction_id: expect.stringMatching(/^tx_[0-9a-f]{32}$/),
  });
  const sent = network.pushes[0];
  const receipt = newReceipt();
  await callBack(sent?.CallBackURL ?? "", paid(pushed.body, { receipt }));
  const t = await readTransaction(key, pushed.body.checkout_request_id);
  expect(t).toMatchObject({ status: "completed", mpesa_receipt: receipt, amount: 150 });
  expect(network.count("duka.co.ke")).toBe(1);
});

describe("what M-Pesa is asked", () => {
  it("is a payment to our shortcode, signed with the time in East Africa", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2027-01-31T22:15:07Z") });
    const { key } = await newMerchant();
    await push(key, { phone: "0712345678", amount: "150" });
    expect(network.pushes).toEqual([
      {
        BusinessShortCode: "600999",
        Password: btoa("600999passkey20270201011507"),
        Timestamp: "20270201011507",
        TransactionType: "CustomerPayBillOnline",
        Amount: 150,
        PartyA: "254712345678",
        PartyB: "600999",
        PhoneNumber: "254712345678",
        CallBackURL: expect.any(String),
        AccountReference: "SMARTPAY",
        TransactionDesc: "SmartPay Paym",
      },
    ]);
    expect(network.to("/stkpush/")[0]?.headers.get("Authorization")).toMatch(/^Bearer token-/);
  });

  it("names the till where the shortcode is a store's", async () => {
    const { key } = await newMerchant();
    const body = { phone: newPhone(), amount: 1 };
    await request("/v1/stk/push", { key, body, env: { DARAJA_TILL: "5551234" } });
    expect(network.pushes[0]).toMatchObject({
      TransactionType: "CustomerBuyGoodsOnline",
      BusinessShortCode: "600999",
      PartyB: "5551234",
    });
  });

  it("has a callback URL that nobody can guess, without any word that Daraja refuses", async () => {
    const { key } = await newMerchant();
    await push(key);
    await push(key);
    const [first, second] = network.pushes.map((sent) => sent.CallBackURL ?? "");
    expect(first).toMatch(/^http:\/\/localhost:8787\/cb\/stk\/\d{8}\/tx_[0-9a-f]{32}\/[0-9a-f]{40}$/);
    expect(first).not.toMatch(/mpesa|m-pesa|safaricom|exe|cmd|sql|query/i);
    expect(first?.split("/").at(-1)).not.toBe(second?.split("/").at(-1));
  });

  it.each([
    ["ORDER_101", "ORDER_101"],
    ["ORDER-101/2026 (Nairobi)", "ORDER-101202"],
    ["  padded  ", "padded"],
    ["Kiosk № 7 @ Moi Av.", "Kiosk  7  Mo"],
    ["****", "SMARTPAY"],
    ["", "SMARTPAY"],
    [null, "SMARTPAY"],
  ])("cuts and cleans the reference %j to %j, and stores it whole", async (reference, sent) => {
    const merchant = await newMerchant();
    await push(merchant.key, { account_reference: reference });
    expect(network.pushes[0]?.AccountReference).toBe(sent);
    const whole = reference?.trim() || "SMARTPAY";
    expect(await lastPayment(merchant)).toMatchObject({ account_reference: whole });
  });

  it.each([
    ["Maize flour, 2 kg", "Maize flour 2"],
    [undefined, "SmartPay Paym"],
    ["ünï", "n"],
  ])("cuts and cleans the description %j to %j", async (description, sent) => {
    const { key } = await newMerchant();
    await push(key, { description });
    expect(network.pushes[0]?.TransactionDesc).toBe(sent);
  });

  it("takes references of 64 and descriptions of 128 characters, counted as code points", async () => {
    const merchant = await newMerchant();
    const texts = { account_reference: "🛒".repeat(64), description: "é".repeat(128) };
    expect((await push(merchant.key, texts)).status).toBe(200);
    expect(await lastPayment(merchant)).toMatchObject(texts);
  });
});

describe("the order of a push", () => {
  it("stores the intent and takes the call before M-Pesa is asked", async () => {
    const merchant = await newMerchant({ callsLeft: 5 });
    const phone = newPhone();
    let seen: unknown;
    network.push = async () => {
      seen = { payment: await lastPayment(merchant), left: await callsLeft(merchant) };
      return Response.json(network.accepted());
    };
    await push(merchant.key, { phone });
    expect(seen).toMatchObject({ payment: { status: "pending", phone, amount: 150 }, left: 4 });
  });

  it("does not answer before the checkout id is stored", async () => {
    const { key } = await newMerchant();
    const asked = Promise.withResolvers<void>();
    const mayStore = Promise.withResolvers<void>();
    const isRecord = (sql: string) => /^update "transactions" set "acknowledgement"/.test(sql);
    const DB = slowStatements(isRecord, async () => {
      asked.resolve();
      await mayStore.promise;
    });
    const ctx = createExecutionContext();
    let isAnswered = false;
    const body = { phone: newPhone(), amount: 1 };
    const answer = fetchAnswer("/v1/stk/push", { key, body, env: { DB } }, ctx).finally(() => {
      isAnswered = true;
    });
    await asked.promise;
    expect(isAnswered).toBe(false);
    mayStore.resolve();
    const { checkout_request_id: ref } = (await answer).body;
    expect(await readTransaction(key, ref)).toMatchObject({ status: "pending", checkout_request_id: ref });
    await waitOnExecutionContext(ctx);
  });
});

/** The real database, in which the statements that `isMeant` picks wait for `before`. */
function slowStatements(isMeant: (sql: string) => boolean, before: () => Promise<void>): D1Database {
  const slow = (statement: D1PreparedStatement): D1PreparedStatement =>
    new Proxy(statement, {
      get(target, name) {
        if (name === "bind") return (...values: unknown[]) => slow(target.bind(...values));
        const method = Reflect.get(target, name);
        return async (...args: unknown[]) => {
          await before();
          return method.apply(target, args);
        };
      },
    });
  return new Proxy(env.DB, {
    get(target, name) {
      if (name === "prepare") {
        return (sql: string) => (isMeant(sql) ? slow(target.prepare(sql)) : target.prepare(sql));
      }
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

describe("a push whose database loses its answers", () => {
  /** The real database: carries everything out, but the answers to its first `times` batches are lost. */
  function forgetful(times: number): D1Database {
    let lost = 0;
    return new Proxy(env.DB, {
      get(target, name) {
        if (name === "batch") {
          return async (statements: D1PreparedStatement[]) => {
            const answer = await target.batch(statements);
            if (lost++ < times) throw new Error("D1_ERROR: Network connection lost.");
            return answer;
          };
        }
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }
  const pushOver = (key: string, DB: D1Database) =>
    request("/v1/stk/push", { key, body: { phone: newPhone(), amount: 150 }, env: { DB } });

  it("takes one call and sends one prompt where they come in the end", async () => {
    const merchant = await newMerchant();
    expect((await pushOver(merchant.key, forgetful(2))).status).toBe(200);
    expect(await paymentIds(merchant)).toHaveLength(1);
    expect(await callsLeft(merchant)).toBe(4_999);
    expect(network.pushes).toHaveLength(1);
  });

  it("takes the intent back where they do not come, sends nothing, and says so", async () => {
    const merchant = await newMerchant();
    const answer = await pushOver(merchant.key, forgetful(3));
    expect([answer.status, answer.body.error_code]).toEqual([503, "SERVICE_UNAVAILABLE"]);
    expect(await paymentIds(merchant)).toEqual([]);
    expect(await callsLeft(merchant)).toBe(5_000);
    expect(network.pushes).toEqual([]);
  });

  it("answers as unclear where M-Pesa's id cannot be stored, and is settled by its callback", async () => {
    const merchant = await newMerchant();
    const isRecord = (sql: string) => /^update "transactions" set "acknowledgement"/.test(sql);
    const DB = slowStatements(isRecord, async () => {
      throw new Error("D1_ERROR: Network connection lost.");
    });
    const pushed = await pushOver(merchant.key, DB);
    expect([pushed.status, pushed.body.checkout_request_id]).toEqual([
      202,
      `sp_${pushed.body.transaction_id}`,
    ]);
    const ids = { checkout_request_id: network.accepted().CheckoutRequestID };
    await callBack(network.pushes[0]?.CallBackURL ?? "", paid(ids));
    expect(await readTransaction(merchant.key, pushed.body.checkout_request_id)).toMatchObject({
      status: "completed",
      id: pushed.body.transaction_id,
    });
  });
});

/** A refused push has the text's code, in the text's envelope, and changed nothing. */
async function expectRefusal(options: (key: string) => RequestOptions, code: ErrorCode, status: number) {
  const merchant = await newMerchant();
  const answer = await request("/v1/stk/push", { method: "POST", ...options(merchant.key) });
  expect(answer.body).toMatchObject({
    success: false,
    error_code: code,
    message: expect.any(String),
    request_id: answer.headers.get("X-Request-Id"),
  });
  expect(answer.status).toBe(status);
  expect(await callsLeft(merchant)).toBe(5_000);
  expect(await paymentIds(merchant)).toEqual([]);
  expect(network.pushes).toEqual([]);
}

describe("a push is refused and changes nothing", () => {
  const body = { phone: "0712345678", amount: 150 };
  const other = "f".repeat(64);

  it.each<[string, (key: string) => Record<string, string>, ErrorCode]>([
    ["no header", () => ({}), "MISSING_AUTH"],
    ["Basic authentication", (key) => ({ Authorization: `Basic ${key}` }), "INVALID_API_KEY"],
    ["an empty Bearer", () => ({ Authorization: "Bearer " }), "INVALID_API_KEY"],
    ["the bare key", (key) => ({ Authorization: key }), "INVALID_API_KEY"],
    ["another word than Bearer", (key) => ({ Authorization: `Token ${key}` }), "INVALID_API_KEY"],
    ["63 hex characters", (key) => ({ Authorization: `Bearer ${key.slice(1)}` }), "INVALID_API_KEY"],
    ["65 hex characters", (key) => ({ Authorization: `Bearer ${key}0` }), "INVALID_API_KEY"],
    ["an unknown key", () => ({ Authorization: `Bearer ${other}` }), "INVALID_API_KEY"],
    ["an upper-case key", (key) => ({ "X-API-Key": key.toUpperCase() }), "INVALID_API_KEY"],
    ["64 characters that are no hex", () => ({ "X-API-Key": "g".repeat(64) }), "INVALID_API_KEY"],
    ["an empty X-API-Key", () => ({ "X-API-Key": "" }), "INVALID_API_KEY"],
    ["two keys", (key) => ({ Authorization: `Bearer ${key}`, "X-API-Key": other }), "INVALID_API_KEY"],
  ])("with %s", (_, headers, code) => expectRefusal((key) => ({ headers: headers(key), body }), code, 401));

  const json = { "Content-Type": "application/json" };
  it.each<[string, Omit<RequestOptions, "key">]>([
    ["no body", { headers: json }],
    ["an empty body", { headers: json, body: "" }],
    ["a body that is not JSON", { body: "phone=0712345678&amount=150" }],
    ["half a body", { body: '{"phone":"0712345678","amount":' }],
    ["an array", { body: [body] }],
    ["null", { body: "null" }],
    ["a string", { body: '"254712345678"' }],
    ["a number", { body: "150" }],
    ["no content type", { headers: { "Content-Type": "" }, body }],
    ["text/plain", { headers: { "Content-Type": "text/plain" }, body }],
    ["a form", { headers: { "Content-Type": "application/x-www-form-urlencoded" }, body }],
    ["a content type that only begins like JSON", { headers: { "Content-Type": "application/jsonp" }, body }],
  ])("with %s", (_, options) => expectRefusal((key) => ({ ...options, key }), "INVALID_JSON", 400));

  it("with a body over 64 KB", () =>
    expectRefusal((key) => ({ key, body: { ...body, x: "x".repeat(65 * 1024) } }), "PAYLOAD_TOO_LARGE", 413));

  it.each([
    [{ amount: 150 }],
    [{ phone: "0712345678" }],
    [{}],
    [{ phone: null, amount: 150 }],
    [{ phone: "0712345678", amount: null }],
    [{ PHONE: "0712345678", Amount: 150 }],
  ])("with required fields missing: %j", (body) =>
    expectRefusal((key) => ({ key, body }), "MISSING_FIELDS", 400),
  );

  it("and told all fields that are missing", async () => {
    const { key } = await newMerchant();
    const answer = await request("/v1/stk/push", { key, body: {} });
    expect(answer.body.errors.map((error: { field: string }) => error.field)).toEqual(["phone", "amount"]);
  });

  it.each(
    [
      ["0", "1.5", "300001", "-5", "-0", "1e400", "1e-5", "9007199254740993"],
      ['""', '" "', '"abc"', '"1.5"', '"1.0"', '"-5"', '"0"', '"300001"', '"0x10"', '"1e2"', '"+150"'],
      ['"150 "', '" 150"', '"1,000"', '"150/="', '"١٥٠"', '"99999999999999999999"'],
      ["true", "false", "[]", "[150]", "{}", '{"value":150}'],
    ].flat(),
  )("with the amount %s", (amount) =>
    expectRefusal(
      (key) => ({ key, body: `{"phone":"0712345678","amount":${amount}}` }),
      "INVALID_AMOUNT",
      400,
    ),
  );

  it.each(
    [
      ["", " ", "0", "071234567", "07123456789", "25471234567", "2547123456789", "712345678"],
      ["254812345678", "0812345678", "255712345678", "25471234567x", "O712345678", "tel:0712345678"],
      ["+0712345678", "++254712345678", "00254712345678", "-254712345678", "0712.345.678", "(0712) 345678"],
      ["0712345678,0712345679", "0712345678\n0712345679", "٠٧١٢٣٤٥٦٧٨", "0712\u0000345678", "07 ".repeat(20)],
      [{}, [], ["0712345678"], true, 0, 712345678, 254712345678.5, -254712345678, 1e21],
    ].flat(),
  )("with the phone %j", (phone) =>
    expectRefusal((key) => ({ key, body: { phone, amount: 150 } }), "INVALID_PHONE", 400),
  );

  it.each([
    ["account_reference", "x".repeat(65)],
    ["account_reference", "two\nlines"],
    ["account_reference", "\ud800"],
    ["account_reference", 101],
    ["description", "x".repeat(129)],
    ["description", "\u0000"],
    ["description", "\udfff tail"],
    ["description", {}],
  ])("with the %s %j", async (field, value) => {
    await expectRefusal((key) => ({ key, body: { ...body, [field]: value } }), "INVALID_FIELD", 400);
  });

  it("with the field at fault named", async () => {
    const { key } = await newMerchant();
    const answer = await push(key, { phone: "12" });
    expect(answer.body.errors).toEqual([{ field: "phone", message: expect.any(String) }]);
  });
});

describe("a push takes", () => {
  it.each([
    ["0712345678", "254712345678"],
    ["0112345678", "254112345678"],
    ["254712345678", "254712345678"],
    ["254112345678", "254112345678"],
    ["+254712345678", "254712345678"],
    ["+254 712-345 678", "254712345678"],
    [" 0712 345 678 ", "254712345678"],
    ["0712-345-678", "254712345678"],
    [254712345678, "254712345678"],
  ])("the phone %j", async (phone, stored) => {
    const { key } = await newMerchant();
    // Each of these numbers is pushed to again and again.
    const env = { LIMITS: '{"phone_pushes":100}' };
    expect((await request("/v1/stk/push", { key, body: { phone, amount: 1 }, env })).status).toBe(200);
    expect(network.pushes[0]).toMatchObject({ PartyA: stored, PhoneNumber: stored });
  });

  it.each([1, 300_000, "1", "300000", "0150"])("the amount %j", async (amount) => {
    const { key } = await newMerchant();
    expect((await push(key, { amount })).status).toBe(200);
    expect(network.pushes[0]?.Amount).toBe(Number(amount));
  });

  it("the key in either header, or the same one in both, and Bearer in any case", async () => {
    const { key } = await newMerchant();
    const ways: Record<string, string>[] = [
      { Authorization: `Bearer ${key}` },
      { Authorization: `bearer ${key}` },
      { "X-API-Key": key },
      { "X-API-Key": key, Authorization: `Bearer ${key}` },
      // A proxy's own, which is no key of ours.
      { "X-API-Key": key, Authorization: "Basic c2hvcDp1Z2FsaQ==" },
    ];
    for (const headers of ways) {
      const answer = await request("/v1/stk/push", { headers, body: { phone: newPhone(), amount: 1 } });
      expect(answer.status).toBe(200);
    }
  });

  it("a charset with the content type, and fields that it does not know", async () => {
    const { key } = await newMerchant();
    const type = { "Content-Type": "application/json; charset=utf-8" };
    expect((await push(key, { currency: "KES", nested: { deep: [1] } }, type)).status).toBe(200);
  });

  it("a key that was not made with our locator, looked up by its hash", async () => {
    const merchant = await newMerchant();
    const foreign = "ab".repeat(32);
    const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(32).fill(0xab));
    const hash = Array.from(new Uint8Array(digest), (b) => b.toString(16).padStart(2, "0")).join("");
    await setKey(merchant, "hash = ?", hash);
    expect((await push(foreign)).status).toBe(200);
  });
});

describe("checks come in the contract's order", () => {
  const code = async (answer: Promise<Answer>) => (await answer).body.error_code;
  const badBody = { phone: "12", amount: 0 };

  it("authentication before the body", async () => {
    expect(await code(request("/v1/stk/push", { body: "{" }))).toBe("MISSING_AUTH");
    expect(await code(request("/v1/stk/push", { key: "0".repeat(64), body: badBody }))).toBe(
      "INVALID_API_KEY",
    );
    const tooLarge = JSON.stringify({ x: "x".repeat(65 * 1024) });
    expect(await code(request("/v1/stk/push", { key: "0".repeat(64), body: tooLarge }))).toBe(
      "INVALID_API_KEY",
    );
  });

  it("authentication before the key's windows, also for a key that was replaced while they are full", async () => {
    const merchant = await newMerchant();
    const env = { LIMITS: '{"key_minute":1}' };
    const pushed = () =>
      request("/v1/stk/push", { key: merchant.key, body: { phone: newPhone(), amount: 1 }, env });
    vi.useFakeTimers({ toFake: ["Date"] });
    await pushed();
    await setKey(merchant, "hash = ?", "replaced");
    for (const _ of ["first", "again"]) {
      const answer = await pushed();
      expect(answer.body.error_code).toBe("INVALID_API_KEY");
      expect(answer.headers.get("X-RateLimit-Remaining")).toBeNull();
    }
  });

  it("a null in the metadata as a wrong value, not as a missing field", async () => {
    const { key } = await newMerchant();
    const { status, body } = await push(key, { metadata: { a: null } });
    expect([status, body.error_code]).toEqual([400, "INVALID_FIELD"]);
    expect(body.errors).toMatchObject([{ field: "metadata.a" }]);
    expect(body.errors[0].message).not.toContain("required");
  });

  it("the key's windows before the body", async () => {
    const { key } = await newMerchant();
    vi.useFakeTimers({ toFake: ["Date"] });
    const env = { LIMITS: '{"key_minute":2}' };
    expect(await code(request("/v1/stk/push", { key, body: badBody, env }))).toBe("INVALID_PHONE");
    expect(await code(request("/v1/stk/push", { key, body: "{", env }))).toBe("INVALID_JSON");
    expect(await code(request("/v1/stk/push", { key, body: badBody, env }))).toBe("RATE_LIMIT_MINUTE");
  });

  it("the body before the key's state; suspended before inactive; inactive before the calls", async () => {
    const merchant = await newMerchant();
    await setKey(merchant, "suspended_at = 1, expires_at = 1, calls_left = 0");
    expect(await code(push(merchant.key, badBody))).toBe("INVALID_PHONE");
    expect(await code(push(merchant.key))).toBe("KEY_SUSPENDED");
    await setKey(merchant, "suspended_at = NULL");
    expect(await code(push(merchant.key))).toBe("KEY_INACTIVE");
    await setKey(merchant, "expires_at = ?", Date.now() + 60_000);
    expect(await code(push(merchant.key))).toBe("LIMIT_REACHED");
    expect(network.pushes).toEqual([]);
  });

  it("the key's state before the phone, and the phone before the calls", async () => {
    const [other, merchant] = [await newMerchant(), await newMerchant({ callsLeft: 0 })];
    const phone = newPhone();
    for (const _ of [1, 2, 3]) await push(other.key, { phone });
    expect(await code(push(merchant.key, { phone }))).toBe("PHONE_RATE_LIMIT");
    await setKey(merchant, "expires_at = 1");
    expect(await code(push(merchant.key, { phone }))).toBe("KEY_INACTIVE");
  });
});

describe("a key that may not push", () => {
  it.each<[string, string, ErrorCode]>([
    ["never had a plan", "plan = NULL, calls_left = 0, expires_at = NULL", "KEY_INACTIVE"],
    ["has an expired plan", "expires_at = 1", "KEY_INACTIVE"],
    ["has no calls left", "calls_left = 0", "LIMIT_REACHED"],
    ["is suspended", "suspended_at = 1", "KEY_SUSPENDED"],
  ])("because it %s is told %s with %s, and neither phone nor calls are used", async (_, state, code) => {
    const merchant = await newMerchant();
    const phone = newPhone();
    await setKey(merchant, state);
    const left = await callsLeft(merchant);
    for (const _ of [1, 2, 3, 4]) {
      const answer = await push(merchant.key, { phone });
      expect([answer.status, answer.body.error_code]).toEqual([403, code]);
    }
    expect(await callsLeft(merchant)).toBe(left);
    expect(network.pushes).toEqual([]);
    await setKey(merchant, "suspended_at = NULL, calls_left = 9, expires_at = ?", Date.now() + 60_000);
    for (const _ of [1, 2, 3]) expect((await push(merchant.key, { phone })).status).toBe(200);
  });

  it("expires to the millisecond", async () => {
    const merchant = await newMerchant();
    vi.useFakeTimers({ toFake: ["Date"] });
    await setKey(merchant, "expires_at = ?", Date.now() + 1);
    expect((await push(merchant.key)).status).toBe(200);
    await setKey(merchant, "expires_at = ?", Date.now());
    expect((await push(merchant.key)).body.error_code).toBe("KEY_INACTIVE");
  });
});

describe("another merchant", () => {
  it("finds none of the payment's ids", async () => {
    const [mine, theirs] = [await newMerchant(), await newMerchant()];
    const { body } = await push(mine.key);
    for (const ref of [body.checkout_request_id, body.transaction_id, `sp_${body.transaction_id}`]) {
      expect((await request(`/v1/transactions/${ref}`, { key: theirs.key })).body.error_code).toBe(
        "NOT_FOUND",
      );
      expect((await request(`/v1/transactions/${ref}`, { key: mine.key })).status).toBe(200);
    }
  });

  it("is also every other key of the merchant for one of scope payments", async () => {
    const merchant = await newMerchant();
    const { body } = await push(merchant.key);
    await rows("UPDATE transactions SET key_id = key_id + 1000000 WHERE id = ?", body.transaction_id);
    expect((await request(`/v1/transactions/${body.transaction_id}`, { key: merchant.key })).status).toBe(
      200,
    );
    await setKey(merchant, "scope = 'payments'");
    expect((await request(`/v1/transactions/${body.transaction_id}`, { key: merchant.key })).status).toBe(
      404,
    );
  });
});

it("shows a payment in the text's form", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2027-02-03T12:00:00Z") });
  const { key } = await newMerchant();
  const { body } = await push(key, { phone: "0798765432", account_reference: "A", description: "B" });
  expect((await request(`/v1/transactions/${body.checkout_request_id}`, { key })).body).toEqual({
    success: true,
    transaction: {
      id: body.transaction_id,
      checkout_request_id: body.checkout_request_id,
      merchant_request_id: body.merchant_request_id,
      phone: "254798765432",
      amount: 150,
      account_reference: "A",
      description: "B",
      status: "pending",
      result_code: null,
      result_desc: null,
      mpesa_receipt: null,
      destination: { method: "wallet" },
      payout: null,
      metadata: null,
      created_at: "2027-02-03 15:00:00",
      completed_at: null,
    },
  });
});
