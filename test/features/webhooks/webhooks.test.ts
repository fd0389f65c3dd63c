import {
  createExecutionContext,
  createMessageBatch,
  env,
  getQueueResult,
  waitOnExecutionContext,
} from "cloudflare:test";
import { Webhook } from "standardwebhooks";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createDeps } from "../../../src/deps.ts";
import type { WebhookMessage } from "../../../src/features/webhooks/message.ts";
import { handleQueue } from "../../../src/queues.ts";
import {
  callBack,
  failed,
  type Merchant,
  newMerchant,
  paid,
  push,
  request,
  rows,
  setKey,
  tick,
} from "../../support/gateway.ts";
import { type Answer, broken, freshNetwork, type Network } from "../../support/network.ts";

let network: Network;
let queued: { message: WebhookMessage; delaySeconds: number }[];
beforeEach(async () => {
  network = freshNetwork();
  queued = [];
  // What earlier tests left undelivered would be swept up too.
  await rows("UPDATE webhook_deliveries SET due_at = NULL");
});

const callbackUrl = "https://duka.co.ke/callback";

/** A queue that only remembers what it was sent, and after how many seconds it should bring it. */
const bindings = () => ({
  WEBHOOK_QUEUE: {
    send: async (message: WebhookMessage, { delaySeconds }: { delaySeconds: number }) => {
      queued.push({ message, delaySeconds });
    },
  } as unknown as Queue<WebhookMessage>, // nothing else of it is used
});

const told = () => network.to("duka.co.ke");

/** A payment of a new merchant, whose result is told at once. */
async function toldPayment(of: { callbackUrl?: string; body?: (ids: Ids) => unknown } = {}) {
  const merchant = await newMerchant({ callbackUrl: of.callbackUrl ?? callbackUrl });
  const { body: ids } = await push(merchant.key);
  const url = network.pushes.at(-1)?.CallBackURL ?? "";
  await callBack(url, of.body?.(ids) ?? paid(ids), bindings());
  return { merchant, ids, url };
}
type Ids = { checkout_request_id: string; merchant_request_id: string; transaction_id: string };

type Delivery = {
  id: string;
  status: string;
  attempt_count: number;
  due_at: number | null;
  attempts: {
    at: number;
    status: number | null;
    durationMs: number;
    response: string;
    error: string | null;
  }[];
};
async function deliveries({ merchantId }: Merchant): Promise<Delivery[]> {
  const found = await rows<Omit<Delivery, "attempts"> & { attempts: string }>(
    "SELECT id, status, attempt_count, due_at, attempts FROM webhook_deliveries WHERE merchant_id = ?",
    merchantId,
  );
  return found.map((row) => ({ ...row, attempts: JSON.parse(row.attempts) }));
}

/** The queue brings messages. */
async function bring(messages: unknown[], over: Record<string, unknown> = {}) {
  const batch = createMessageBatch(
    "smartpay-webhooks",
    messages.map((body, i) => ({ id: `m${i}`, timestamp: new Date(), attempts: 1, body })),
  );
  const ctx = createExecutionContext();
  await handleQueue(batch, createDeps({ ...env, ...bindings(), ...over }, ctx));
  await waitOnExecutionContext(ctx);
  return getQueueResult(batch, ctx);
}
const bringNext = () => bring(queued.splice(0).map(({ message }) => message));

