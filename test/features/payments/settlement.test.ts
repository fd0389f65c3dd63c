import {
  createExecutionContext,
  createMessageBatch,
  env,
  getQueueResult,
  waitOnExecutionContext,
} from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createDeps } from "../../../src/deps.ts";
import type { CallbackMessage } from "../../../src/features/callbacks/message.ts";
import { reconcileDue } from "../../../src/features/payments/job.ts";
import { resultUrls } from "../../../src/features/payouts/callback-url.ts";
import { newPayoutId, storedMerchantId } from "../../../src/lib/ids.ts";
import { bringMessages, handleQueue } from "../../../src/queues.ts";
import { interceptedDatabase } from "../../support/database.ts";
import {
  type Answer,
  callBack,
  callsLeft,
  failed,
  lastPayment,
  type Merchant,
  newMerchant,
  newPhone,
  newReceipt,
  paid,
  push,
  readTransaction,
  request,
  rows,
  tick,
  walletBalance,
} from "../../support/gateway.ts";
import { lossyDatabase } from "../../support/lossy.ts";
import { broken, darajaError, freshNetwork, html, type Network, queryResult } from "../../support/network.ts";

let network: Network;
beforeEach(() => {
  network = freshNetwork();
});

const callbackUrl = "https://duka.co.ke/callback";
const SECOND = 1_000;

type Started = { merchant: Merchant; ids: Answer["body"]; callbackUrl: string };

/** A payment of 150 that M-Pesa has taken and not yet answered for. */
async function pendingPayment(): Promise<Started> {
  const merchant = await newMerchant({ callbackUrl });
  const { body: ids } = await push(merchant.key);
  return { merchant, ids, callbackUrl: network.pushes.at(-1)?.CallBackURL ?? "" };
}

const webhooks = () => network.to("duka.co.ke").map((sent) => JSON.parse(sent.text).Body.stkCallback);
const kept = ({ ids }: Started) =>
  rows<{ verdict: string; open: number; body: string }>(
    "SELECT verdict, open, body FROM inbound_callbacks WHERE reference = ? ORDER BY received_at",
    ids.transaction_id,
  );
const ledger = ({ ids }: Started) =>
  rows("SELECT kind, debit, credit, amount FROM ledger_entries WHERE reference = ?", ids.transaction_id);

