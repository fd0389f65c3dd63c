import { beforeEach, describe, expect, it } from "vitest";
import {
  callBack,
  callsLeft,
  failed,
  lastPayment,
  newMerchant,
  newPhone,
  newReceipt,
  paid,
  push,
  request,
  rows,
  setKey,
} from "../../support/gateway.ts";
import { freshNetwork, type Network, said } from "../../support/network.ts";

let network: Network;
beforeEach(() => {
  network = freshNetwork();
});

const PUSH_PATHS = ["/v1/initiatestk", "/v1/stkpush"];
const PATHS = [...PUSH_PATHS, "/v1/transactionstatus"];

const olderPush = (path: string, key: string, body: object = {}, headers: Record<string, string> = {}) =>
  request(path, { key, headers, body: { phone: newPhone(), amount: 150, ...body } });

const status = (key: string, reference: unknown) =>
  request("/v1/transactionstatus", { key, body: { CheckoutRequestID: reference } });

describe.each(PUSH_PATHS)("POST %s", (path) => {
  it("is the push, and says the ids in both spellings", async () => {
    const { key } = await newMerchant();
    const answer = await olderPush(path, key);
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        success: true,
        message: "STK Push initiated successfully.",
        checkout_request_id: expect.stringMatching(/^ws_CO_/),
        checkoutRequestID: answer.body.checkout_request_id,
        merchant_request_id: expect.any(String),
        merchantRequestID: answer.body.merchant_request_id,
        transaction_id: expect.stringMatching(/^tx_/),
      },
    ]);
    expect(answer.headers.get("X-RateLimit-Remaining")).toBe("59");
  });

  it("is the same with a slash at its end", async () => {
    const { key } = await newMerchant();
    expect((await olderPush(`${path}/`, key)).body.checkoutRequestID).toMatch(/^ws_CO_/);
  });

  it.each([
    ["today's names", { account_reference: "ORDER_101", description: "Flour" }, "ORDER_101", "Flour"],
    ["the older ones", { accountReference: "ORDER_101", transactionDesc: "Flour" }, "ORDER_101", "Flour"],
    [
      "both, and today's count",
      { account_reference: "NEW", accountReference: "OLD" },
      "NEW",
      "SmartPay Payment",
    ],
    ["neither", {}, "SMARTPAY", "SmartPay Payment"],
  ])("reads reference and description by %s", async (_, texts, account_reference, description) => {
    const merchant = await newMerchant();
    await olderPush(path, merchant.key, texts);
    expect(await lastPayment(merchant)).toMatchObject({ account_reference, description });
  });

  it.each([
    [{ accountReference: "x".repeat(65) }, "INVALID_FIELD", "accountReference"],
    [{ transactionDesc: 7 }, "INVALID_FIELD", "transactionDesc"],
    [{ account_reference: "x".repeat(65) }, "INVALID_FIELD", "account_reference"],
    [{ phone: undefined }, "MISSING_FIELDS", "phone"],
    [{ phone: "123" }, "INVALID_PHONE", "phone"],
    [{ amount: 300_001 }, "INVALID_AMOUNT", "amount"],
  ])("refuses %j as %s, and names the field", async (fields, error_code, field) => {
    const { key } = await newMerchant();
    const answer = await olderPush(path, key, fields);
    expect([answer.status, answer.body]).toMatchObject([400, { error_code, errors: [{ field }] }]);
    expect(network.pushes).toEqual([]);
  });

  it("shares the idempotency key with the push of today", async () => {
    const merchant = await newMerchant();
    const headers = { "Idempotency-Key": "order-101" };
    const order = { phone: newPhone(), amount: 20 };
    const first = await push(merchant.key, { ...order, account_reference: "A", description: "B" }, headers);
    const again = await olderPush(
      path,
      merchant.key,
      { ...order, accountReference: "A", transactionDesc: "B" },
      headers,
    );
    expect(again.headers.get("Idempotent-Replayed")).toBe("true");
    expect(again.body.checkoutRequestID).toBe(first.body.checkout_request_id);
    expect([network.pushes.length, await callsLeft(merchant)]).toEqual([1, 4_999]);
    const other = await olderPush(path, merchant.key, { ...order, amount: 21 }, headers);
    expect([other.status, other.body.error_code]).toEqual([422, "IDEMPOTENCY_KEY_REUSED"]);
  });

  it("shares the phone's limit with the push of today", async () => {
    const { key } = await newMerchant();
    const phone = newPhone();
    for (const one of [push(key, { phone }), olderPush(path, key, { phone }), push(key, { phone })])
      await one;
    const { status, body } = await olderPush(path, key, { phone });
    expect([status, body.error_code]).toEqual([429, "PHONE_RATE_LIMIT"]);
  });

  it("needs a subscription, as the push of today does", async () => {
    const { key } = await newMerchant({ plan: null });
    expect((await olderPush(path, key)).body.error_code).toBe("KEY_INACTIVE");
  });
});

