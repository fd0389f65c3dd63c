import { randomUUID } from "node:crypto";
import { beforeAll, expect, it } from "vitest";
import { get, type Key, newKey, newPayingKey, payment, post, push, put } from "./support/gateway.ts";
import { control, newPhone, pay, promptOn, promptsOn } from "./support/phone.ts";
import { isLocal, isSimulated, target } from "./support/target.ts";

const simulated = it.runIf(isSimulated);

let own: Key;
/** Reads and manages, so that what waits for its minute is never a push whose prompt would expire meanwhile. */
let desk: Key;
beforeAll(async () => {
  // Without a plan nothing that should be refused, and is not, could reach a phone.
  desk = await newKey();
  own = isSimulated ? await newPayingKey() : await newKey();
});

const limitOf = async ({ id }: Key) => (await get(`/v1/keys/${id}`, desk.key)).body.account.limit;

it.runIf(target.livePhone)("a live phone is prompted for KES 1", async () => {
  const { status, body } = await push(target.key, { phone: target.livePhone });
  expect([status, body]).toMatchObject([200, { success: true, checkout_request_id: expect.any(String) }]);
});

simulated("a push is answered with the text's message and ids", async () => {
  const phone = newPhone();
  const { status, body } = await push(own.key, { phone, amount: 150, account_reference: "ORDER_101" });
  expect([status, body]).toEqual([
    200,
    {
      success: true,
      message: "STK Push initiated successfully.",
      checkout_request_id: expect.any(String),
      merchant_request_id: expect.any(String),
      transaction_id: expect.any(String),
    },
  ]);
  const prompt = await pay(phone);
  expect(prompt).toMatchObject({ amount: 150, checkout_request_id: body.checkout_request_id });
});

simulated("phones are taken in every spelling of the text", async () => {
  const digits = newPhone().slice(4);
  const other = newPhone().slice(4);
  for (const [written, phone] of [
    [`2547${digits}`, `2547${digits}`],
    [`07${digits}`, `2547${digits}`],
    [`2541${other}`, `2541${other}`],
    [`01${other}`, `2541${other}`],
  ] as const) {
    const { body } = await push(own.key, { phone: written });
    expect(body).toMatchObject({ success: true });
    await pay(phone, { action: "cancel" });
    const { transaction } = (await get(`/v1/transactions/${body.transaction_id}`, desk.key)).body;
    expect(transaction.phone).toBe(phone);
  }
});

it("a phone of another form is INVALID_PHONE", async () => {
  for (const phone of [
    "12345",
    "25471234567",
    "2547123456789",
    "254212345678",
    "0612345678",
    "+1 202 555 0100",
    "",
  ]) {
    const { status, body } = await push(own.key, { phone });
    expect([phone, status, body.error_code]).toEqual([phone, 400, "INVALID_PHONE"]);
  }
});

it("an amount outside of 1 to 300,000 whole shillings is INVALID_AMOUNT", async () => {
  for (const amount of [0, -1, 300_001, 1.5, "ten", "", true]) {
    const { status, body } = await push(own.key, { amount });
    expect([amount, status, body.error_code]).toEqual([amount, 400, "INVALID_AMOUNT"]);
  }
});

simulated("the amounts at both ends of the range are taken", async () => {
  for (const amount of [1, 300_000]) {
    expect((await push(own.key, { amount })).body).toMatchObject({ success: true });
  }
});

it("without phone or amount it is MISSING_FIELDS", async () => {
  for (const body of [{}, { phone: "254712345678" }, { amount: 1 }, { phone: null, amount: 1 }]) {
    const answer = await post("/v1/stk/push", own.key, body);
    expect([answer.status, answer.body.error_code]).toEqual([400, "MISSING_FIELDS"]);
  }
});

simulated("reference and description are SMARTPAY and SmartPay Payment if not given", async () => {
  const phone = newPhone();
  await put(`/v1/keys/${own.id}/destination`, desk.key, { method: "till", till_number: "654321" });
  const { body } = await push(own.key, { phone });
  expect((await pay(phone)).account_reference).toBe("SMARTPAY");
  const { transaction } = (await get(`/v1/transactions/${body.transaction_id}`, desk.key)).body;
  expect(transaction).toMatchObject({ account_reference: "SMARTPAY", description: "SmartPay Payment" });
});

simulated("a long reference is kept whole, and its first 12 characters are prompted", async () => {
  const phone = newPhone();
  const account_reference = "ORDER-101/2026 (Nairobi)";
  const { body } = await push(own.key, { phone, account_reference, description: "Maize flour, 2 kg" });
  expect((await pay(phone)).account_reference).toBe("ORDER-101202");
  const { transaction } = (await get(`/v1/transactions/${body.transaction_id}`, desk.key)).body;
  expect(transaction).toMatchObject({ account_reference, description: "Maize flour, 2 kg" });
});

it("references of more than 64 and descriptions of more than 128 characters are INVALID_FIELD", async () => {
  for (const fields of [{ account_reference: "x".repeat(65) }, { description: "x".repeat(129) }]) {
    const { status, body } = await push(own.key, fields);
    expect([status, body.error_code]).toEqual([400, "INVALID_FIELD"]);
  }
});

simulated("metadata is given back with the transaction", async () => {
  const metadata = { order: "101", cashier: "Wanjiku" };
  const { body } = await payment(own.key, { metadata });
  expect(body.transaction.metadata).toEqual(metadata);
});

simulated("Prefer: wait answers with the transaction as soon as it is final", async () => {
  const { status, body } = await payment(own.key);
  expect([status, body]).toMatchObject([
    200,
    { success: true, checkout_request_id: expect.any(String), transaction: { status: "completed" } },
  ]);
});

