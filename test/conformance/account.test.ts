import { randomUUID } from "node:crypto";
import { beforeAll, expect, it } from "vitest";
import {
  eventually,
  get,
  type Key,
  newKey,
  newName,
  newPayingKey,
  payment,
  post,
  put,
} from "./support/gateway.ts";
import { emailsTo, messagesTo, newPhone, pay } from "./support/phone.ts";
import { isSimulated, target } from "./support/target.ts";

const simulated = it.runIf(isSimulated);

let own: Key;
beforeAll(async () => {
  if (isSimulated) own = await newPayingKey();
});

const account = async (key: string) => (await get("/v1/account", key)).body;

it("the account has the text's fields", async () => {
  const made = await newKey();
  expect(await account(made.key)).toEqual({
    success: true,
    account: {
      account_number: expect.stringMatching(/^SP\d{8}$/),
      fullname: expect.any(String),
      verified: expect.any(Boolean),
      wallet_balance: expect.any(Number),
      sms_balance: expect.any(Number),
    },
    active_key: { id: made.id, name: made.name, plan: null, limit_remaining: 0, fraud_suspended: false },
    subscription: { plan: null, status: "none", expires_at: null, api_calls: 0 },
    transaction_stats: {
      total: expect.any(Number),
      completed: expect.any(Number),
      pending: expect.any(Number),
      failed: expect.any(Number),
    },
  });
});

simulated("the account tells the key's plan and what is left of it", async () => {
  const { active_key, subscription } = await account(own.key);
  expect(active_key).toMatchObject({ plan: "Starter", limit_remaining: expect.any(Number) });
  expect(subscription).toMatchObject({ plan: "Starter", status: "active", api_calls: 1_000 });
  const days = (Date.parse(`${subscription.expires_at.replace(" ", "T")}+03:00`) - Date.now()) / 86_400_000;
  expect(days).toBeGreaterThan(0);
  expect(days).toBeLessThanOrEqual(30.01);
});

simulated("the figures count every payment by its state", async () => {
  // Prompts that other tests left unanswered time out first, after a minute at the most.
  const settled = await eventually(
    () => account(own.key),
    ({ transaction_stats }) => transaction_stats.pending === 0,
    90_000,
  );
  const before = settled.transaction_stats;
  await payment(own.key);
  await payment(own.key, {}, { action: "cancel" });
  expect((await account(own.key)).transaction_stats).toEqual({
    ...before,
    total: before.total + 2,
    completed: before.completed + 1,
    failed: before.failed + 1,
  });
});

it("the plans have the contract's names, prices and calls", async () => {
  const { plans } = (await get("/v1/plans", target.key)).body;
  expect(plans).toMatchObject([
    { name: "Trial", price: 0, calls: 50, days: 14 },
    { name: "Starter", price: 500, calls: 1_000, days: 30 },
    { name: "Professional", price: 2_000, calls: 5_000, days: 30 },
    { name: "Business", price: 7_500, calls: 25_000, days: 30 },
  ]);
});

simulated("a plan bought on top adds its calls, and is in no list", async () => {
  const { limit_remaining } = (await account(own.key)).active_key;
  const phone = newPhone();
  const { body } = await post(`/v1/keys/${own.id}/subscription`, own.key, { plan: "Starter", phone });
  expect(body).toMatchObject({ success: true, checkout_request_id: expect.any(String) });
  await pay(phone);
  const grown = await eventually(
    () => account(own.key),
    (answer) => answer.active_key.limit_remaining > limit_remaining,
  );
  expect(grown.active_key.limit_remaining).toBe(limit_remaining + 1_000);
  const { transactions } = (await get(`/v1/transactions?phone=${phone}`, own.key)).body;
  expect(transactions).toEqual([]);
  expect((await get(`/v1/transactions/${body.checkout_request_id}`, own.key)).body.success).toBe(true);
});

it("an unknown plan is refused", async () => {
  const made = await newKey();
  const { status } = await post(`/v1/keys/${made.id}/subscription`, made.key, {
    plan: "Gold",
    phone: newPhone(),
  });
  expect(status).toBe(400);
});