describe("a webhook's body", () => {
  it("is the text's own example, to the letter", async () => {
    const merchant = await newMerchant({ callbackUrl });
    const ids = {
      MerchantRequestID: "aea5-4f44-b4a1-d9044446ee463545184",
      CheckoutRequestID: "ws_CO_17062025005554749727856009",
    };
    network.push = () => Response.json({ ...ids, ResponseCode: "0" });
    await push(merchant.key, { phone: "254712345678", amount: 150 });
    const example = {
      Body: {
        stkCallback: {
          ...ids,
          ResultCode: 0,
          ResultDesc: "The service request is processed successfully.",
          CallbackMetadata: {
            Item: [
              { Name: "Amount", Value: 150 },
              { Name: "MpesaReceiptNumber", Value: "TFH774CBH1" },
              { Name: "TransactionDate", Value: 20250617005603 },
              { Name: "PhoneNumber", Value: 254712345678 },
            ],
          },
        },
      },
    };
    const fromMpesa = structuredClone(example);
    fromMpesa.Body.stkCallback.CallbackMetadata.Item.reverse();
    await callBack(network.pushes[0]?.CallBackURL ?? "", fromMpesa);
    expect(told().map((sent) => sent.text)).toEqual([JSON.stringify(example)]);
    expect(told()[0]).toMatchObject({ method: "POST", url: callbackUrl });
    expect(told()[0]?.headers.get("Content-Type")).toContain("application/json");
  });

  it("of a failure has no CallbackMetadata", async () => {
    const { ids } = await toldPayment({ body: (ids) => failed(ids, 1032, "Request cancelled by user.") });
    expect(told()[0]?.text).toBe(
      JSON.stringify({
        Body: {
          stkCallback: {
            MerchantRequestID: ids.merchant_request_id,
            CheckoutRequestID: ids.checkout_request_id,
            ResultCode: 1032,
            ResultDesc: "Request cancelled by user.",
          },
        },
      }),
    );
  });
});

describe("a webhook is sent", () => {
  it("not at all where the key has no callback URL", async () => {
    const merchant = await newMerchant();
    const { body: ids } = await push(merchant.key);
    await callBack(network.pushes[0]?.CallBackURL ?? "", paid(ids));
    expect(await deliveries(merchant)).toEqual([]);
  });

  it("to the URL that the key had when the payment began", async () => {
    const merchant = await newMerchant({ callbackUrl });
    const { body: ids } = await push(merchant.key);
    await setKey(merchant, "callback_url = 'https://elsewhere.co.ke/'");
    await callBack(network.pushes[0]?.CallBackURL ?? "", paid(ids));
    expect(told()).toHaveLength(1);
    expect(network.count("elsewhere")).toBe(0);
  });

  it.each(["https://10.0.0.1/x", "https://[::1]/x", "http://duka.co.ke/x", "https://metadata.internal/"])(
    "never to %s, which cannot have been saved",
    async (callbackUrl) => {
      const { merchant } = await toldPayment({ callbackUrl });
      const sent = network.sent.filter((request) => !request.url.startsWith("https://daraja.test/"));
      expect(sent).toEqual([]);
      const [delivery] = await deliveries(merchant);
      expect(delivery?.attempts).toMatchObject([{ status: null, error: expect.any(String) }]);
    },
  );
});

describe("the signature", () => {
  const signed = (index = 0) => {
    const sent = told()[index];
    return { text: sent?.text ?? "", headers: Object.fromEntries(sent?.headers ?? []) };
  };
  const secretOf = async ({ keyId }: Merchant) => {
    const [key] = await rows<{ secret: string }>(
      "SELECT webhook_secret AS secret FROM api_keys WHERE id = ?",
      keyId,
    );
    return key?.secret ?? "";
  };

  it("is that of Standard Webhooks, by the key's secret", async () => {
    const { merchant } = await toldPayment();
    const secret = await secretOf(merchant);
    expect(secret).toMatch(/^whsec_/);
    const { text, headers } = signed();
    expect(new Webhook(secret).verify(text, headers)).toEqual(JSON.parse(text));
    expect(() => new Webhook(secret).verify(text.replace("150", "151"), headers)).toThrow();
    expect(() => new Webhook(`whsec_${btoa("another secret of 24 byt")}`).verify(text, headers)).toThrow();
    expect(headers["webhook-id"]).toMatch(/^wh_/);
    expect(Math.abs(Number(headers["webhook-timestamp"]) - Date.now() / 1000)).toBeLessThan(60);
  });

  it("is made by the previous secret too, until its day is over", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const merchant = await newMerchant({ callbackUrl });
    const previous = `whsec_${btoa("the secret of yesterday!")}`;
    const until = Date.now() + 86_400_000;
    await setKey(merchant, "previous_webhook_secret = ?, previous_webhook_secret_until = ?", previous, until);
    const tell = async () => {
      const { body: ids } = await push(merchant.key);
      await callBack(network.pushes.at(-1)?.CallBackURL ?? "", paid(ids));
      const { text, headers } = signed(told().length - 1);
      new Webhook(await secretOf(merchant)).verify(text, headers);
      return { text, headers, signatures: headers["webhook-signature"]?.split(" ").length };
    };
    const today = await tell();
    expect(today.signatures).toBe(2);
    new Webhook(previous).verify(today.text, today.headers);
    vi.setSystemTime(until);
    const tomorrow = await tell();
    expect(tomorrow.signatures).toBe(1);
    expect(() => new Webhook(previous).verify(tomorrow.text, tomorrow.headers)).toThrow();
  });
});

