import { beforeEach, describe, expect, it } from "vitest";
import { receiptSms } from "../../../src/features/receipts/rules.ts";
import {
  callBack,
  failed,
  type Merchant,
  newMerchant,
  newReceipt,
  paid,
  push,
  readTransaction,
  request,
  rows,
  setKey,
  tick,
} from "../../support/gateway.ts";
import { freshNetwork, type Network } from "../../support/network.ts";

let network: Network;
beforeEach(() => {
  network = freshNetwork();
});

const both = { notify_email: "pay@myapp.com", notify_phone: "254712345678" };
const setNotifications = ({ key, keyId }: Merchant, body: object) =>
  request(`/v1/keys/${keyId}/notifications`, { key, method: "PUT", body });

type Notice = { id: string; channel: string; recipient: string; subject: string; body: string };
const notices = ({ merchantId }: Merchant) =>
  rows<Notice>("SELECT * FROM notices WHERE merchant_id = ? ORDER BY id", merchantId);

/** A payment that M-Pesa confirms `copies` times at once. */
async function pay(merchant: Merchant, body: object = {}, copies = 1): Promise<string> {
  const pushed = await push(merchant.key, body);
  const url = network.pushes.at(-1)?.CallBackURL ?? "";
  const receipt = newReceipt();
  const word = paid(pushed.body, { receipt });
  await Promise.all(Array.from({ length: copies }, () => callBack(url, word)));
  return pushed.body.transaction_id;
}

describe("a completed payment", () => {
  it("is told by email and by SMS, as the key has it", async () => {
    const merchant = await newMerchant();
    await setNotifications(merchant, both);
    const id = await pay(merchant, { account_reference: "ORDER_101", phone: "0722000111" });
    const { mpesa_receipt: receipt } = await readTransaction(merchant.key, id);
    const [email, sms] = await notices(merchant);
    expect(email).toMatchObject({
      id: `payment_completed:${id}:email`,
      channel: "email",
      recipient: "pay@myapp.com",
      subject: "Payment received: KES 150 from 254722000111, ORDER_101",
    });
    const facts = [
      "KES 150",
      "Default Account",
      "254722000111",
      "ORDER_101",
      receipt,
      "2026-11-24 09:30:15 EAT",
    ];
    for (const fact of facts) expect(email?.body).toContain(fact);
    expect(sms).toMatchObject({
      channel: "sms",
      recipient: "254712345678",
      body: `SmartPay: KES 150 received from 254722000111, ref ORDER_101. M-PESA ${receipt}. 2026-11-24 09:30 EAT`,
    });
  });

  it.each([
    [{ notify_email: "pay@myapp.com" }, ["email"]],
    [{ notify_phone: "0712345678" }, ["sms"]],
    [{ notify_email: "", notify_phone: "" }, []],
  ])("with %j is told by %j alone", async (set, channels) => {
    const merchant = await newMerchant();
    await setNotifications(merchant, set);
    await pay(merchant);
    expect((await notices(merchant)).map(({ channel }) => channel)).toEqual(channels);
  });

  it("is told once, however often and at once M-Pesa calls back", async () => {
    const merchant = await newMerchant();
    await setNotifications(merchant, both);
    await pay(merchant, {}, 5);
    expect(await notices(merchant)).toHaveLength(2);
  });

  it("is told when it was called failed first, and its failure is not", async () => {
    const merchant = await newMerchant();
    await setNotifications(merchant, { notify_email: "pay@myapp.com" });
    const pushed = await push(merchant.key);
    const url = network.pushes.at(-1)?.CallBackURL ?? "";
    await callBack(url, failed(pushed.body, 1037, "DS timeout"));
    expect(await notices(merchant)).toEqual([]);
    await callBack(url, paid(pushed.body));
    await callBack(url, failed(pushed.body, 1037, "DS timeout"));
    expect(await notices(merchant)).toHaveLength(1);
  });

  it("is told to nobody where the merchant bought from the operator", async () => {
    const merchant = await newMerchant();
    await setNotifications(merchant, both);
    const pushed = await push(merchant.key);
    const purchase = JSON.stringify({ kind: "sms_credits", credits: 1 });
    await rows("UPDATE transactions SET purchase = ? WHERE id = ?", purchase, pushed.body.transaction_id);
    await callBack(network.pushes.at(-1)?.CallBackURL ?? "", paid(pushed.body));
    expect(await notices(merchant)).toEqual([]);
  });

  it("by a key that was deleted meanwhile is told as before", async () => {
    const merchant = await newMerchant();
    await setNotifications(merchant, { notify_email: "pay@myapp.com" });
    const pushed = await push(merchant.key);
    await setKey(merchant, "deleted_at = 1, is_default = 0");
    await callBack(network.pushes.at(-1)?.CallBackURL ?? "", paid(pushed.body));
    expect(await notices(merchant)).toHaveLength(1);
  });

  it("stays completed while the email service is down, and is told when it is back", async () => {
    const merchant = await newMerchant();
    await setNotifications(merchant, { notify_email: "pay@myapp.com" });
    network.merchant = () => new Response("down", { status: 503 });
    const id = await pay(merchant);
    const email = { EMAIL_API_KEY: "key", EMAIL_BASE_URL: "https://email.test" };
    await tick(email);
    expect(await readTransaction(merchant.key, id)).toMatchObject({ status: "completed" });
    network.merchant = () => new Response("{}");
    await rows("UPDATE notices SET due_at = 1 WHERE merchant_id = ?", merchant.merchantId);
    await tick(email);
    await tick(email);
    const state = "SELECT status FROM notices WHERE merchant_id = ?";
    expect(await rows(state, merchant.merchantId)).toEqual([{ status: "sent" }]);
  });
});