describe("a callback", () => {
  it("of a payment to the wallet moves its amount there, in one row of the ledger", async () => {
    const payment = await pendingPayment();
    const receipt = newReceipt();
    const answer = await callBack(payment.callbackUrl, paid(payment.ids, { receipt }));
    expect([answer.status, answer.body]).toEqual([200, { ResultCode: 0, ResultDesc: "Accepted" }]);
    expect(await ledger(payment)).toEqual([
      { kind: "collection", debit: "mpesa", credit: `wallet:${payment.merchant.merchantId}`, amount: 150 },
    ]);
    expect(await walletBalance(payment.merchant)).toBe(150);
    expect(await lastPayment(payment.merchant)).toMatchObject({
      status: "completed",
      result_code: "0",
      result_desc: "The service request is processed successfully.",
      mpesa_receipt: receipt,
      completed_at: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
    });
  });

  it("is kept as it came", async () => {
    const payment = await pendingPayment();
    const body = paid(payment.ids);
    await callBack(payment.callbackUrl, body);
    expect(await kept(payment)).toEqual([{ verdict: "settled", open: 0, body: JSON.stringify(body) }]);
  });

  it("credits and tells once, in 100 copies at once", async () => {
    const payment = await pendingPayment();
    const body = paid(payment.ids);
    const copies = Array.from({ length: 100 }, () => callBack(payment.callbackUrl, body));
    expect(new Set((await Promise.all(copies)).map((answer) => answer.status))).toEqual(new Set([200]));
    expect(await ledger(payment)).toHaveLength(1);
    expect(await walletBalance(payment.merchant)).toBe(150);
    expect(webhooks()).toHaveLength(1);
    expect((await kept(payment)).filter((row) => row.open)).toEqual([]);
  });

  it("needs no API key and is exempt from the IP limit", async () => {
    const headers = { "CF-Connecting-IP": "196.201.214.200" };
    const payment = await pendingPayment();
    const { pathname } = new URL(payment.callbackUrl);
    const answers = await Promise.all(
      Array.from({ length: 250 }, () => request(pathname, { headers, body: { not: "a result" } })),
    );
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]));
    expect((await request("/v1/ping", { headers })).status).toBe(200);
  });

  it("before the push's own answer completes it, and all are told M-Pesa's id", async () => {
    const merchant = await newMerchant({ callbackUrl });
    const accepted = network.accepted();
    network.push = async (sent) => {
      const { CallBackURL } = sent.body as { CallBackURL: string }; // our own client's JSON
      await callBack(CallBackURL, paid({ checkout_request_id: accepted.CheckoutRequestID }));
      return Response.json(accepted);
    };
    const { status, body } = await push(merchant.key);
    expect([status, body.checkout_request_id]).toEqual([200, accepted.CheckoutRequestID]);
    expect(webhooks()).toMatchObject([{ CheckoutRequestID: accepted.CheckoutRequestID, ResultCode: 0 }]);
    expect(await readTransaction(merchant.key, accepted.CheckoutRequestID)).toMatchObject({
      id: body.transaction_id,
      status: "completed",
      checkout_request_id: accepted.CheckoutRequestID,
    });
    expect(await walletBalance(merchant)).toBe(150);
  });

  it("before a refusal by M-Pesa counts more than the refusal", async () => {
    const merchant = await newMerchant({ callbackUrl });
    network.push = async (sent) => {
      const { CallBackURL } = sent.body as { CallBackURL: string }; // our own client's JSON
      await callBack(CallBackURL, paid({ checkout_request_id: "ws_CO_overtaken" }));
      return darajaError(500, "500.003.02", "Error Occurred: Spike Arrest Violation")();
    };
    const { status, body } = await push(merchant.key);
    expect([status, body.checkout_request_id]).toEqual([200, "ws_CO_overtaken"]);
    expect(await readTransaction(merchant.key, body.transaction_id)).toMatchObject({ status: "completed" });
    expect(await walletBalance(merchant)).toBe(150);
  });

  it("with a wrong token is 404, and does not touch storage", async () => {
    const payment = await pendingPayment();
    const other = await pendingPayment();
    const { pathname } = new URL(payment.callbackUrl);
    const token = pathname.split("/").at(-1) ?? "";
    const noStorage = new Proxy({} as D1Database, {
      get: () => {
        throw new Error("storage was touched");
      },
    });
    for (const wrong of [
      pathname.replace(token, "0".repeat(40)),
      pathname.replace(token, token.slice(1)),
      pathname.replace(token, token.toUpperCase()),
      pathname.replace(token, new URL(other.callbackUrl).pathname.split("/").at(-1) ?? ""),
      pathname.replace(payment.ids.transaction_id, other.ids.transaction_id),
      pathname.replace(/\/\d{8}\//, `/${other.merchant.merchantId}/`),
      pathname.replace(/\/\d{8}\//, "/abc/"),
      pathname.replace(`/${token}`, ""),
    ]) {
      const answer = await request(wrong, { body: paid(payment.ids), env: { DB: noStorage } });
      expect([wrong, answer.status, answer.body.error_code]).toEqual([wrong, 404, "NOT_FOUND"]);
    }
    expect(await lastPayment(payment.merchant)).toMatchObject({ status: "pending" });
    expect(await kept(payment)).toEqual([]);
  });

  it("of over 16 KB is refused, counted in bytes", async () => {
    const payment = await pendingPayment();
    for (const filler of ["x".repeat(16 * 1024), "€".repeat(6_000)]) {
      const answer = await callBack(payment.callbackUrl, { ...paid(payment.ids), filler });
      expect(answer.status).toBe(413);
    }
    expect(await kept(payment)).toEqual([]);
    expect((await lastPayment(payment.merchant)).status).toBe("pending");
  });

  it("is answered with 200 and kept even if it cannot be settled now", async () => {
    const payment = await pendingPayment();
    await rows("ALTER TABLE wallets RENAME TO wallets_away");
    const answer = await callBack(payment.callbackUrl, paid(payment.ids));
    await rows("ALTER TABLE wallets_away RENAME TO wallets");
    expect(answer.status).toBe(200);
    expect(await kept(payment)).toMatchObject([{ open: 1 }]);
  });

  it("that a callback URL of the secret before this one names is known while that is rotated", async () => {
    const payment = await pendingPayment();
    const rotated = { APP_SECRET: "the secret that took its place, also of 32 characters" };
    const late = await callBack(payment.callbackUrl, paid(payment.ids), rotated);
    expect(late.status).toBe(404);
    const known = { ...rotated, APP_SECRET_PREVIOUS: env.APP_SECRET };
    expect((await callBack(payment.callbackUrl, paid(payment.ids), known)).status).toBe(200);
    expect((await lastPayment(payment.merchant)).status).toBe("completed");
  });
});

/** The bodies that the queue was given, as it would bring them. */
function heldQueue() {
  const sent: unknown[] = [];
  const send = async (message: unknown) => {
    sent.push(JSON.parse(JSON.stringify(message)));
  };
  return { sent, CALLBACK_QUEUE: { send } as unknown as Queue<CallbackMessage> }; // all that is used of it
}

async function bring(bodies: unknown[]) {
  const messages = bodies.map((body, i) => ({
    id: String(i),
    timestamp: new Date(),
    attempts: 1,
    body,
  }));
  const batch = createMessageBatch("smartpay-callbacks", messages);
  const ctx = createExecutionContext();
  await handleQueue(batch, createDeps(env, ctx));
  await waitOnExecutionContext(ctx);
  return getQueueResult(batch, ctx);
}

