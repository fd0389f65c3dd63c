import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, it } from "vitest";
import { eventually, get, type Key, newPayingKey, payment, post, put } from "./support/gateway.ts";
import { MerchantServer } from "./support/merchant-server.ts";
import { isLocal, isSimulated } from "./support/target.ts";

/** The gateway has to reach this machine, which only a local one can. */
const reachable = it.runIf(isLocal && isSimulated);

let own: Key;
let server: MerchantServer;
/** A payment whose first delivery is answered with 500, and its retry after half a minute. */
let refused: Record<string, string>;
beforeAll(async () => {
  if (!isLocal || !isSimulated) return;
  server = await MerchantServer.open();
  own = await newPayingKey();
  const destination = { method: "till", till_number: "654321", callbackurl: `${server.url}/key` };
  await put(`/v1/keys/${own.id}/destination`, own.key, destination);
  server.firstAnswers.set("/refused", 500);
  refused = (await payment(own.key, { callback_url: `${server.url}/refused` })).body.transaction;
  await server.at("/refused");
});
afterAll(() => server?.close());

const bodyOf = (received: { text: string } | undefined) => JSON.parse(received?.text ?? "null");
const deliveryOf = async (transactionId: string) => {
  const { webhooks } = (await get("/v1/webhooks?limit=100", own.key)).body;
  return webhooks.find((each: { transaction_id: string }) => each.transaction_id === transactionId);
};

reachable("a completed payment is POSTed to the key's callback URL in the text's form", async () => {
  const { body } = await payment(own.key, { amount: 150 });
  const { transaction: t } = body;
  const [received] = await server.at("/key");
  expect(bodyOf(received)).toEqual({
    Body: {
      stkCallback: {
        MerchantRequestID: t.merchant_request_id,
        CheckoutRequestID: t.checkout_request_id,
        ResultCode: 0,
        ResultDesc: expect.any(String),
        CallbackMetadata: {
          Item: [
            { Name: "Amount", Value: 150 },
            { Name: "MpesaReceiptNumber", Value: t.mpesa_receipt },
            { Name: "TransactionDate", Value: expect.any(Number) },
            { Name: "PhoneNumber", Value: Number(t.phone) },
          ],
        },
      },
    },
  });
  expect(received?.headers["content-type"]).toMatch(/^application\/json/);
});

reachable("a payment that failed is POSTed without CallbackMetadata", async () => {
  const path = "/cancelled";
  await payment(own.key, { callback_url: server.url + path }, { action: "cancel" });
  const { stkCallback } = bodyOf((await server.at(path))[0]).Body;
  expect(stkCallback).toMatchObject({ ResultCode: 1032, ResultDesc: expect.any(String) });
  expect(stkCallback).not.toHaveProperty("CallbackMetadata");
});

reachable("a payment's own callback_url wins over the key's, and hears of it once", async () => {
  const before = server.received.filter(({ path }) => path === "/key").length;
  await payment(own.key, { callback_url: `${server.url}/own` });
  await server.at("/own");
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(server.received.filter(({ path }) => path === "/own")).toHaveLength(1);
  expect(server.received.filter(({ path }) => path === "/key")).toHaveLength(before);
});

reachable("a webhook is signed by the key's secret as Standard Webhooks says", async () => {
  const path = "/signed";
  await payment(own.key, { callback_url: server.url + path });
  const { webhook_secret } = (await get(`/v1/keys/${own.id}/webhook-secret`, own.key)).body;
  const [received] = await server.at(path);
  const verify = (text: string) =>
    new Webhook(webhook_secret).verify(text, received?.headers as Record<string, string>);
  expect(verify(received?.text ?? "")).toHaveProperty("Body");
  expect(() => verify(`${received?.text} `)).toThrow();
});

