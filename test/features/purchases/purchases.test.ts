import { env } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  callBack,
  failed,
  type Merchant,
  newMerchant,
  newPhone,
  paid,
  push,
  readTransaction,
  request,
  rows,
  tick,
} from "../../support/gateway.ts";
import { lossyDatabase } from "../../support/lossy.ts";
import { darajaError, freshNetwork, type Network } from "../../support/network.ts";

const DAY_MS = 86_400_000;
const NOW = Date.parse("2026-11-24T09:30:00+03:00");

let network: Network;
let merchant: Merchant;
beforeEach(async () => {
  network = freshNetwork();
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  merchant = await newMerchant({ plan: null });
});

const subscribe = (
  plan: string,
  of: { key?: string; keyId?: number; phone?: string; headers?: Record<string, string> } = {},
) =>
  request(`/v1/keys/${of.keyId ?? merchant.keyId}/subscription`, {
    key: of.key ?? merchant.key,
    headers: of.headers,
    body: { plan, phone: of.phone ?? newPhone() },
  });

const buyCredits = (credits: unknown, headers: Record<string, string> = {}) =>
  request("/v1/sms/credits", { key: merchant.key, headers, body: { credits, phone: newPhone() } });

/** M-Pesa reports the last push paid, at the price that was asked. */
async function payLast(ids: { checkout_request_id: string }): Promise<void> {
  const sent = network.pushes.at(-1);
  await callBack(sent?.CallBackURL ?? "", paid(ids, { amount: Number(sent?.Amount) }));
}

const account = async () => (await request("/v1/keys", { key: merchant.key })).body.accounts[0];
const subscription = async () => (await request("/v1/account", { key: merchant.key })).body.subscription;
const smsBalance = async () => (await request("/v1/sms/balance", { key: merchant.key })).body.data.balance;

describe("GET /v1/plans", () => {
  it("lists the plans with price, calls and days", async () => {
    const { body } = await request("/v1/plans", { key: merchant.key });
    expect(body.plans).toContainEqual({ name: "Professional", price: 2_000, calls: 5_000, days: 30 });
    expect(body.plans.map((plan: { name: string }) => plan.name)).toEqual([
      "Trial",
      "Starter",
      "Professional",
      "Business",
    ]);
  });
});