describe("while the database takes nothing, a callback", () => {
  const DB = interceptedDatabase(async () => {
    throw new Error("D1_ERROR: D1 DB is overloaded. Too many requests queued.");
  });

  it("is accepted, kept by the queue, and settled from there once, however often it is brought", async () => {
    const payment = await pendingPayment();
    const { sent, CALLBACK_QUEUE } = heldQueue();
    const answer = await callBack(payment.callbackUrl, paid(payment.ids), { DB, CALLBACK_QUEUE });
    expect(answer.status).toBe(200);
    expect((await lastPayment(payment.merchant)).status).toBe("pending");
    expect(sent).toHaveLength(1);

    const result = await bring([...sent, ...sent]);
    expect(result.explicitAcks).toEqual(["0", "1"]);
    expect((await lastPayment(payment.merchant)).status).toBe("completed");
    expect(await walletBalance(payment.merchant)).toBe(150);
    expect(await kept(payment)).toMatchObject([{ open: 0 }]);
    await bring(sent);
    expect(await walletBalance(payment.merchant)).toBe(150);
  });

  it("that cannot be read waits in the queue too, and is then kept open", async () => {
    const payment = await pendingPayment();
    const { sent, CALLBACK_QUEUE } = heldQueue();
    const answer = await callBack(payment.callbackUrl, { Body: "?" }, { DB, CALLBACK_QUEUE });
    expect(answer.status).toBe(200);
    await bring(sent);
    expect(await kept(payment)).toMatchObject([{ open: 1, verdict: "unreadable" }]);
  });

  it("stays in the queue as long as that lasts", async () => {
    const payment = await pendingPayment();
    const { sent, CALLBACK_QUEUE } = heldQueue();
    await callBack(payment.callbackUrl, paid(payment.ids), { DB, CALLBACK_QUEUE });
    const retry = vi.fn();
    const messages = [{ body: sent[0], attempts: 3, ack: vi.fn(), retry }];
    const ctx = createExecutionContext();
    const batch = { queue: "smartpay-production-callbacks", messages } as unknown as MessageBatch<unknown>; // what is used of it
    await handleQueue(batch, createDeps({ ...env, DB }, ctx));
    expect(retry).toHaveBeenCalledWith({ delaySeconds: 40 });
  });

  it("is not accepted where the queue takes nothing either, so that nothing is claimed to be kept", async () => {
    const payment = await pendingPayment();
    const send = () => Promise.reject(new Error("Too Many Requests"));
    const CALLBACK_QUEUE = { send } as unknown as Queue<CallbackMessage>; // all that is used of it
    const answer = await callBack(payment.callbackUrl, paid(payment.ids), { DB, CALLBACK_QUEUE });
    expect(answer.status).toBeGreaterThanOrEqual(500);
    expect((await lastPayment(payment.merchant)).status).toBe("pending");
  });
});

describe("while a setting is wrong, a callback", () => {
  const HALF = { SMS_API_KEY: undefined };

  it("is accepted, kept by the queue, and settled when the setting is right again", async () => {
    const payment = await pendingPayment();
    const { sent, CALLBACK_QUEUE } = heldQueue();
    const answer = await callBack(payment.callbackUrl, paid(payment.ids), { ...HALF, CALLBACK_QUEUE });
    expect([answer.status, answer.body]).toEqual([200, { ResultCode: 0, ResultDesc: "Accepted" }]);
    expect(sent).toHaveLength(1);
    expect((await lastPayment(payment.merchant)).status).toBe("pending");

    await bring(sent);
    expect((await lastPayment(payment.merchant)).status).toBe("completed");
    expect(await walletBalance(payment.merchant)).toBe(150);
  });

  it("that tells of a payout is held too, and a wrong token is nothing", async () => {
    const ref = { merchantId: storedMerchantId(12345678), id: newPayoutId(Date.now()) };
    const { resultUrl } = await resultUrls({ publicBaseUrl: "", appSecret: env.APP_SECRET }, ref, 1);
    const { sent, CALLBACK_QUEUE } = heldQueue();
    const say = (path: string) => request(path, { body: { Result: {} }, env: { ...HALF, CALLBACK_QUEUE } });
    expect((await say(resultUrl.replace(/[0-9a-f]{40}$/, "0".repeat(40)))).status).toBe(404);
    expect(sent).toEqual([]);
    expect((await say(resultUrl)).body).toEqual({ ResultCode: 0, ResultDesc: "Accepted" });
    expect(sent).toMatchObject([{ ...ref, raw: { source: "result:1", body: '{"Result":{}}' } }]);
  });

  it("that was asked for under the secret before is known too", async () => {
    const payment = await pendingPayment();
    const { sent, CALLBACK_QUEUE } = heldQueue();
    const rotated = {
      APP_SECRET: "another secret for the tests, of 32 characters",
      APP_SECRET_PREVIOUS: env.APP_SECRET,
    };
    const answer = await callBack(payment.callbackUrl, paid(payment.ids), {
      ...HALF,
      ...rotated,
      CALLBACK_QUEUE,
    });
    expect([answer.status, sent.length]).toEqual([200, 1]);
  });

  it("with a wrong token is nothing, and one that the queue does not take is not accepted", async () => {
    const payment = await pendingPayment();
    const { sent, CALLBACK_QUEUE } = heldQueue();
    const wrong = payment.callbackUrl.replace(/[0-9a-f]{40}$/, "0".repeat(40));
    const turnedAway = await callBack(wrong, paid(payment.ids), { ...HALF, CALLBACK_QUEUE });
    expect([turnedAway.status, sent]).toEqual([404, []]);
    const send = () => Promise.reject(new Error("Too Many Requests"));
    const full = { send } as unknown as Queue<CallbackMessage>; // all that is used of it
    const lost = await callBack(payment.callbackUrl, paid(payment.ids), { ...HALF, CALLBACK_QUEUE: full });
    expect(lost.status).toBe(500);
  });

  const messagesOf = (body: unknown, attempts: number) => [
    { id: "m1", body, attempts, ack: vi.fn(), retry: vi.fn() },
  ];
  const batchOf = (queue: string, messages: object[]) =>
    ({ queue, messages }) as unknown as MessageBatch<unknown>; // what is used of it
  const broken = { ...env, SMS_API_KEY: undefined };

  it("stays in the queue for the day that a fault of its own would leave it", async () => {
    const messages = messagesOf({ merchantId: 1, id: "tx_1", raw: {} }, 100);
    const ctx = createExecutionContext();
    await bringMessages(batchOf("smartpay-production-callbacks", messages), broken, ctx);
    expect(messages[0]?.retry).toHaveBeenCalledWith({ delaySeconds: 900 });
    expect(messages[0]?.ack).not.toHaveBeenCalled();
  });

  it("that has waited longer is kept, to be sent again by the operator", async () => {
    const payment = await pendingPayment();
    const { sent, CALLBACK_QUEUE } = heldQueue();
    await callBack(payment.callbackUrl, paid(payment.ids), { ...HALF, CALLBACK_QUEUE });
    const messages = messagesOf(sent[0], 1);
    const ctx = createExecutionContext();
    await bringMessages(batchOf("smartpay-production-dead", messages), broken, ctx);
    expect(messages[0]?.ack).toHaveBeenCalled();
    expect(await rows("SELECT kind FROM dead_letters WHERE subject = ?", payment.ids.transaction_id)).toEqual(
      [{ kind: "callback" }],
    );
  });
});