describe("the merchant's answer", () => {
  it.each([200, 201, 202, 204, 299])("%i is a success", async (status) => {
    network.merchant = () => new Response(status === 204 ? null : "OK", { status });
    const { merchant } = await toldPayment();
    expect(await deliveries(merchant)).toMatchObject([{ status: "delivered", due_at: null }]);
    expect(queued).toEqual([]);
  });

  it.each<[string, Answer]>([
    ["300", () => new Response("", { status: 300 })],
    ["400", () => new Response("", { status: 400 })],
    ["404", () => new Response("", { status: 404 })],
    ["429", () => new Response("", { status: 429 })],
    ["500", () => new Response("", { status: 500 })],
    ["a reset", broken("NetworkError")],
  ])("%s is tried again", async (_, answer) => {
    network.merchant = answer;
    const { merchant } = await toldPayment();
    expect(await deliveries(merchant)).toMatchObject([{ status: "pending" }]);
    expect(queued).toHaveLength(1);
  });

  it("of a redirect is not followed, and counts as a failure", async () => {
    network.merchant = () =>
      new Response("", { status: 302, headers: { Location: "https://duka.co.ke/new" } });
    const { merchant } = await toldPayment();
    expect(told().map((sent) => [sent.url, sent.redirect])).toEqual([[callbackUrl, "manual"]]);
    expect(await deliveries(merchant)).toMatchObject([{ status: "pending", attempts: [{ status: 302 }] }]);
    expect(queued).toHaveLength(1);
  });

  it("of 410 ends the retries", async () => {
    network.merchant = () => new Response("", { status: 410 });
    const { merchant } = await toldPayment();
    expect(await deliveries(merchant)).toMatchObject([{ status: "failed", attempt_count: 1, due_at: null }]);
    expect(queued).toEqual([]);
  });

  it("that does not come within 5 s is a failure", async () => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    const late = new AbortController();
    vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => (ms === 5_000 ? late.signal : timeout(ms)));
    network.merchant = ({ signal }) => {
      const answer = Promise.withResolvers<Response>();
      signal.addEventListener("abort", () => answer.reject(signal.reason));
      late.abort(new DOMException("The operation timed out.", "TimeoutError"));
      return answer.promise;
    };
    const { merchant } = await toldPayment();
    const [delivery] = await deliveries(merchant);
    expect(delivery?.attempts).toMatchObject([{ status: null, error: expect.stringContaining("timed out") }]);
    expect(queued).toHaveLength(1);
  });

  it("is kept, in its first 2,000 characters, and read no further", async () => {
    let chunks = 0;
    let isCancelled = false;
    const endless = new ReadableStream({
      pull(controller) {
        chunks++;
        controller.enqueue(new TextEncoder().encode("é".repeat(500)));
      },
      cancel() {
        isCancelled = true;
      },
    });
    network.merchant = () => new Response(endless);
    const { merchant } = await toldPayment();
    const [delivery] = await deliveries(merchant);
    expect(delivery?.attempts[0]?.response).toBe("é".repeat(2_000));
    expect(chunks).toBeLessThan(20);
    expect(isCancelled).toBe(true);
  });
});

