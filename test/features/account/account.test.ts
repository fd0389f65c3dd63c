import { beforeEach, describe, expect, it, vi } from "vitest";
import { depth, slowBindings, type Trip } from "../../support/bindings.ts";
import {
  callBack,
  failed,
  newMerchant,
  newPhone,
  paid,
  push,
  request,
  rows,
  setKey,
} from "../../support/gateway.ts";
import { freshNetwork, type Network } from "../../support/network.ts";
import { plansOf, SCAN_OR_SORT } from "../../support/plans.ts";

let network: Network;
beforeEach(() => {
  network = freshNetwork();
});

const account = async (key: string) => (await request("/v1/account", { key })).body;

async function pay(key: string, end?: "completed" | "failed"): Promise<void> {
  const { body } = await push(key);
  const url = network.pushes.at(-1)?.CallBackURL ?? "";
  if (end === "completed") await callBack(url, paid(body));
  if (end === "failed") await callBack(url, failed(body, 1032, "Cancelled"));
}

describe("the account", () => {
  it("has the text's form, in the text's order, with the balances added", async () => {
    const merchant = await newMerchant();
    const { merchantId, keyId, key } = merchant;
    await setKey(
      merchant,
      "calls_left = 4853, name = 'Production App', expires_at = ?",
      Date.parse("2027-07-01T00:00:00+03:00"),
    );
    await rows("INSERT INTO verified_phones VALUES (?, ?, 1)", newPhone(), merchantId);
    await rows("UPDATE wallets SET sms_credits = 99 WHERE merchant_id = ?", merchantId);
    await pay(key, "completed");
    await pay(key, "failed");
    await pay(key);
    expect(JSON.stringify(await account(key))).toBe(
      JSON.stringify({
        success: true,
        account: {
          account_number: merchant.account,
          fullname: "John Kamau",
          verified: true,
          wallet_balance: 150,
          sms_balance: 99,
        },
        active_key: {
          id: keyId,
          name: "Production App",
          plan: "Professional",
          limit_remaining: 4850,
          fraud_suspended: false,
        },
        subscription: {
          plan: "Professional",
          status: "active",
          expires_at: "2027-07-01 00:00:00",
          api_calls: 5000,
        },
        transaction_stats: { total: 3, completed: 1, pending: 1, failed: 1 },
      }),
    );
  });

  it("of a merchant without plan and phone says so", async () => {
    const { key } = await newMerchant({ plan: null });
    expect(await account(key)).toMatchObject({
      account: { verified: false, wallet_balance: 0, sms_balance: 0 },
      active_key: { plan: null, limit_remaining: 0 },
      subscription: { plan: null, status: "none", expires_at: null, api_calls: 0 },
      transaction_stats: { total: 0, completed: 0, pending: 0, failed: 0 },
    });
  });

  it("tells an expired subscription to the millisecond, and that its calls have lapsed", async () => {
    const merchant = await newMerchant();
    vi.useFakeTimers({ toFake: ["Date"] });
    await setKey(merchant, "expires_at = ?", Date.now() + 1);
    expect((await account(merchant.key)).subscription.status).toBe("active");
    await setKey(merchant, "expires_at = ?", Date.now());
    expect(await account(merchant.key)).toMatchObject({
      active_key: { plan: "Professional", limit_remaining: 0 },
      subscription: { plan: "Professional", status: "expired" },
    });
  });

  it("tells a suspension", async () => {
    const merchant = await newMerchant();
    await setKey(merchant, "suspended_at = 1");
    expect((await account(merchant.key)).active_key.fraud_suspended).toBe(true);
  });

  it("is told with the calling key, and with the figures of all keys, deleted ones too", async () => {
    const merchant = await newMerchant();
    const created = await request("/v1/keys", { key: merchant.key, body: { name: "Kiosk" } });
    const { id, api_key } = created.body.account;
    await setKey({ ...merchant, keyId: id }, "calls_left = 9, expires_at = 4e12");
    await pay(api_key, "completed");
    await pay(merchant.key, "failed");
    expect(await account(api_key)).toMatchObject({
      active_key: { id, name: "Kiosk", plan: null, limit_remaining: 8 },
      transaction_stats: { total: 2, completed: 1, pending: 0, failed: 1 },
    });
    await request(`/v1/keys/${id}`, { key: merchant.key, method: "DELETE" });
    expect((await account(merchant.key)).transaction_stats).toMatchObject({ total: 2, completed: 1 });
    expect((await account(api_key)).error_code).toBe("INVALID_API_KEY");
  });

  it("is the merchant's own", async () => {
    const [one, two] = [await newMerchant(), await newMerchant()];
    await pay(one.key, "completed");
    expect(await account(two.key)).toMatchObject({
      account: { account_number: two.account, wallet_balance: 0 },
      transaction_stats: { total: 0 },
    });
  });

  it("counts a payment that failed first and completed later as completed, and no undone start", async () => {
    const { key } = await newMerchant();
    const { body } = await push(key);
    const url = network.pushes.at(-1)?.CallBackURL ?? "";
    await callBack(url, failed(body, 1037, "Timeout"));
    await callBack(url, paid(body));
    expect((await account(key)).transaction_stats).toEqual({ total: 1, completed: 1, pending: 0, failed: 0 });
  });

  it("is not for a key of scope payments, nor for none", async () => {
    const { key } = await newMerchant();
    const made = await request("/v1/keys", { key, body: { name: "Till", scope: "payments" } });
    const answer = await request("/v1/account", { key: made.body.account.api_key });
    expect([answer.status, answer.body.error_code]).toEqual([403, "FORBIDDEN_SCOPE"]);
    expect((await request("/v1/account")).body.error_code).toBe("MISSING_AUTH");
    expect((await request("/v1/account/", { key })).status).toBe(200);
  });

  it("is read without a scan or a sort", async () => {
    const plans = await plansOf("/v1/account", await newMerchant());
    expect(plans.length).toBeGreaterThan(4);
    for (const step of plans) expect(step).not.toMatch(SCAN_OR_SORT);
  });

  it("is one storage trip", async () => {
    const { key } = await newMerchant();
    await account(key);
    const trips: Trip[] = [];
    await request("/v1/account", { key, env: slowBindings({ delayMs: () => 5, trips }) });
    expect(depth(trips)).toBe(1);
  });
});