describe("a callback that does not fit is kept open for the operator and credits nothing", () => {
  /** What M-Pesa says, with a change. */
  const changed = (payment: Started, change: (callback: Answer["body"]) => void) => {
    const body = paid(payment.ids);
    change(body.Body.stkCallback);
    return body;
  };
  type Items = { Name: string; Value?: unknown }[];
  const set = (name: string, value: unknown) => (callback: Answer["body"]) => {
    const items: Items = callback.CallbackMetadata.Item;
    for (const item of items) if (item.Name === name) item.Value = value;
  };
  const drop = (name: string) => (callback: Answer["body"]) => {
    const items: Items = callback.CallbackMetadata.Item;
    callback.CallbackMetadata.Item = items.filter((item) => item.Name !== name);
  };

  it.each<[string, (payment: Started) => unknown]>([
    ["a smaller amount", (p) => changed(p, set("Amount", 1))],
    ["a larger amount", (p) => changed(p, set("Amount", 151))],
    ["a fractional amount", (p) => changed(p, set("Amount", 150.5))],
    ["no amount", (p) => changed(p, drop("Amount"))],
    ["an amount that is no number", (p) => changed(p, set("Amount", "KES 150"))],
    ["no receipt", (p) => changed(p, drop("MpesaReceiptNumber"))],
    ["an empty receipt", (p) => changed(p, set("MpesaReceiptNumber", ""))],
    ["a null receipt", (p) => changed(p, set("MpesaReceiptNumber", null))],
    ["no metadata", (p) => changed(p, (callback) => delete callback.CallbackMetadata)],
    ["another checkout id", () => paid({ checkout_request_id: "ws_CO_another" })],
    ["a failure under another checkout id", () => failed({ checkout_request_id: "ws_CO_another" }, 1, "no")],
    ["text", () => "it was paid"],
    ["nothing", () => ""],
    ["half a JSON", () => '{"Body":{"stkCallback":'],
    ["another form", () => ({ Result: { ResultCode: 0 } })],
    ["no ResultCode", (p) => changed(p, (callback) => delete callback.ResultCode)],
  ])("with %s", async (_, bodyOf) => {
    const payment = await pendingPayment();
    const body = bodyOf(payment);
    expect((await callBack(payment.callbackUrl, body)).status).toBe(200);
    expect(await kept(payment)).toEqual([
      {
        verdict: expect.any(String),
        open: 1,
        body: typeof body === "string" ? body : JSON.stringify(body),
      },
    ]);
    expect(await lastPayment(payment.merchant)).toMatchObject({ status: "pending", mpesa_receipt: null });
    expect(await walletBalance(payment.merchant)).toBe(0);
    expect(await ledger(payment)).toEqual([]);
    expect(webhooks()).toEqual([]);

    await callBack(payment.callbackUrl, paid(payment.ids));
    expect(await walletBalance(payment.merchant)).toBe(150);
  });

  it("with a receipt that another payment has", async () => {
    const [first, second] = [await pendingPayment(), await pendingPayment()];
    const receipt = newReceipt();
    await callBack(first.callbackUrl, paid(first.ids, { receipt }));
    await callBack(second.callbackUrl, paid(second.ids, { receipt }));
    expect(await kept(second)).toMatchObject([{ open: 1, verdict: "receipt_reused" }]);
    expect(await lastPayment(second.merchant)).toMatchObject({ status: "pending", mpesa_receipt: null });
    expect(await walletBalance(second.merchant)).toBe(0);
  });

  it("with a receipt that another payment gets at the same moment", async () => {
    const payments = await Promise.all([1, 2, 3, 4, 5].map(pendingPayment));
    const urls = payments.map(
      ({ ids }) => network.pushes.find((sent) => sent.CallBackURL?.includes(ids.transaction_id))?.CallBackURL,
    );
    const receipt = newReceipt();
    await Promise.all(payments.map((p, i) => callBack(urls[i] ?? "", paid(p.ids, { receipt }))));
    const balances = await Promise.all(payments.map((p) => walletBalance(p.merchant)));
    expect(balances.sort()).toEqual([0, 0, 0, 0, 150]);
  });

  it("with a receipt that another payment gets between the read and the write", async () => {
    const [first, second] = [await pendingPayment(), await pendingPayment()];
    const receipt = newReceipt();
    const DB = lossyDatabase(/update "transactions" set .*"completed_at"/s, {
      before: true,
      onLoss: () => callBack(second.callbackUrl, paid(second.ids, { receipt })),
    });
    await callBack(first.callbackUrl, paid(first.ids, { receipt }), { DB });
    expect(await kept(first)).toMatchObject([{ open: 1, verdict: "receipt_reused" }]);
    expect(await lastPayment(first.merchant)).toMatchObject({ status: "pending", mpesa_receipt: null });
    expect(await lastPayment(second.merchant)).toMatchObject({ status: "completed", mpesa_receipt: receipt });
  });

  it("with a second receipt for a payment that has one", async () => {
    const payment = await pendingPayment();
    const receipt = newReceipt();
    await callBack(payment.callbackUrl, paid(payment.ids, { receipt }));
    await callBack(payment.callbackUrl, paid(payment.ids));
    expect((await kept(payment)).map((row) => row.open).sort()).toEqual([0, 1]);
    expect(await lastPayment(payment.merchant)).toMatchObject({ mpesa_receipt: receipt });
    expect(await walletBalance(payment.merchant)).toBe(150);
  });

  it("with M-Pesa's id of another payment, for a push whose answer was unclear", async () => {
    const other = await pendingPayment();
    const merchant = await newMerchant({ callbackUrl });
    network.push = broken("TimeoutError");
    const { body: ids } = await push(merchant.key);
    const unclear = { merchant, ids, callbackUrl: network.pushes.at(-1)?.CallBackURL ?? "" };
    expect((await callBack(unclear.callbackUrl, paid(other.ids))).status).toBe(200);
    expect(await kept(unclear)).toMatchObject([{ open: 1 }]);
    expect((await lastPayment(merchant)).status).toBe("pending");
    expect(await walletBalance(merchant)).toBe(0);
  });
});