describe("retries", () => {
  it("come after 30 s, 5 min and 50 min, give or take a tenth, and end after the fourth attempt", async () => {
    network.merchant = () => new Response("we are closed", { status: 503 });
    const { merchant } = await toldPayment();
    for (const seconds of [30, 300, 3_000]) {
      expect(queued).toHaveLength(1);
      expect(queued[0]?.delaySeconds).toBeGreaterThanOrEqual(seconds * 0.9);
      expect(queued[0]?.delaySeconds).toBeLessThanOrEqual(seconds * 1.1);
      await bringNext();
    }
    expect(queued).toEqual([]);
    const [delivery] = await deliveries(merchant);
    expect(delivery).toMatchObject({ status: "failed", attempt_count: 4, due_at: null });
    expect(delivery?.attempts).toHaveLength(4);
    for (const attempt of delivery?.attempts ?? []) {
      expect(attempt).toEqual({
        at: expect.any(Number),
        status: 503,
        durationMs: expect.any(Number),
        response: "we are closed",
        error: null,
      });
    }
    expect(new Set(told().map((sent) => sent.headers.get("webhook-id"))).size).toBe(1);
    expect(new Set(told().map((sent) => sent.text)).size).toBe(1);
    expect(told()).toHaveLength(4);
  });

  it("follow WEBHOOK_RETRY_SECONDS", async () => {
    network.merchant = () => new Response("", { status: 500 });
    const merchant = await newMerchant({ callbackUrl });
    const { body: ids } = await push(merchant.key);
    const settings = { ...bindings(), WEBHOOK_RETRY_SECONDS: "100" };
    await callBack(network.pushes[0]?.CallBackURL ?? "", paid(ids), settings);
    expect(Math.abs((queued[0]?.delaySeconds ?? 0) - 100)).toBeLessThanOrEqual(10);
    await bring(
      queued.splice(0).map(({ message }) => message),
      settings,
    );
    expect(await deliveries(merchant)).toMatchObject([{ status: "failed", attempt_count: 2 }]);
  });

  it("end with the first success", async () => {
    network.merchant = () => new Response("", { status: told().length < 2 ? 500 : 200 });
    const { merchant } = await toldPayment();
    await bringNext();
    expect(queued).toEqual([]);
    const [delivery] = await deliveries(merchant);
    expect(delivery).toMatchObject({ status: "delivered", attempt_count: 2 });
    expect(delivery?.attempts.map((attempt) => attempt.status)).toEqual([500, 200]);
  });

  it("are signed anew, with the time of the attempt", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    network.merchant = () => new Response("", { status: 500 });
    await toldPayment();
    vi.setSystemTime(Date.now() + 30_000);
    await bringNext();
    const [first, second] = told().map((sent) => Number(sent.headers.get("webhook-timestamp")));
    expect((second ?? 0) - (first ?? 0)).toBe(30);
  });

  it("are made once where a message comes twice, or twice at once", async () => {
    network.merchant = () => new Response("", { status: 500 });
    const { merchant } = await toldPayment();
    const message = queued[0]?.message;
    await bring([message, message]);
    await bring([message]);
    expect(told()).toHaveLength(2);
    expect(await deliveries(merchant)).toMatchObject([{ attempt_count: 2 }]);
  });

  it("are made once where the queue and the sweep meet", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    network.merchant = () => new Response("", { status: 500 });
    await toldPayment();
    vi.setSystemTime(Date.now() + 120_000);
    await Promise.all([bringNext(), tick(bindings()), tick(bindings())]);
    expect(told()).toHaveLength(2);
  });
});