describe("the SMS of a completed payment", () => {
  /** Pays, and lets the sweep send what the queue of the tests loses. */
  async function payWith(credits: number) {
    const merchant = await newMerchant();
    await rows("UPDATE wallets SET sms_credits = ? WHERE merchant_id = ?", credits, merchant.merchantId);
    await setNotifications(merchant, { notify_phone: "0712345678" });
    const id = await pay(merchant);
    await rows(
      "UPDATE notices SET due_at = 1 WHERE merchant_id = ? AND due_at IS NOT NULL",
      merchant.merchantId,
    );
    await tick();
    await tick();
    const { body } = await request("/v1/account", { key: merchant.key });
    const [notice] = await rows<{ status: string; body: string }>(
      "SELECT status, body FROM notices WHERE merchant_id = ?",
      merchant.merchantId,
    );
    const { status } = await readTransaction(merchant.key, id);
    return { left: body.account.sms_balance, notice, status };
  }

  it("costs one of the merchant's credits", async () => {
    expect(await payWith(5)).toMatchObject({ left: 4, notice: { status: "sent" }, status: "completed" });
    expect(network.count("sms.test")).toBe(1);
  });

  it("is skipped without credits, and the payment is completed all the same", async () => {
    expect(await payWith(0)).toMatchObject({ left: 0, notice: { status: "skipped" }, status: "completed" });
    expect(network.count("sms.test")).toBe(0);
  });
});

it("an SMS of the longest reference and amount fits one credit", () => {
  const payment = { id: "tx_1", merchantId: 10_000_000, keyId: 1, amount: 300_000, phone: "254722000111" };
  const told = { receipt: "TFH774CBH1", paidAt: Date.parse("2027-06-03T12:00:00Z") };
  const text = receiptSms({ ...payment, ...told, accountReference: "🛒".repeat(64) });
  expect([...text].length).toBeLessThanOrEqual(160);
  expect(text).toMatch(/M-PESA TFH774CBH1\. 2027-06-03 15:00 EAT$/);
});