describe("M-Pesa's values come in several forms", () => {
  it.each<[string, object]>([
    ["amounts as decimals or text", { Amount: "150.00" }],
    ["phones and times as text", { PhoneNumber: "254712345678", TransactionDate: "20261124093015" }],
    ["masked phones", { PhoneNumber: "2547 ***** 678" }],
    ["no time", { TransactionDate: undefined }],
  ])("such as %s", async (_, values) => {
    const payment = await pendingPayment();
    const body = paid(payment.ids);
    for (const item of body.Body.stkCallback.CallbackMetadata.Item) {
      if (Object.hasOwn(values, item.Name)) Object.assign(item, { Value: Reflect.get(values, item.Name) });
    }
    await callBack(payment.callbackUrl, body);
    expect((await lastPayment(payment.merchant)).status).toBe("completed");
  });

  it("such as ResultCode as text", async () => {
    const payment = await pendingPayment();
    const body = paid(payment.ids);
    Object.assign(body.Body.stkCallback, { ResultCode: "0" });
    await callBack(payment.callbackUrl, body);
    expect((await lastPayment(payment.merchant)).status).toBe("completed");
  });

  it("such as ResultCodes that are no number, which webhooks tell as 9999", async () => {
    const payment = await pendingPayment();
    await callBack(payment.callbackUrl, failed(payment.ids, "SFC_IC0003", "The operator does not exist."));
    const [told] = webhooks();
    expect(told.ResultCode).toBe(9999);
    expect(told.ResultDesc).toContain("SFC_IC0003");
    expect(told.ResultDesc).toContain("The operator does not exist.");
    expect(await lastPayment(payment.merchant)).toMatchObject({
      status: "failed",
      result_code: "SFC_IC0003",
      result_desc: "The operator does not exist.",
    });
  });
});

describe("results that contradict each other", () => {
  it("failure, then success: it is completed, and a second webhook tells so", async () => {
    const payment = await pendingPayment();
    await callBack(payment.callbackUrl, failed(payment.ids, 1037, "No response from user."));
    expect((await lastPayment(payment.merchant)).status).toBe("failed");
    await callBack(payment.callbackUrl, paid(payment.ids));
    expect(await lastPayment(payment.merchant)).toMatchObject({ status: "completed", result_code: "0" });
    expect(await walletBalance(payment.merchant)).toBe(150);
    expect(webhooks().map((told) => told.ResultCode)).toEqual([1037, 0]);
    const [failure, success] = network.to("duka.co.ke").map((sent) => sent.headers.get("webhook-id"));
    expect(failure).not.toBe(success);
  });

  it("success, then failure: the failure changes nothing", async () => {
    const payment = await pendingPayment();
    await callBack(payment.callbackUrl, paid(payment.ids));
    await callBack(payment.callbackUrl, failed(payment.ids, 1032, "Request cancelled by user."));
    expect(await lastPayment(payment.merchant)).toMatchObject({ status: "completed", result_code: "0" });
    expect(await walletBalance(payment.merchant)).toBe(150);
    expect(webhooks()).toHaveLength(1);
  });

  it("both at once, in many copies: it is completed, credited once, and told at most once each", async () => {
    const payment = await pendingPayment();
    const success = paid(payment.ids);
    const failure = failed(payment.ids, 1037, "No response from user.");
    const all = Array.from({ length: 40 }, (_, i) =>
      callBack(payment.callbackUrl, i % 2 === 0 ? failure : success),
    );
    await Promise.all(all);
    expect((await lastPayment(payment.merchant)).status).toBe("completed");
    expect(await walletBalance(payment.merchant)).toBe(150);
    const codes = webhooks().map((told) => told.ResultCode);
    expect(codes.filter((code) => code === 0)).toEqual([0]);
    expect(codes.filter((code) => code === 1037).length).toBeLessThanOrEqual(1);
  });

  it("keep the key's figures true", async () => {
    const payment = await pendingPayment();
    const figures = () =>
      rows(
        `SELECT started_count AS started, completed_count AS completed, failed_count AS failed
         FROM api_keys WHERE id = ?`,
        payment.merchant.keyId,
      );
    expect(await figures()).toEqual([{ started: 1, completed: 0, failed: 0 }]);
    await callBack(payment.callbackUrl, failed(payment.ids, 1, "no money"));
    expect(await figures()).toEqual([{ started: 1, completed: 0, failed: 1 }]);
    await callBack(payment.callbackUrl, paid(payment.ids));
    expect(await figures()).toEqual([{ started: 1, completed: 1, failed: 0 }]);
    network.push = darajaError(400, "400.002.02", "Bad Request");
    await push(payment.merchant.key);
    expect(await figures()).toEqual([{ started: 2, completed: 1, failed: 1 }]);
  });

  it("failed by M-Pesa does not give the call back", async () => {
    const payment = await pendingPayment();
    await callBack(payment.callbackUrl, failed(payment.ids, 1032, "Request cancelled by user."));
    expect(await callsLeft(payment.merchant)).toBe(4_999);
  });
});