describe("a plan", () => {
  it("is bought by an STK Push to the operator's shortcode, and opens the key when it is paid", async () => {
    expect((await push(merchant.key)).body.error_code).toBe("KEY_INACTIVE");
    const bought = await subscribe("Starter");
    expect(bought.body).toMatchObject({
      success: true,
      checkout_request_id: expect.stringMatching(/^ws_CO_/),
    });
    expect(network.pushes.at(-1)).toMatchObject({
      PartyB: "600999",
      Amount: 500,
      AccountReference: "Starter",
    });
    expect(await account()).toMatchObject({ active: false, limit: 0 });
    await payLast(bought.body);
    expect(await account()).toMatchObject({ active: true, limit: 1_000 });
    expect(await subscription()).toMatchObject({
      plan: "Starter",
      status: "active",
      expires_at: "2026-12-24 09:30:00",
    });
    expect((await push(merchant.key)).status).toBe(200);
  });

  it("is given once, however often the callback comes", async () => {
    const { body } = await subscribe("Starter");
    const sent = network.pushes.at(-1);
    const callback = paid(body, { amount: 500 });
    await Promise.all(Array.from({ length: 20 }, () => callBack(sent?.CallBackURL ?? "", callback)));
    expect(await account()).toMatchObject({ limit: 1_000 });
  });

  it("adds to the calls and the time of an unexpired one; what is left of an expired one lapses", async () => {
    await payLast((await subscribe("Starter")).body);
    vi.setSystemTime(NOW + 10 * DAY_MS);
    await payLast((await subscribe("Professional")).body);
    expect(await account()).toMatchObject({ limit: 6_000 });
    expect(await subscription()).toMatchObject({ plan: "Professional", expires_at: "2027-01-23 09:30:00" });
    vi.setSystemTime(NOW + 61 * DAY_MS);
    expect(await account()).toMatchObject({ active: false, limit: 0 });
    await payLast((await subscribe("Starter")).body);
    expect(await account()).toMatchObject({ active: true, limit: 1_000 });
  });

  it("for a key that is deleted before it is paid goes to the default key, and the merchant is told", async () => {
    const made = await request("/v1/keys", { key: merchant.key, body: { name: "Till 9" } });
    const { id: keyId } = made.body.account;
    const bought = await subscribe("Starter", { keyId });
    expect((await request(`/v1/keys/${keyId}`, { key: merchant.key, method: "DELETE" })).status).toBe(200);
    await payLast(bought.body);
    await payLast(bought.body);
    expect(await account()).toMatchObject({ active: true, limit: 1_000 });
    const told = await rows<{ recipient: string; body: string }>(
      "SELECT recipient, body FROM notices WHERE id = ?",
      `plan_moved:${bought.body.transaction_id}`,
    );
    expect(told).toMatchObject([
      { recipient: "john@duka.co.ke", body: expect.stringContaining("default key") },
    ]);
  });

  it("for a living key is told of by no such notice", async () => {
    const bought = await subscribe("Starter");
    await payLast(bought.body);
    const id = `plan_moved:${bought.body.transaction_id}`;
    expect(await rows("SELECT id FROM notices WHERE id = ?", id)).toEqual([]);
  });

  it("that is not paid changes nothing, and is in no list, figure or webhook, but can be read", async () => {
    const { body } = await subscribe("Business");
    await callBack(
      network.pushes.at(-1)?.CallBackURL ?? "",
      failed(body, 1032, "Request cancelled by user."),
    );
    expect(await account()).toMatchObject({ active: false, limit: 0 });
    expect(await readTransaction(merchant.key, body.transaction_id)).toMatchObject({ status: "failed" });
    const list = await request("/v1/transactions", { key: merchant.key });
    expect(list.body).toMatchObject({ transactions: [], total: 0 });
    const { body: read } = await request("/v1/account", { key: merchant.key });
    expect(read.transaction_stats).toEqual({ total: 0, completed: 0, pending: 0, failed: 0 });
  });

  it("refused by M-Pesa is PAYMENT_FAILURE, and moves no figure", async () => {
    network.push = darajaError(400, "400.002.02", "Bad Request - Invalid PhoneNumber");
    expect((await subscribe("Starter")).body.error_code).toBe("PAYMENT_FAILURE");
    const { body } = await request("/v1/account", { key: merchant.key });
    expect(body.transaction_stats).toEqual({ total: 0, completed: 0, pending: 0, failed: 0 });
    expect(await account()).toMatchObject({ limit: 0 });
  });

  it("bought twice with one Idempotency-Key is pushed once, and its key is not the push's", async () => {
    const headers = { "Idempotency-Key": "renewal-7" };
    const phone = newPhone();
    const first = await subscribe("Starter", { headers, phone });
    const again = await subscribe("Starter", { headers, phone });
    expect(again.body).toEqual(first.body);
    expect(again.headers.get("Idempotent-Replayed")).toBe("true");
    expect((await subscribe("Business", { headers, phone })).body.error_code).toBe("IDEMPOTENCY_KEY_REUSED");
    await payLast(first.body);
    expect((await push(merchant.key, {}, headers)).status).toBe(200);
    expect(network.pushes).toHaveLength(2);
  });

  it.each([
    ["carried out", false],
    ["not carried out", true],
  ])(
    "keeps nothing where its storage's answer does not come, %s, and is bought by asking again",
    async (_, before) => {
      const headers = { "Idempotency-Key": "renewal-8" };
      const body = { plan: "Starter", phone: newPhone() };
      const buy = (bindings: { DB?: D1Database }) =>
        request(`/v1/keys/${merchant.keyId}/subscription`, {
          key: merchant.key,
          headers,
          body,
          env: bindings,
        });
      const DB = lossyDatabase(/insert into "transactions"/, { times: 3, before });
      expect((await buy({ DB })).status).toBe(503);
      expect([DB.losses(), network.pushes.length]).toEqual([3, 0]);
      expect((await buy({})).status).toBe(200);
      expect(network.pushes).toHaveLength(1);
    },
  );

  it("counts against the phone's three prompts in five minutes", async () => {
    const phone = newPhone();
    for (let i = 0; i < 3; i++) expect((await subscribe("Starter", { phone })).status).toBe(200);
    const fourth = await subscribe("Starter", { phone });
    expect(fourth).toMatchObject({ status: 429, body: { error_code: "PHONE_RATE_LIMIT" } });
  });

  it("cannot be bought for another merchant's key, without a phone, or if it is none", async () => {
    const other = await newMerchant();
    expect((await subscribe("Starter", { keyId: other.keyId })).body.error_code).toBe("NOT_FOUND");
    const path = `/v1/keys/${merchant.keyId}/subscription`;
    const refused = async (body: object) =>
      (await request(path, { key: merchant.key, body })).body.error_code;
    expect(await refused({ plan: "Starter" })).toBe("MISSING_FIELDS");
    expect(await refused({ phone: newPhone() })).toBe("MISSING_FIELDS");
    expect(await refused({ plan: "Gold", phone: newPhone() })).toBe("INVALID_FIELD");
    expect(await refused({ plan: "Starter", phone: "0812345678" })).toBe("INVALID_PHONE");
    expect(await refused({ plan: "Trial" })).toBe("INVALID_FIELD");
    expect(network.pushes).toEqual([]);
  });
});

