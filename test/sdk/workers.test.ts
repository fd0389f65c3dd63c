import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { ApiError, readWebhook, SmartPay } from "../../sdk/typescript/src/index.ts";
import { parseRetryAfter, pauseBeforeRetry } from "../../sdk/typescript/src/retry.ts";
import { testEventBody } from "../../src/features/webhooks/rules.ts";
import { newMerchant, newPhone, request } from "../support/gateway.ts";
import { freshNetwork } from "../support/network.ts";

/** A client of the gateway that runs in this very isolate. */
const clientOf = (apiKey: string) =>
  new SmartPay({
    baseUrl: "http://localhost:8787",
    apiKey,
    fetch: async (url, { method = "GET", headers, body } = {}) => {
      const { pathname, search } = new URL(String(url));
      const answer = await request(`${pathname}${search}`, {
        method,
        headers: Object.fromEntries(new Headers(headers)),
        ...(typeof body === "string" ? { body } : {}),
      });
      return Response.json(answer.body, answer);
    },
  });

describe("the TypeScript client in Cloudflare Workers", () => {
  it("takes a payment, and tells an error by its code", async () => {
    freshNetwork();
    const { key } = await newMerchant();
    const smartpay = clientOf(key);
    const phone = newPhone();
    const pushed = await smartpay.stk.push({ phone, amount: 150 });
    expect(pushed.http).toEqual({
      status: 200,
      requestId: expect.stringMatching(/^req_/),
      isReplayed: false,
    });
    const { transaction } = await smartpay.transactions.get(pushed.checkout_request_id);
    expect(transaction).toMatchObject({ phone, amount: 150, status: "pending" });
    const error = await smartpay.stk.push({ phone: "1", amount: 150 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ errorCode: "INVALID_PHONE", status: 400 });
  });

  it("does not name a key in what it shows of itself", () => {
    expect(JSON.stringify(clientOf("a".repeat(64)))).not.toContain("aaaa");
  });

  it("reads the webhook that a Request is, and refuses another", async () => {
    const secret = "whsec_c2l4dGVlbiBvciBtb3JlIGJ5dGVz";
    const text = JSON.stringify(testEventBody("wh_1"));
    const at = new Date();
    const headers = {
      "webhook-id": "wh_1",
      "webhook-test": "true",
      "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
      "webhook-signature": new Webhook(secret).sign("wh_1", at, text),
    };
    const requestOf = (body: string) => new Request("https://shop.co.ke/", { method: "POST", headers, body });
    expect(await readWebhook(requestOf(text), secret)).toMatchObject({
      isTest: true,
      isPaid: false,
      resultCode: 9999,
    });
    await expect(readWebhook(requestOf(`${text} `), secret)).rejects.toThrow("signature");
  });
});

describe("a call that failed", () => {
  const settings = { maxRetries: 3, maxRetryAfter: 60 };
  const progress = { isRepeatable: true, retriesMade: 0, elapsedMs: 0, random: 0.5 };
  const pause = (outcome: object, more: object = {}) =>
    pauseBeforeRetry(
      { status: undefined, errorCode: undefined, retryAfter: undefined, ...outcome },
      { ...progress, ...more },
      settings,
    );

  it("is sent again after growing pauses, as often as was set", () => {
    const pauses = [0, 1, 2, 3].map((retriesMade) => pause({}, { retriesMade }));
    expect(pauses).toEqual([375, 750, 1_500, undefined]);
  });

  it.each([
    ["no answer came", {}, true, false],
    ["a gateway between failed", { status: 502 }, true, false],
    ["we failed", { status: 500, errorCode: "INTERNAL_ERROR" }, true, false],
    ["a limit denied it", { status: 429, errorCode: "RATE_LIMIT_MINUTE" }, true, true],
    ["the fraud rules blocked it", { status: 429, errorCode: "FRAUD_BLOCK_BURST" }, false, false],
    ["M-Pesa refused it", { status: 500, errorCode: "PAYMENT_FAILURE" }, false, false],
    ["it is wrong", { status: 400, errorCode: "INVALID_FIELD" }, false, false],
  ])("where %s, is sent again only if that is safe", (_, outcome, ifRepeatable, ifNot) => {
    expect(pause(outcome) !== undefined).toBe(ifRepeatable);
    expect(pause(outcome, { isRepeatable: false }) !== undefined).toBe(ifNot);
  });

  it("is not sent sooner than the gateway asked for, and fails where that is too long to wait", () => {
    expect(pause({ status: 429, retryAfter: 7 }, { random: 0 })).toBe(7_000);
    expect(pause({ status: 429, retryAfter: 61 })).toBeUndefined();
  });

  it("waits for the first one with its idempotency key, for as long as that can run", () => {
    const running = { status: 409, errorCode: "IDEMPOTENCY_IN_PROGRESS", retryAfter: 1 };
    expect(pause(running, { retriesMade: 40, elapsedMs: 50_000, random: 0 })).toBe(1_000);
    expect(pause(running, { retriesMade: 60, elapsedMs: 66_000 })).toBeUndefined();
  });

  it("reads Retry-After as seconds and as a date", () => {
    const now = Date.parse("2026-11-24T09:00:00Z");
    expect(parseRetryAfter("12", now)).toBe(12);
    expect(parseRetryAfter("Tue, 24 Nov 2026 09:00:30 GMT", now)).toBe(30);
    expect(["soon", null].map((header) => parseRetryAfter(header, now))).toEqual([undefined, undefined]);
  });
});