simulated("a push costs one call of the key's limit, and a refused one none", async () => {
  const before = await limitOf(own);
  await payment(own.key);
  expect(await limitOf(own)).toBe(before - 1);
  await push(own.key, { phone: "12345" });
  expect(await limitOf(own)).toBe(before - 1);
});

simulated("the fourth push to a phone in five minutes is PHONE_RATE_LIMIT", async () => {
  const phone = newPhone();
  for (let i = 0; i < 3; i++) {
    expect((await push(own.key, { phone })).body.success).toBe(true);
    await pay(phone, { action: "cancel" });
  }
  const before = await limitOf(own);
  const { status, headers, body } = await push(own.key, { phone });
  expect([status, body.error_code]).toEqual([429, "PHONE_RATE_LIMIT"]);
  expect(Number(headers.get("Retry-After"))).toBeGreaterThan(0);
  expect(await limitOf(own)).toBe(before);
});

simulated("what M-Pesa refuses is PAYMENT_FAILURE, costs no call, and is stored as failed", async () => {
  const before = await limitOf(own);
  await control("PUT", "/faults", { stk_push: { refuse: { count: 1 } } });
  const { status, body } = await push(own.key);
  await control("DELETE", "/faults");
  expect([status, body.error_code]).toEqual([500, "PAYMENT_FAILURE"]);
  expect(await limitOf(own)).toBe(before);
  const { transactions } = (await get(`/v1/transactions?key_id=${own.id}&limit=1`, desk.key)).body;
  expect(transactions[0]).toMatchObject({ status: "failed", mpesa_receipt: null });
});

simulated("what M-Pesa leaves unclear is answered with 202 and an id that stays valid", async () => {
  await control("PUT", "/faults", { stk_push: { html_503: { count: 1 } } });
  const { status, body } = await push(own.key);
  await control("DELETE", "/faults");
  expect([status, body.success]).toEqual([202, true]);
  const { transaction } = (await get(`/v1/transactions/${body.checkout_request_id}`, desk.key)).body;
  expect(transaction).toMatchObject({ status: "pending", checkout_request_id: body.checkout_request_id });
});

simulated("the same Idempotency-Key and body get the first answer again, and no second prompt", async () => {
  const headers = { "Idempotency-Key": randomUUID() };
  const order = { phone: newPhone(), amount: 20 };
  const first = await push(own.key, order, { headers });
  await pay(order.phone, { action: "cancel" });
  const before = await limitOf(own);
  const again = await push(own.key, order, { headers });
  expect(again.body).toEqual(first.body);
  expect(again.headers.get("Idempotent-Replayed")).toBe("true");
  expect(await limitOf(own)).toBe(before);
  expect(await promptsOn(order.phone)).toEqual([]);
});

simulated("the same Idempotency-Key with another body is IDEMPOTENCY_KEY_REUSED", async () => {
  const headers = { "Idempotency-Key": `"${randomUUID()}"` };
  const phone = newPhone();
  await push(own.key, { phone, amount: 20 }, { headers });
  await pay(phone, { action: "cancel" });
  const { status, body } = await push(own.key, { phone, amount: 21 }, { headers });
  expect([status, body.error_code]).toEqual([422, "IDEMPOTENCY_KEY_REUSED"]);
});

it("an Idempotency-Key has 1 to 255 visible ASCII characters", async () => {
  const { key } = await newKey();
  for (const name of ["x".repeat(256), "with space", '""']) {
    const { status, body } = await push(key, {}, { headers: { "Idempotency-Key": name } });
    expect([name, status, body.error_code]).toEqual([name, 400, "INVALID_FIELD"]);
  }
  const longest = { "Idempotency-Key": "x".repeat(255) };
  expect((await push(key, {}, { headers: longest })).body.error_code).toBe("KEY_INACTIVE");
});

simulated("the money goes where the key's destination says", async () => {
  const numbers = { paybill: "123456", till: "65432", bankpaybill: "247247" };
  for (const [destination, to] of [
    [{ method: "paybill", paybill_number: numbers.paybill, account_number: "ACC001" }, numbers.paybill],
    [{ method: "till", till_number: numbers.till }, numbers.till],
    [
      { method: "bankpaybill", bank_code: numbers.bankpaybill, bank_account: "0123456789" },
      numbers.bankpaybill,
    ],
  ] as const) {
    await put(`/v1/keys/${own.id}/destination`, desk.key, destination);
    const amount = 10 + Math.floor(Math.random() * 900);
    const { body } = await payment(own.key, { amount });
    expect(body.transaction).toMatchObject({ status: "completed", destination });
    const paid = () => control("GET", "/ledger") as Promise<{ entries: { to: string; amount: number }[] }>;
    const { entries } = await paid();
    expect(entries.findLast((entry) => entry.to === to && entry.amount === amount)).toBeDefined();
  }
});

simulated("a change of the destination moves no money that is on its way", async () => {
  const phone = newPhone();
  await put(`/v1/keys/${own.id}/destination`, desk.key, { method: "till", till_number: "654321" });
  const { body } = await push(own.key, { phone });
  await put(`/v1/keys/${own.id}/destination`, desk.key, { method: "till", till_number: "777777" });
  expect((await promptOn(phone)).payee_number).toBe(isLocal ? "654321" : expect.any(String));
  await pay(phone);
  const { transaction } = (await get(`/v1/transactions/${body.transaction_id}`, desk.key)).body;
  expect(transaction.destination).toEqual({ method: "till", till_number: "654321" });
});