describe("the trial", () => {
  /** A merchant with a running trial on its first key, and a second key without a plan. */
  async function withTrial() {
    const made = await request("/operator/v1/merchants", {
      headers: { Authorization: `Bearer ${env.OPERATOR_TOKEN}` },
      body: { fullname: "Asha", email: `${newPhone()}@duka.co.ke`, verified_phone: newPhone() },
    });
    const { api_key: key } = made.body.key;
    const second = await request("/v1/keys", { key, body: { name: "Shop" } });
    const id: number = second.body.account.id;
    const move = (headers: Record<string, string> = {}, DB = env.DB, keyId = id) =>
      request(`/v1/keys/${keyId}/subscription`, { key, headers, body: { plan: "Trial" }, env: { DB } });
    const limits = async () =>
      (await request("/v1/keys", { key })).body.accounts.map(({ limit }: { limit: number }) => limit);
    return { key, id, move, limits };
  }

  it("moved again with the same Idempotency-Key is answered as the first time", async () => {
    const { key, move, limits } = await withTrial();
    const headers = { "Idempotency-Key": "trial-1" };
    const first = await move(headers);
    const again = await move(headers);
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect([first, again].map((answer) => answer.headers.get("Idempotent-Replayed"))).toEqual([null, "true"]);
    expect(await limits()).toEqual([0, 50]);
    const third = await request("/v1/keys", { key, body: { name: "Third" } });
    const elsewhere = await move(headers, env.DB, third.body.account.id);
    expect([elsewhere.status, elsewhere.body.error_code]).toEqual([422, "IDEMPOTENCY_KEY_REUSED"]);
    expect((await move()).body.error_code).toBe("INVALID_FIELD");
  });

  it("is moved once by many copies of one request, which all hear the same", async () => {
    const { move, limits } = await withTrial();
    const headers = { "Idempotency-Key": "trial-2" };
    const answers = await Promise.all(Array.from({ length: 10 }, () => move(headers)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await limits()).toEqual([0, 50]);
  });

  it.each([
    ["with an Idempotency-Key", { "Idempotency-Key": "trial-3" }],
    ["without one", {}],
  ])("is moved where the storage's answer is lost, %s", async (_, headers) => {
    const { move, limits } = await withTrial();
    const DB = lossyDatabase(/^update "api_keys" set "plan"/);
    expect((await move(headers, DB)).status).toBe(200);
    expect(DB.losses()).toBe(1);
    expect(await limits()).toEqual([0, 50]);
  });

  it("takes null as no phone", async () => {
    const { key, id, limits } = await withTrial();
    const body = { plan: "Trial", phone: null };
    expect((await request(`/v1/keys/${id}/subscription`, { key, body })).status).toBe(200);
    expect(await limits()).toEqual([0, 50]);
    const bought = await request(`/v1/keys/${id}/subscription`, { key, body: { ...body, plan: "Starter" } });
    expect(bought.body).toMatchObject({ error_code: "MISSING_FIELDS", errors: [{ field: "phone" }] });
  });

  it("does not move to a key that is not the merchant's", async () => {
    const { move, limits } = await withTrial();
    const other = await newMerchant({ plan: null });
    for (const keyId of [other.keyId, 99_999_999]) {
      const answer = await move({}, env.DB, keyId);
      expect([answer.status, answer.body.error_code]).toEqual([404, "NOT_FOUND"]);
    }
    expect(await limits()).toEqual([50, 0]);
  });

  it("comes with a verified phone, and moves to another key with what is left of it", async () => {
    const made = await request("/operator/v1/merchants", {
      headers: { Authorization: `Bearer ${env.OPERATOR_TOKEN}` },
      body: { fullname: "Asha", email: "asha@duka.co.ke", verified_phone: newPhone() },
    });
    const { api_key: key } = made.body.key;
    expect((await push(key)).status).toBe(200);
    const second = await request("/v1/keys", { key, body: { name: "Shop" } });
    const { id, api_key: secondKey } = second.body.account;
    const moved = await request(`/v1/keys/${id}/subscription`, { key, body: { plan: "Trial" } });
    expect(moved.body).toMatchObject({ success: true });
    expect((await push(key)).body.error_code).toBe("KEY_INACTIVE");
    const read = await request(`/v1/keys/${id}`, { key });
    expect(read.body.account).toMatchObject({ active: true, limit: 49 });
    expect((await push(secondKey)).status).toBe(200);
  });
});

describe("SMS credits", () => {
  it("are bought at a shilling each, and are there when they are paid, once", async () => {
    const { body } = await buyCredits(250);
    expect(network.pushes.at(-1)).toMatchObject({ Amount: 250 });
    expect(await smsBalance()).toBe(0);
    await payLast(body);
    await payLast(body);
    expect(await smsBalance()).toBe(250);
  });

  it.each([0, -1, 1.5, "ten", null, 100_001])("cannot be %s", async (credits) => {
    const { status, body } = await buyCredits(credits);
    expect(status).toBe(400);
    expect(body.error_code).toBe(credits === null ? "MISSING_FIELDS" : "INVALID_FIELD");
    expect(network.pushes).toEqual([]);
  });

  it("cannot cost more than M-Pesa takes at a time", async () => {
    const { status, body } = await request("/v1/sms/credits", {
      key: merchant.key,
      body: { credits: 100_000, phone: newPhone() },
      env: { SMS_CREDIT_PRICE: "3" },
    });
    expect([status, body.error_code]).toEqual([400, "INVALID_FIELD"]);
    expect(body.errors).toEqual([{ field: "credits", message: "cost more than KES 250,000 together" }]);
    expect(network.pushes).toEqual([]);
  });
});

describe("the ledger", () => {
  it("books purchases as sales, and holds", async () => {
    await payLast((await subscribe("Starter")).body);
    await payLast((await buyCredits(100)).body);
    const headers = { Authorization: `Bearer ${env.OPERATOR_TOKEN}` };
    const { body } = await request("/operator/v1/ledger/verify", { headers });
    expect(body).toMatchObject({ success: true, intact: true });
    expect(body.balances.sales).toBeGreaterThanOrEqual(600);
  });
});

describe("warnings by email", () => {
  it("tell of a tenth left, of three days left, and of the end, each once", async () => {
    await payLast((await subscribe("Starter")).body);
    const told = async () => {
      await tick();
      const { results } = await env.DB.prepare(
        "SELECT subject FROM notices WHERE merchant_id = ? ORDER BY created_at",
      )
        .bind(merchant.merchantId)
        .all<{ subject: string }>();
      return results.map((row) => row.subject);
    };
    expect(await told()).toEqual([]);
    await env.DB.prepare("UPDATE api_keys SET calls_left = 100 WHERE id = ?").bind(merchant.keyId).run();
    expect(await told()).toEqual(['SmartPay: 100 calls left on "Default Account"']);
    vi.setSystemTime(NOW + 27 * DAY_MS + 1);
    expect(await told()).toHaveLength(2);
    vi.setSystemTime(NOW + 30 * DAY_MS + 1);
    await told();
    expect(await told()).toEqual([
      'SmartPay: 100 calls left on "Default Account"',
      'SmartPay: the plan of "Default Account" ends soon',
      'SmartPay: the plan of "Default Account" has ended',
    ]);
  });
});
