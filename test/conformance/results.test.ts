import { beforeAll, expect, it } from "vitest";
import { eventually, get, type Key, newPayingKey, payment, push, selfAnswered } from "./support/gateway.ts";
import { newPhone } from "./support/phone.ts";
import { isSimulated } from "./support/target.ts";

const simulated = it.runIf(isSimulated);

let own: Key;
/** Found out by asking M-Pesa, which begins 45 seconds after the push: the last test looks at it. */
let silent: string;
beforeAll(async () => {
  if (!isSimulated) return;
  own = await newPayingKey();
  silent = (await selfAnswered(own.key, "254700000700", { Prefer: "wait=0" })).body.transaction_id;
});

simulated("a payment is completed with ResultCode 0 and M-Pesa's receipt", async () => {
  const { body } = await payment(own.key, { amount: 150 });
  expect(body.transaction).toMatchObject({
    status: "completed",
    result_code: "0",
    mpesa_receipt: expect.stringMatching(/^[A-Z0-9]{10}$/),
    completed_at: expect.any(String),
  });
});

simulated("a customer who cancels is 1032", async () => {
  const { body } = await payment(own.key, {}, { action: "cancel" });
  expect(body.transaction).toMatchObject({ status: "failed", result_code: "1032", mpesa_receipt: null });
});

for (const [code, meaning] of [
  [1, "insufficient balance"],
  [1001, "a transaction in progress"],
  [1019, "an expired transaction"],
  [1037, "a customer who cannot be reached"],
  [2001, "an invalid initiator or PIN"],
  [9999, "a general error"],
] as const) {
  simulated(`${meaning} is ${code}`, async () => {
    const { body } = await selfAnswered(own.key, `2547000${String(code).padStart(5, "0")}`);
    expect(body.transaction).toMatchObject({
      status: "failed",
      result_code: String(code),
      mpesa_receipt: null,
    });
  });
}

simulated("a callback that comes three times is one payment", async () => {
  const phone = "254700000701";
  const completed = async () =>
    (await get(`/v1/transactions?status=completed&phone=${phone}&limit=100`, own.key)).body.count;
  const before = await completed();
  const { body } = await selfAnswered(own.key, phone);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect(await completed()).toBe(before + 1);
  const { webhooks } = (await get("/v1/webhooks?limit=100", own.key)).body;
  const told = webhooks.filter((each: Record<string, string>) => each.transaction_id === body.transaction_id);
  expect(told.length).toBeLessThanOrEqual(1);
});

simulated("a failure is corrected when M-Pesa later proves the payment", async () => {
  const { body } = await selfAnswered(own.key, "254700000702");
  const read = () => get(`/v1/transactions/${body.transaction_id}`, own.key);
  const done = await eventually(read, (answer) => answer.body.transaction.status === "completed");
  expect(done.body.transaction).toMatchObject({ status: "completed", result_code: "0" });
});

simulated("a forged callback credits nothing", async () => {
  const { body } = await selfAnswered(own.key, "254700000703");
  expect(body.transaction).toMatchObject({ status: "failed", result_code: "1032", mpesa_receipt: null });
});

simulated("a payment is pending until the customer has answered", async () => {
  const phone = newPhone();
  const { body } = await push(own.key, { phone });
  const { transaction } = (await get(`/v1/transactions/${body.transaction_id}`, own.key)).body;
  expect(transaction).toMatchObject({ status: "pending", result_code: null, completed_at: null });
});

simulated("a payment whose callback never comes is found out by asking M-Pesa", async () => {
  const read = () => get(`/v1/transactions/${silent}`, own.key);
  const done = await eventually(read, (answer) => answer.body.transaction.status !== "pending", 180_000);
  expect(done.body.transaction).toMatchObject({ status: "completed", result_code: "0" });
});