describe("the reconciliation", () => {
  /** A pending payment with the clock stopped at its start; the cron ticks at `at` after that. */
  async function watched() {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const start = Date.now();
    const payment = await pendingPayment();
    return {
      ...payment,
      async tickAt(ms: number) {
        vi.setSystemTime(start + ms);
        await tick();
      },
      /** The cron ticks, and whatever was planned it asks for this payment. */
      async askAt(ms: number) {
        await rows("UPDATE transactions SET due_at = 1 WHERE id = ?", payment.ids.transaction_id);
        vi.setSystemTime(start + ms);
        await tick();
      },
      seen: () => lastPayment(payment.merchant),
      queries: () => network.count("/stkpushquery/"),
      async nextAt() {
        const [row] = await rows<{ due_at: number | null }>(
          "SELECT due_at FROM transactions WHERE id = ?",
          payment.ids.transaction_id,
        );
        return row?.due_at == null ? null : row.due_at - start;
      },
    };
  }
  const processing = queryResult("4999", "The transaction is still under processing");
  const cancelled = queryResult("1032", "Request cancelled by user.");
  const success = queryResult("0", "The service request is processed successfully.");
  const DAY = 86_400 * SECOND;

  // What earlier tests left pending would be asked for too.
  beforeEach(() => rows("UPDATE transactions SET due_at = NULL"));

  it("does not ask before 45 s, and then asks with the id, as Daraja wants it", async () => {
    const payment = await watched();
    await payment.tickAt(44_999);
    expect(payment.queries()).toBe(0);
    await payment.tickAt(45 * SECOND);
    expect(network.to("/stkpushquery/").map((sent) => sent.body)).toEqual([
      {
        BusinessShortCode: "600999",
        Password: expect.any(String),
        Timestamp: expect.stringMatching(/^\d{14}$/),
        CheckoutRequestID: payment.ids.checkout_request_id,
      },
    ]);
  });

  it.each([
    ["4999", processing],
    ["500.001.1001", darajaError(500, "500.001.1001", "The transaction is being processed")],
    ["not knowing it", darajaError(500, "500.001.1001", "The transaction does not Exist")],
    ["a 400", darajaError(400, "400.002.02", "Bad Request - Invalid CheckoutRequestID")],
    ["429", darajaError(429, "500.003.02", "Error Occurred: Spike Arrest Violation")],
    ["HTML", html(200)],
    ["HTML with 503", html(503)],
    ["silence", broken("TimeoutError")],
    ["a reset", broken("NetworkError")],
  ])("changes nothing on %s, however often, and asks ever more rarely", async (_, answer) => {
    const payment = await watched();
    network.query = answer;
    const pauses: number[] = [];
    for (let at = 45 * SECOND; pauses.length < 8; ) {
      await payment.tickAt(at);
      const next = (await payment.nextAt()) ?? 0;
      pauses.push(next - at);
      at = next;
    }
    expect(payment.queries()).toBe(8);
    expect(pauses.every((pause, i) => pause > (pauses[i - 1] ?? 0))).toBe(true);
    expect(await payment.seen()).toMatchObject({ status: "pending", result_code: null });
    expect(webhooks()).toEqual([]);
  });

  it("completes on 0 at the requested amount, without a receipt, and tells it with the transaction id", async () => {
    const payment = await watched();
    network.query = success;
    await payment.tickAt(45 * SECOND);
    expect(await payment.seen()).toMatchObject({ status: "completed", mpesa_receipt: null, amount: 150 });
    expect(await walletBalance(payment.merchant)).toBe(150);
    const [told] = webhooks();
    expect(told).toMatchObject({ CheckoutRequestID: payment.ids.checkout_request_id, ResultCode: 0 });
    expect(told.CallbackMetadata.Item.slice(0, 2)).toEqual([
      { Name: "Amount", Value: 150 },
      { Name: "MpesaReceiptNumber", Value: payment.ids.transaction_id },
    ]);
    await payment.tickAt(2 * DAY);
    expect(payment.queries()).toBe(1);
  });

  it("leaves the receipt to a late callback, which fills it in, credits nothing and tells nobody", async () => {
    const payment = await watched();
    network.query = success;
    await payment.tickAt(45 * SECOND);
    const receipt = newReceipt();
    await callBack(payment.callbackUrl, paid(payment.ids, { receipt }));
    expect(await payment.seen()).toMatchObject({ status: "completed", mpesa_receipt: receipt });
    expect(await walletBalance(payment.merchant)).toBe(150);
    expect(webhooks()).toHaveLength(1);
    expect(await kept(payment)).toMatchObject([{ open: 0 }]);
  });

  it("does not take a late receipt for another amount, or one that another payment has", async () => {
    const payment = await watched();
    const other = await pendingPayment();
    const receipt = newReceipt();
    await callBack(other.callbackUrl, paid(other.ids, { receipt }));
    network.query = success;
    await payment.tickAt(45 * SECOND);
    await callBack(payment.callbackUrl, paid(payment.ids, { amount: 1 }));
    await callBack(payment.callbackUrl, paid(payment.ids, { receipt }));
    expect(await payment.seen()).toMatchObject({ status: "completed", mpesa_receipt: null });
    expect((await kept(payment)).map((row) => row.open)).toEqual([1, 1]);
  });

  it("does not believe one failed answer", async () => {
    const payment = await watched();
    network.query = cancelled;
    await payment.tickAt(200 * SECOND);
    expect(await payment.seen()).toMatchObject({ status: "pending" });
    expect(webhooks()).toEqual([]);
  });

  it("believes two that agree and are 30 s apart, from 180 s on", async () => {
    const payment = await watched();
    network.query = cancelled;
    for (const at of [45, 80, 120, 179.999]) {
      await payment.askAt(at * SECOND);
      expect((await payment.seen()).status).toBe("pending");
    }
    expect(payment.queries()).toBe(4);
    await payment.tickAt(180 * SECOND);
    expect(await payment.seen()).toMatchObject({
      status: "failed",
      result_code: "1032",
      result_desc: "Request cancelled by user.",
      mpesa_receipt: null,
    });
    expect(webhooks()).toMatchObject([{ ResultCode: 1032, ResultDesc: "Request cancelled by user." }]);
    expect(webhooks()[0]).not.toHaveProperty("CallbackMetadata");
  });

  it("does not believe two that are less than 30 s apart, or that differ", async () => {
    const payment = await watched();
    network.query = cancelled;
    await payment.tickAt(200 * SECOND);
    await payment.askAt(229 * SECOND);
    expect((await payment.seen()).status).toBe("pending");
    network.query = queryResult("1037", "DS timeout user cannot be reached.");
    await payment.askAt(300 * SECOND);
    expect((await payment.seen()).status).toBe("pending");
    await payment.askAt(330 * SECOND);
    expect(await payment.seen()).toMatchObject({ status: "failed", result_code: "1037" });
  });

  it("keeps an answer in mind through noise between it and the second", async () => {
    const payment = await watched();
    for (const [at, answer] of [
      [181, cancelled],
      [200, processing],
      [220, html(503)],
      [240, cancelled],
    ] as const) {
      network.query = answer;
      await payment.askAt(at * SECOND);
    }
    expect((await payment.seen()).status).toBe("failed");
  });

  it("gives a payment without any answer up after 24 hours, with 9999, and not before", async () => {
    const payment = await watched();
    network.query = processing;
    await payment.tickAt(DAY - 1);
    expect((await payment.seen()).status).toBe("pending");
    expect(await payment.nextAt()).toBe(DAY);
    await payment.tickAt(DAY);
    expect(await payment.seen()).toMatchObject({ status: "failed", result_code: "9999" });
    expect(webhooks()).toMatchObject([{ ResultCode: 9999 }]);
    await callBack(payment.callbackUrl, paid(payment.ids));
    expect(await payment.seen()).toMatchObject({ status: "completed" });
    expect(await walletBalance(payment.merchant)).toBe(150);
  });

  it("gives a payment up after 24 hours where its queries fail with ever other codes", async () => {
    const payment = await watched();
    const codes = ["1032", "1037", "1", "2001"];
    let asked = 0;
    network.query = () => queryResult(codes[asked++ % codes.length] ?? "", "It failed.")();
    for (let at = 45 * SECOND; at < DAY; at += 1800 * SECOND) await payment.tickAt(at);
    expect((await payment.seen()).status).toBe("pending");
    await payment.tickAt(DAY);
    expect(await payment.seen()).toMatchObject({ status: "failed", result_code: "9999" });
  });

  it("asks for a payment soon whose acknowledgement it came before, and its callback is lost", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const start = Date.now();
    const merchant = await newMerchant();
    const tickAt = async (ms: number) => {
      vi.setSystemTime(start + ms);
      await tick();
    };
    network.query = success;
    network.push = async () => {
      await tickAt(50 * SECOND);
      return Response.json(network.accepted());
    };
    await push(merchant.key, { amount: 150 });
    expect(network.count("/stkpushquery/")).toBe(0);
    await tickAt(120 * SECOND);
    expect((await lastPayment(merchant)).status).toBe("completed");
  });

  it("gives an unclear push up after 24 hours too, without ever asking for an id that it does not have", async () => {
    network.push = broken("TimeoutError");
    const payment = await watched();
    for (const at of [45 * SECOND, 3_600 * SECOND, DAY - 1]) await payment.tickAt(at);
    expect(await payment.seen()).toMatchObject({ status: "pending" });
    await payment.tickAt(DAY);
    expect(await payment.seen()).toMatchObject({ status: "failed", result_code: "9999" });
    expect(payment.queries()).toBe(0);
  });

  it("asks once where two runs meet", async () => {
    const payment = await watched();
    const processing = network.query;
    network.query = async (sent) => {
      if (payment.queries() === 1) await tick();
      return processing(sent);
    };
    await payment.tickAt(45 * SECOND);
    expect(payment.queries()).toBe(1);
  });

  it("asks for every one of many payments", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const merchant = await newMerchant();
    for (let i = 0; i < 12; i++) await push(merchant.key);
    network.query = success;
    vi.setSystemTime(Date.now() + 45 * SECOND);
    await tick();
    const asked = network
      .to("/stkpushquery/")
      .map((sent) => Reflect.get(sent.body ?? {}, "CheckoutRequestID"));
    expect(new Set(asked).size).toBe(12);
    expect(await walletBalance(merchant)).toBe(12 * 150);
  });

  describe("after callbacks were blocked", () => {
    /** So many payments that are due, copies of one. */
    async function backlog(count: number) {
      const merchant = await newMerchant({ callbackUrl });
      const { body } = await push(merchant.key);
      const id = body.transaction_id;
      const [row] = await rows<Record<string, unknown>>("SELECT * FROM transactions WHERE id = ?", id);
      const columns = Object.keys(row ?? {});
      for (let i = 0; i < count; i++) {
        const one = { ...row, id: id.slice(0, 15) + String(i).padStart(20, "0"), due_at: 1 };
        await rows(
          `INSERT INTO transactions (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
          ...columns.map((name) => Reflect.get({ ...one, checkout_request_id: `ws_CO_${one.id}` }, name)),
        );
      }
      return merchant;
    }
    const asked = () =>
      network.to("/stkpushquery/").map((sent) => Reflect.get(sent.body ?? {}, "CheckoutRequestID"));

    it("asks for 160 payments in a run, each once, and for the rest in the next", async () => {
      await backlog(190);
      network.query = processing;
      await tick();
      expect([asked().length, new Set(asked()).size]).toEqual([160, 160]);
      await tick();
      expect([asked().length, new Set(asked()).size]).toEqual([190, 190]);
    });

    it("begins nothing new when M-Pesa has taken forty seconds to answer", async () => {
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
      await backlog(60);
      network.query = () => {
        vi.setSystemTime(Date.now() + 3 * SECOND);
        return processing();
      };
      await tick();
      expect(asked()).toHaveLength(20);
    });

    it("takes four queries a payment, so that a whole run stays under D1's thousand", async () => {
      await backlog(40);
      network.query = success;
      let calls = 0;
      const DB = interceptedDatabase((_, call) => {
        calls++;
        return call();
      });
      const background: Promise<unknown>[] = [];
      await reconcileDue(createDeps({ ...env, DB }, { waitUntil: (work) => background.push(work) }));
      await Promise.all(background);
      expect(webhooks()).toHaveLength(40);
      expect(calls).toBeLessThanOrEqual(40 * 4 + 3);
    });
  });

  it("does not let one payment's trouble stop the others", async () => {
    const first = await watched();
    const second = await pendingPayment();
    await rows("UPDATE transactions SET destination = 'broken' WHERE id = ?", first.ids.transaction_id);
    network.query = success;
    await first.tickAt(60 * SECOND);
    expect((await lastPayment(second.merchant)).status).toBe("completed");
  });

  it("never undoes a success that comes while it asks", async () => {
    const payment = await watched();
    network.query = cancelled;
    await payment.tickAt(150 * SECOND);
    network.query = async () => {
      await callBack(payment.callbackUrl, paid(payment.ids));
      return cancelled();
    };
    await payment.tickAt(200 * SECOND);
    expect(payment.queries()).toBe(2);
    expect(await payment.seen()).toMatchObject({ status: "completed", result_code: "0" });
    expect(webhooks().map((told) => told.ResultCode)).toEqual([0]);
    expect(await payment.nextAt()).toBeNull();
  });

  it("credits once where its 0 and the callback come together", async () => {
    const payment = await watched();
    network.query = async () => {
      await callBack(payment.callbackUrl, paid(payment.ids));
      return success();
    };
    await payment.tickAt(45 * SECOND);
    expect(await walletBalance(payment.merchant)).toBe(150);
    expect(webhooks()).toHaveLength(1);
  });

  describe("completing a payment between the read and the write of a callback", () => {
    /** The body's write finds that the reconciliation's 0 was quicker. */
    async function overtaken(bodyOf: (ids: Started["ids"]) => unknown) {
      const payment = await watched();
      network.query = success;
      const DB = lossyDatabase(/update "transactions" set .*"completed_at"/s, {
        before: true,
        onLoss: () => payment.tickAt(45 * SECOND),
      });
      await callBack(payment.callbackUrl, bodyOf(payment.ids), { DB });
      expect(DB.losses()).toBe(1);
      expect(await walletBalance(payment.merchant)).toBe(150);
      expect(await ledger(payment)).toHaveLength(1);
      expect(webhooks().map((told) => told.ResultCode)).toEqual([0]);
      return payment.seen();
    }

    it("is not undone by that callback's failure", async () => {
      const seen = await overtaken((ids) => failed(ids, 1032, "Request cancelled by user."));
      expect(seen).toMatchObject({ status: "completed", result_code: "0", mpesa_receipt: null });
    });

    it("is not credited again by that callback's success, whose receipt it takes", async () => {
      const receipt = newReceipt();
      const seen = await overtaken((ids) => paid(ids, { receipt }));
      expect(seen).toMatchObject({ status: "completed", mpesa_receipt: receipt });
    });
  });

  it("does not ask for a payment that a refusal or a callback has ended", async () => {
    const payment = await watched();
    network.push = darajaError(400, "400.002.02", "Bad Request");
    await push(payment.merchant.key, { phone: newPhone() });
    await callBack(payment.callbackUrl, failed(payment.ids, 1, "no money"));
    await payment.tickAt(2 * DAY);
    expect(payment.queries()).toBe(0);
  });
});
