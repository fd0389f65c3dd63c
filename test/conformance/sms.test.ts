import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { call, eventually, get, type Key, newKey, post } from "./support/gateway.ts";
import { messagesTo, newPhone, pay } from "./support/phone.ts";
import { isSimulated } from "./support/target.ts";

const simulated = it.runIf(isSimulated);

let own: Key;
let creditsBefore: number;
const balance = async () => (await get("/v1/sms/balance", own.key)).body.data.balance;

async function buy(credits: number) {
  const had = await balance();
  const phone = newPhone();
  const { body } = await post("/v1/sms/credits", own.key, { credits, phone });
  expect(body).toMatchObject({ success: true, checkout_request_id: expect.any(String) });
  await pay(phone);
  return eventually(balance, (has) => has >= had + credits);
}

beforeAll(async () => {
  own = await newKey();
  creditsBefore = await balance();
  if (isSimulated && creditsBefore < 20) await buy(20 - creditsBefore);
});

/** What the tests have sent is bought again. */
afterAll(async () => {
  const used = creditsBefore - (await balance());
  if (isSimulated && used > 0) await buy(used);
});

const send = (body: object, headers?: Record<string, string>) => post("/v1/sms/", own.key, body, { headers });

simulated("an SMS is sent with X-API-Key, and answered with the text's fields", async () => {
  const before = await balance();
  const phone = newPhone();
  const { status, body } = await call("POST", "/v1/sms/", {
    headers: { "X-API-Key": own.key },
    body: { phone: `0${phone.slice(3)}`, message: "Hello from SmartPay!" },
  });
  expect([status, body]).toEqual([
    200,
    {
      success: true,
      status: "success",
      data: {
        transaction_id: expect.any(String),
        mobile: phone,
        sms_parts: 1,
        characters: 20,
        cost: 1,
        encoding: "GSM-7",
        remaining_balance: before - 1,
      },
    },
  ]);
  const messages = await eventually(
    () => messagesTo(phone),
    (found) => found.length > 0,
  );
  expect(messages).toEqual(["Hello from SmartPay!"]);
});

simulated("SMS go to numbers of the forms 07XX, 01XX and 254XX", async () => {
  const [first, second] = [newPhone(), `2541${newPhone().slice(4)}`];
  for (const [written, mobile] of [
    [`0${first.slice(3)}`, first],
    [`0${second.slice(3)}`, second],
    [first, first],
  ] as const) {
    expect((await send({ phone: written, message: "x" })).body.data.mobile).toBe(mobile);
  }
});

for (const [characters, parts] of [
  [160, 1],
  [161, 2],
  [320, 2],
  [321, 3],
  [480, 3],
  [481, 4],
  [640, 4],
] as const) {
  simulated(`${characters} characters are ${parts} SMS and cost as many credits`, async () => {
    const { body } = await send({ phone: newPhone(), message: "x".repeat(characters) });
    expect(body.data).toMatchObject({ characters, sms_parts: parts, cost: parts });
  });
}

it("a message of more than 640 characters is refused", async () => {
  const { status, body } = await send({ phone: "0712345678", message: "x".repeat(641) });
  expect([status, body.status, body.error_code]).toEqual([400, "error", "INVALID_FIELD"]);
});

it("an SMS without phone or message is MISSING_FIELDS, and to no number INVALID_PHONE", async () => {
  for (const body of [{}, { phone: "0712345678" }, { message: "x" }]) {
    expect((await send(body)).body).toMatchObject({ status: "error", error_code: "MISSING_FIELDS" });
  }
  expect((await send({ phone: "123", message: "x" })).body.error_code).toBe("INVALID_PHONE");
});

simulated("one message goes to many numbers, and what is no number is named", async () => {
  const phones = [newPhone(), newPhone()];
  for (const phone of [[...phones, "123"], `${phones.join(",")}\n123`]) {
    const { body } = await send({ phone, message: "Hello" });
    expect(body.data).toMatchObject({
      messages: phones.map((mobile) => ({ mobile, cost: 1, transaction_id: expect.any(String) })),
      rejected: [expect.anything()],
      cost: 2,
    });
  }
});

it("more than 100 numbers are refused", async () => {
  const phone = Array.from({ length: 101 }, (_, i) => `2547123${String(i).padStart(5, "0")}`);
  expect((await send({ phone, message: "x" })).body.error_code).toBe("INVALID_FIELD");
});

it("the SMS balance is told", async () => {
  const { body } = await get("/v1/sms/balance", own.key);
  expect(body).toEqual({ success: true, status: "success", data: { balance: expect.any(Number) } });
  expect((await get("/v1/account", own.key)).body.account.sms_balance).toBe(body.data.balance);
});

simulated("what became of an SMS is told by its transaction_id", async () => {
  const { transaction_id } = (await send({ phone: newPhone(), message: "Hello" })).body.data;
  const read = () => get(`/v1/sms/${transaction_id}`, own.key);
  const { body } = await eventually(read, (answer) =>
    ["sent", "delivered"].includes(answer.body.data?.status),
  );
  expect(body.data).toMatchObject({ transaction_id, cost: 1 });
  expect(["sent", "delivered"]).toContain(body.data.status);
  expect((await get("/v1/sms/1", own.key)).body.error_code).toBe("NOT_FOUND");
});

simulated("an SMS with the same Idempotency-Key is sent and paid once", async () => {
  const headers = { "Idempotency-Key": randomUUID() };
  const phone = newPhone();
  const first = await send({ phone, message: "Once" }, headers);
  const before = await balance();
  const again = await send({ phone, message: "Once" }, headers);
  expect(again.body).toEqual(first.body);
  expect(again.headers.get("Idempotent-Replayed")).toBe("true");
  expect(await balance()).toBe(before);
});

simulated("SMS credits are bought by a push", async () => {
  const before = await balance();
  expect(await buy(2)).toBe(before + 2);
});