it.runIf(isSimulated && target.verifiedPhone)(
  "a payment to the wallet is credited, and can be withdrawn",
  async () => {
    const made = await newPayingKey();
    await put(`/v1/keys/${made.id}/destination`, made.key, { method: "wallet" });
    const before = (await account(made.key)).account.wallet_balance;
    await payment(made.key, { amount: 10 });
    expect((await account(made.key)).account.wallet_balance).toBe(before + 10);

    const order = { amount: 10, phone: target.verifiedPhone };
    const headers = { "Idempotency-Key": randomUUID() };
    const { status, body } = await post("/v1/account/withdrawals", made.key, order, { headers });
    expect([status, body.success]).toEqual([201, true]);
    expect((await account(made.key)).account.wallet_balance).toBe(before);
    const again = await post("/v1/account/withdrawals", made.key, order, { headers });
    expect(again.headers.get("Idempotent-Replayed")).toBe("true");
    expect((await account(made.key)).account.wallet_balance).toBe(before);
    const { id } = again.body.withdrawal;
    const read = () => get(`/v1/account/withdrawals/${id}`, made.key);
    const paid = await eventually(read, (answer) => answer.body.withdrawal.status === "paid");
    expect(paid.body.withdrawal).toMatchObject({ status: "paid", amount: 10, receipt: expect.any(String) });
  },
);

it("a withdrawal needs an Idempotency-Key, 10 to 250,000 shillings and a verified phone", async () => {
  const made = await newKey();
  const withdraw = (body: object, headers?: Record<string, string>) =>
    post("/v1/account/withdrawals", made.key, body, { headers });
  const named = () => ({ "Idempotency-Key": randomUUID() });
  const phone = target.verifiedPhone ?? newPhone();
  expect((await withdraw({ amount: 10, phone })).status).toBe(400);
  for (const amount of [9, 250_001]) {
    expect((await withdraw({ amount, phone }, named())).body.error_code).toBe("INVALID_AMOUNT");
  }
  expect((await withdraw({ amount: 10, phone: newPhone() }, named())).body.success).toBe(false);
});

simulated("a payment to a phone is paid out to it", async () => {
  const made = await newPayingKey();
  const destination = { method: "phone", phone: newPhone() };
  await put(`/v1/keys/${made.id}/destination`, made.key, destination);
  const { body } = await payment(made.key, { amount: 25 });
  expect(body.transaction).toMatchObject({ destination, payout: { amount: 25 } });
  const read = () => get(`/v1/transactions/${body.transaction_id}`, made.key);
  const paid = await eventually(read, (answer) => answer.body.transaction.payout.status === "paid");
  expect(paid.body.transaction.payout).toMatchObject({ status: "paid", receipt: expect.any(String) });
  const { payouts } = (await get("/v1/payouts", made.key)).body;
  expect(payouts[0]).toMatchObject({ transaction_id: body.transaction_id, amount: 25, status: "paid" });
});

simulated("a completed payment is told by email and by SMS to whom the key names", async () => {
  const made = await newPayingKey();
  const notify_email = `${newName().replace(" ", ".")}@example.com`;
  const notify_phone = newPhone();
  await put(`/v1/keys/${made.id}/notifications`, made.key, { notify_email, notify_phone });
  const { sms_balance } = (await account(made.key)).account;
  const { body } = await payment(made.key, { amount: 31 });
  const { mpesa_receipt } = body.transaction;
  const emails = await eventually(
    () => emailsTo(notify_email),
    (found) => found.length > 0,
  );
  expect(JSON.stringify(emails)).toContain(mpesa_receipt);
  if (sms_balance > 0) {
    const messages = await eventually(
      () => messagesTo(notify_phone),
      (found) => found.length > 0,
    );
    expect(messages.join()).toContain(mpesa_receipt);
    expect((await account(made.key)).account.sms_balance).toBe(sms_balance - 1);
    const phone = newPhone();
    await post("/v1/sms/credits", made.key, { credits: 1, phone });
    await pay(phone);
  }
});