describe("the sweep", () => {
  it("makes up for a first attempt that died, and not while it may be under way", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { merchant } = await toldPayment();
    await rows(
      `UPDATE webhook_deliveries SET status = 'pending', attempt_count = 0, attempts = '[]',
       delivered_at = NULL, due_at = created_at + 20000 WHERE merchant_id = ?`,
      merchant.merchantId,
    );
    vi.setSystemTime(Date.now() + 10_000);
    await tick(bindings());
    expect(told()).toHaveLength(1);
    vi.setSystemTime(Date.now() + 10_000);
    await tick(bindings());
    expect(told()).toHaveLength(2);
    expect(await deliveries(merchant)).toMatchObject([
      { status: "delivered", attempt_count: 1, due_at: null },
    ]);
    await tick(bindings());
    expect(told()).toHaveLength(2);
  });

  it("makes up for a message that the queue lost, or would not take", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    network.merchant = () => new Response("", { status: told().length < 2 ? 500 : 200 });
    const merchant = await newMerchant({ callbackUrl });
    const { body: ids } = await push(merchant.key);
    const send = async () => {
      throw new Error("the queue is down");
    };
    await callBack(network.pushes[0]?.CallBackURL ?? "", paid(ids), {
      WEBHOOK_QUEUE: { send } as unknown as Queue<WebhookMessage>, // nothing else of it is used
    });
    vi.setSystemTime(Date.now() + 120_000);
    await tick(bindings());
    expect(await deliveries(merchant)).toMatchObject([{ status: "delivered", attempt_count: 2 }]);
  });
});

describe("the failure of a payment that is paid after all", () => {
  const codes = () =>
    told().map(
      ({ body }) => (body as { Body: { stkCallback: { ResultCode: number } } }).Body.stkCallback.ResultCode,
    ); // what the text says is posted
  const cancelled = (ids: Ids) => failed(ids, 1032, "Request cancelled by user.");

  it("is not told any more once the success is", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    network.merchant = () => new Response("", { status: told().length < 2 ? 500 : 200 });
    const { ids, url } = await toldPayment({ body: cancelled });
    await callBack(url, paid(ids), bindings());
    vi.setSystemTime(Date.now() + 90_000);
    await bringNext();
    await tick(bindings());
    expect(codes()).toEqual([1032, 0]);
  });

  it("is not told again either where its attempt was under way when the success came", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const merchant = await newMerchant({ callbackUrl });
    const { body: ids } = await push(merchant.key);
    const url = network.pushes.at(-1)?.CallBackURL ?? "";
    network.merchant = async () => {
      if (told().length > 1) return new Response("OK");
      await callBack(url, paid(ids), bindings());
      return new Response("", { status: 500 });
    };
    await callBack(url, cancelled(ids), bindings());
    vi.setSystemTime(Date.now() + 90_000);
    await bringNext();
    await tick(bindings());
    expect(codes()).toEqual([1032, 0]);
  });

  it("is left out where all that failed is sent again", async () => {
    network.merchant = () => new Response("", { status: 410 });
    const { merchant, ids, url } = await toldPayment({ body: cancelled });
    await callBack(url, paid(ids), bindings());
    network.merchant = () => new Response("OK");
    const body = { status: "failed", since: "2026-01-01" };
    const answer = await request("/v1/webhooks/replay", { key: merchant.key, body });
    expect(answer.body.replayed).toBe(1);
    const left = await deliveries(merchant);
    expect(left.filter((d) => d.status === "failed").map((d) => d.id)).toEqual([
      `wh_${ids.transaction_id.slice("tx_".length)}_failed`,
    ]);
  });
});

describe("the queue", () => {
  it("keeps a message whose attempt met a fault of ours, and lets go of its neighbours", async () => {
    network.merchant = () => new Response("", { status: 500 });
    await toldPayment();
    const good = queued.splice(0)[0]?.message;
    const result = await bring([{ not: "a message" }, good]);
    expect(result.explicitAcks).toEqual(["m1"]);
    expect(result.retryMessages.map(({ msgId }) => msgId)).toEqual(["m0"]);
  });

  it("that nobody consumes is a fault", async () => {
    const ctx = createExecutionContext();
    const batch = createMessageBatch("another-queue", []);
    await expect(handleQueue(batch, createDeps(env, ctx))).rejects.toThrow("another-queue");
  });
});