describe("POST /v1/transactionstatus", () => {
  it("is pending before the result", async () => {
    const { key } = await newMerchant();
    const { body } = await push(key);
    const answer = await status(key, body.checkout_request_id);
    expect([answer.status, answer.body]).toEqual([200, { success: true, status: "pending" }]);
  });

  it.each([
    ["paid", (ids: { checkout_request_id: string }) => paid(ids, { receipt: newReceipt() })],
    ["cancelled", (ids: { checkout_request_id: string }) => failed(ids, 1032, "Request cancelled by user")],
    [
      "failed with a code that is no number",
      (ids: { checkout_request_id: string }) => failed(ids, "SFC_IC0003", "No"),
    ],
  ])("says what the webhook said of a payment that was %s", async (_, result) => {
    const { key } = await newMerchant({ callbackUrl: "https://duka.co.ke/callback" });
    const { body } = await push(key);
    await callBack(network.pushes[0]?.CallBackURL ?? "", result(body));
    const { Body } = said(network.to("duka.co.ke")[0]);
    expect((await status(key, body.checkout_request_id)).body).toEqual({ success: true, Body });
    expect((await status(key, body.transaction_id)).body).toEqual({ success: true, Body });
  });

  it("names the transaction in the receipt's place where M-Pesa has told none", async () => {
    const merchant = await newMerchant();
    const { body } = await push(merchant.key);
    await callBack(network.pushes[0]?.CallBackURL ?? "", paid(body));
    await rows("UPDATE transactions SET mpesa_receipt = NULL WHERE id = ?", body.transaction_id);
    const { Item } = (await status(merchant.key, body.checkout_request_id)).body.Body.stkCallback
      .CallbackMetadata;
    expect(Item).toContainEqual({ Name: "MpesaReceiptNumber", Value: body.transaction_id });
  });

  it.each([
    ["is missing", undefined, 400, "MISSING_FIELDS"],
    ["is empty", " ", 400, "INVALID_FIELD"],
    ["is no text", 7, 400, "INVALID_FIELD"],
    ["nobody has", "ws_CO_24112026093000000000", 404, "NOT_FOUND"],
  ])("refuses an id that %s", async (_, reference, code, error_code) => {
    const { key } = await newMerchant();
    const answer = await status(key, reference);
    expect([answer.status, answer.body.error_code]).toEqual([code, error_code]);
  });

  it("does not know another merchant's payment", async () => {
    const [{ key }, other] = [await newMerchant(), await newMerchant()];
    const { body } = await push(key);
    expect((await status(other.key, body.checkout_request_id)).body.error_code).toBe("NOT_FOUND");
  });

  it("needs no subscription", async () => {
    const merchant = await newMerchant();
    const { body } = await push(merchant.key);
    await setKey(merchant, "expires_at = 1");
    expect((await status(merchant.key, body.checkout_request_id)).body.status).toBe("pending");
  });
});

describe("the key", () => {
  const bodies: Record<string, object> = { "/v1/transactionstatus": { CheckoutRequestID: "ws_CO_1" } };
  const ask = (path: string, headers: Record<string, string>) =>
    request(path, { headers, body: bodies[path] ?? { phone: newPhone(), amount: 150 } });

  it.each(PATHS)("may stand bare in Authorization: %s", async (path) => {
    const { key } = await newMerchant();
    const spellings: Record<string, string>[] = [
      { Authorization: key },
      { Authorization: `Bearer ${key}` },
      { "X-API-Key": key },
      { "X-API-Key": key, Authorization: "Basic c2hvcDp1Z2FsaQ==" },
    ];
    for (const headers of spellings) {
      expect([200, 404]).toContain((await ask(path, headers)).status);
    }
  });

  it.each(PATHS)("is refused where it is missing, malformed, unknown or contradicted: %s", async (path) => {
    const { key } = await newMerchant();
    const code = async (headers: Record<string, string>) => (await ask(path, headers)).body.error_code;
    expect(await code({})).toBe("MISSING_AUTH");
    expect(await code({ Authorization: "Bearer" })).toBe("INVALID_API_KEY");
    expect(await code({ Authorization: `Basic ${key}` })).toBe("INVALID_API_KEY");
    expect(await code({ Authorization: "a".repeat(64) })).toBe("INVALID_API_KEY");
    expect(await code({ Authorization: key, "X-API-Key": "a".repeat(64) })).toBe("INVALID_API_KEY");
  });

  it.each([
    ["POST", "/v1/stk/push", { phone: "254712345678", amount: 150 }],
    ["GET", "/v1/transactions", undefined],
    ["GET", "/v1/account", undefined],
    ["GET", "/v1/keys", undefined],
    ["POST", "/v1/sms", { phone: "254712345678", message: "Hello" }],
  ])("must not stand bare elsewhere: %s %s", async (method, path, body) => {
    const { key } = await newMerchant();
    const answer = await request(path, { method, body, headers: { Authorization: key } });
    expect([answer.status, answer.body.error_code]).toEqual([401, "INVALID_API_KEY"]);
  });
});

describe("a failure", () => {
  it.each(PATHS)("has error beside message: %s", async (path) => {
    for (const options of [{ body: {} }, { body: "no json" }, { key: (await newMerchant()).key, body: {} }]) {
      const { body } = await request(path, options);
      expect(body).toMatchObject({ success: false, error_code: expect.any(String), error: body.message });
    }
  });

  it("of M-Pesa's has it too", async () => {
    const { key } = await newMerchant();
    network.push = () =>
      Response.json(
        { requestId: "r", errorCode: "400.002.02", errorMessage: "Bad Request" },
        { status: 400 },
      );
    const { status, body } = await olderPush("/v1/stkpush", key);
    expect([status, body.error_code, body.error]).toEqual([500, "PAYMENT_FAILURE", body.message]);
  });

  it("has it on these paths alone", async () => {
    expect((await request("/v1/stk/push", { body: {} })).body).not.toHaveProperty("error");
    expect((await request("/v1/initiatestk", { method: "GET" })).status).toBe(404);
  });
});