reachable("for a day after a rotation the old secret signs too", async () => {
  const path = `/v1/keys/${own.id}/webhook-secret`;
  const old = (await get(path, own.key)).body.webhook_secret;
  const renewed = (await post(path, own.key)).body.webhook_secret;
  await payment(own.key, { callback_url: `${server.url}/rotated` });
  const [received] = await server.at("/rotated");
  for (const secret of [old, renewed]) {
    const headers = received?.headers as Record<string, string>; // Node's own, of which these have one value each
    expect(new Webhook(secret).verify(received?.text ?? "", headers)).toHaveProperty("Body");
  }
});

reachable("a redirect is not followed", async () => {
  server.firstAnswers.set("/moved", 302);
  const { body } = await payment(own.key, { callback_url: `${server.url}/moved` });
  await server.at("/moved");
  const read = () => deliveryOf(body.transaction_id);
  const delivery = await eventually(read, (found) => found?.attempts.length > 0);
  expect(delivery.attempts[0]).toMatchObject({ status: 302 });
  expect(server.received.filter(({ path }) => path === "/elsewhere")).toEqual([]);
});

reachable("a 410 ends the retries", async () => {
  server.firstAnswers.set("/gone", 410);
  const { body } = await payment(own.key, { callback_url: `${server.url}/gone` });
  const read = () => deliveryOf(body.transaction_id);
  const delivery = await eventually(read, (found) => found?.status === "failed");
  expect(delivery).toMatchObject({ status: "failed", attempts: [{ status: 410 }] });
});

reachable("each attempt is recorded with its status, duration and answer", async () => {
  const { body } = await payment(own.key, { callback_url: `${server.url}/noted` });
  const read = () => deliveryOf(body.transaction_id);
  const delivery = await eventually(read, (found) => found?.status === "delivered");
  expect(delivery.attempts).toMatchObject([
    { status: 200, duration_ms: expect.any(Number), response: "Thank you." },
  ]);
});

reachable("deliveries are listed by status", async () => {
  for (const status of ["delivered", "failed", "pending"]) {
    const { webhooks } = (await get(`/v1/webhooks?status=${status}`, own.key)).body;
    expect(webhooks.every((each: { status: string }) => each.status === status)).toBe(true);
  }
});

reachable("a delivery is sent again on request, under the same webhook-id", async () => {
  const { body } = await payment(own.key, { callback_url: `${server.url}/again` });
  await server.at("/again");
  const read = () => deliveryOf(body.transaction_id);
  const { id } = await eventually(read, (found) => found?.status === "delivered");
  const replayed = await post(`/v1/webhooks/${id}/replay`, own.key);
  expect(replayed.body.success).toBe(true);
  const [first, second] = await server.at("/again", 2);
  expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
  expect(second?.text).toBe(first?.text);
});

reachable("all that failed since a time is sent again on request", async () => {
  server.firstAnswers.set("/failed", 410);
  const { body } = await payment(own.key, { callback_url: `${server.url}/failed` });
  const read = () => deliveryOf(body.transaction_id);
  await eventually(read, (found) => found?.status === "failed");
  const since = body.transaction.created_at;
  expect((await post("/v1/webhooks/replay", own.key, { status: "failed", since })).body.success).toBe(true);
  expect(await server.at("/failed", 2)).toHaveLength(2);
});

reachable("a test event is marked as one", async () => {
  const before = server.received.length;
  expect((await post(`/v1/keys/${own.id}/test-webhook`, own.key)).body.success).toBe(true);
  const isTest = ({ headers }: { headers: object }) => "webhook-test" in headers;
  await eventually(
    async () => server.received.slice(before),
    (all) => all.some(isTest),
  );
  const event = bodyOf(server.received.slice(before).find(isTest));
  expect(event.Body.stkCallback.ResultCode).not.toBe(0);
});

reachable("a delivery that was not answered with 2xx is tried again, under the same webhook-id", async () => {
  const [first, second] = await server.at("/refused", 2);
  expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
  expect(bodyOf(second).Body.stkCallback.CheckoutRequestID).toBe(refused.checkout_request_id);
});
