import { createExecutionContext, createMessageBatch, env, waitOnExecutionContext } from "cloudflare:test";
import { Webhook } from "standardwebhooks";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createDeps } from "../../../src/deps.ts";
import type { NoticeMessage } from "../../../src/features/notices/message.ts";
import type { WebhookMessage } from "../../../src/features/webhooks/message.ts";
import { REPLAYED_AT_MOST } from "../../../src/features/webhooks/replay-failed.ts";
import { SEARCHED_AT_MOST } from "../../../src/features/webhooks/store.ts";
import { eastAfricaTime } from "../../../src/lib/clock.ts";
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
import { freshNetwork, type Network } from "../../support/network.ts";
import { plansOf, SCAN_OR_SORT } from "../../support/plans.ts";

const callbackUrl = "https://duka.co.ke/callback";

let network: Network;
let queued: WebhookMessage[];
let notices: string[];
beforeEach(async () => {
  network = freshNetwork();
  queued = [];
  notices = [];
  await rows("UPDATE webhook_deliveries SET due_at = NULL");
});

/** Queues that only remember. */
const bindings = () => ({
  WEBHOOK_QUEUE: {
    send: async (message: WebhookMessage) => void queued.push(message),
    sendBatch: async (messages: { body: WebhookMessage }[]) =>
      void queued.push(...messages.map(({ body }) => body)),
  } as unknown as Queue<WebhookMessage>, // nothing else of it is used
  NOTICE_QUEUE: {
    send: async ({ id }: NoticeMessage) => void notices.push(id),
  } as unknown as Queue<NoticeMessage>, // as above
});

async function bringQueued() {
  const messages = queued.splice(0).map((body, i) => ({
    id: `m${i}`,
    timestamp: new Date(),
    attempts: 1,
    body,
  }));
  const ctx = createExecutionContext();
  await handleQueue(
    createMessageBatch("smartpay-webhooks", messages),
    createDeps({ ...env, ...bindings() }, ctx),
  );
  await waitOnExecutionContext(ctx);
}

/** Brings the retries until there are none. */
async function bringAll() {
  while (queued.length > 0) await bringQueued();
}

const told = () => network.to("duka.co.ke");
const answers = (status: number) => {
  network.merchant = () => new Response("said the shop", { status });
};

const api = (path: string, key: string, body?: object, method?: string) =>
  request(path, { key, body, method, env: bindings() });
const list = async ({ key }: { key: string }, query = "") => (await api(`/v1/webhooks${query}`, key)).body;
const replay = ({ key }: { key: string }, id: string) =>
  api(`/v1/webhooks/${id}/replay`, key, undefined, "POST");
const replayAll = ({ key }: { key: string }, body: object) => api("/v1/webhooks/replay", key, body);
const testWebhook = ({ key }: { key: string }, id: number | string) =>
  api(`/v1/keys/${id}/test-webhook`, key, undefined, "POST");
const code = ({ status, body }: Awaited<ReturnType<typeof api>>) => [status, body.error_code];

const shop = () => newMerchant({ callbackUrl });

/** A payment whose result is told; answers the transaction's id. */
async function tell({ key }: { key: string }, isPaid = true): Promise<string> {
  const { body: ids } = await push(key);
  const url = network.pushes.at(-1)?.CallBackURL ?? "";
  await callBack(url, isPaid ? paid(ids) : failed(ids, 1032, "Cancelled."), bindings());
  return ids.transaction_id;
}

/** A delivery that was given up after its four attempts. */
async function givenUp(merchant: { key: string }): Promise<string> {
  answers(500);
  const id = await tell(merchant);
  await bringAll();
  answers(200);
  return `wh_${id.slice(3)}_completed`;
}

/** Another key of the merchant, with calls to push. */
async function keyOf(merchant: Merchant, scope: "full" | "payments") {
  const { body } = await api("/v1/keys", merchant.key, { name: crypto.randomUUID(), scope });
  const key = { ...merchant, keyId: body.account.id, key: body.account.api_key };
  await setKey(key, "callback_url = ?, plan = 'Starter', calls_left = 100, expires_at = 9e12", callbackUrl);
  return key;
}

/** Deliveries behind the API's back: as many as are wanted, of whatever age. */
async function insert(
  { merchantId, keyId }: Merchant,
  { count = 1, status = "failed", createdAt = Date.now(), from = 0 } = {},
) {
  await rows(
    `WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 + ?2 - 1)
     INSERT INTO webhook_deliveries (merchant_id, id, key_id, transaction_id, url, body, status, attempt_count,
       attempts, created_at)
     SELECT ?3, printf('wh_%032x_completed', i), ?4, printf('tx_%032x', i), ?5, ?8, ?6, 0, '[]', ?7 + i FROM n`,
    from,
    count,
    merchantId,
    keyId,
    callbackUrl,
    status,
    createdAt,
    JSON.stringify(failed({ checkout_request_id: "ws_CO_1" }, 1032, "Request cancelled by user.")),
  );
}

describe("GET /v1/webhooks", () => {
  it("shows a delivery with its attempts, times in East Africa, and the body that is sent", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-24T06:30:15Z") });
    const merchant = await shop();
    const transaction = await tell(merchant);
    const answer = await list(merchant);
    expect(answer).toEqual({
      success: true,
      webhooks: [
        {
          id: `wh_${transaction.slice(3)}_completed`,
          transaction_id: transaction,
          url: callbackUrl,
          status: "delivered",
          attempts: [{ at: "2026-11-24 09:30:15", status: 200, duration_ms: 0, response: "OK", error: null }],
          next_attempt_at: null,
          created_at: "2026-11-24 09:30:15",
          delivered_at: "2026-11-24 09:30:15",
          body: JSON.parse(told()[0]?.text ?? ""),
        },
      ],
      count: 1,
      has_more: false,
      next_cursor: null,
    });
    const [webhook] = answer.webhooks;
    expect((await api(`/v1/webhooks/${webhook.id}`, merchant.key)).body).toEqual({ success: true, webhook });
  });

  it("tells when a retry will be made", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-24T06:30:15Z") });
    const merchant = await shop();
    answers(503);
    await tell(merchant);
    const { webhooks } = await list(merchant, "?status=pending");
    expect(webhooks).toMatchObject([
      { status: "pending", attempts: [{ status: 503, response: "said the shop" }], delivered_at: null },
    ]);
    expect(webhooks[0].next_attempt_at).toMatch(/^2026-11-24 09:30:4[2-8]$/);
  });

  it("lists the newest first, by status, page by page", async () => {
    const merchant = await shop();
    for (const [i, status] of ["failed", "delivered", "pending", "failed", "delivered", "failed"].entries()) {
      await insert(merchant, { from: i + 1, status });
    }
    const numbersOf = ({ webhooks }: { webhooks: { id: string }[] }) =>
      webhooks.map(({ id }) => Number.parseInt(id.slice(3, 35), 16));
    expect(numbersOf(await list(merchant))).toEqual([6, 5, 4, 3, 2, 1]);
    expect(numbersOf(await list(merchant, "?status=failed"))).toEqual([6, 4, 1]);
    expect(numbersOf(await list(merchant, "?status=delivered"))).toEqual([5, 2]);
    expect(numbersOf(await list(merchant, "?status=pending"))).toEqual([3]);
    const first = await list(merchant, "?status=failed&limit=2");
    expect(first).toMatchObject({ count: 2, has_more: true });
    const second = await list(merchant, `?status=failed&limit=2&cursor=${first.next_cursor}`);
    expect(second).toMatchObject({ count: 1, has_more: false, next_cursor: null });
    expect([first, second].map(numbersOf)).toEqual([[6, 4], [1]]);
    expect(await list(merchant, "?limit=0")).toMatchObject({ count: 1 });
    expect(await list(merchant, "?limit=1000")).toMatchObject({ count: 6 });
  });

  it("shows a key of scope payments its own, however many others lie between", async () => {
    const merchant = await shop();
    const cashier = await keyOf(merchant, "payments");
    await insert(cashier, { from: 1, status: "delivered" });
    await insert(merchant, { from: 2, count: SEARCHED_AT_MOST, status: "delivered" });
    await insert(cashier, { from: SEARCHED_AT_MOST + 2, status: "failed" });
    expect(await list(cashier, "?status=failed")).toMatchObject({ count: 1, has_more: false });
    const first = await list(cashier);
    expect(first).toMatchObject({ count: 1, has_more: true, webhooks: [{ status: "failed" }] });
    const second = await list(cashier, `?cursor=${first.next_cursor}`);
    expect(second).toMatchObject({ count: 1, has_more: false, webhooks: [{ status: "delivered" }] });
  });

  it.each(["", "?status=pending", "?status=delivered", "?status=failed"])(
    "neither sorts nor scans, however it is asked (%s)",
    async (query) => {
      const merchant = await shop();
      const cashier = await keyOf(merchant, "payments");
      for (const { key } of [merchant, cashier]) {
        for (const path of [
          `/v1/webhooks${query}`,
          `/v1/webhooks${query || "?"}&cursor=wh_${"a".repeat(32)}_failed`,
        ]) {
          const plans = await plansOf(path, { key });
          expect(plans.join("\n")).toContain("webhook_deliveries");
          for (const step of plans) expect(step).not.toMatch(SCAN_OR_SORT);
        }
      }
    },
  );

  it.each(["?status=lost", "?limit=many", "?limit=", "?cursor=7", "?cursor=wh_x"])(
    "refuses %s",
    async (query) => {
      const { key } = await shop();
      expect(code(await api(`/v1/webhooks${query}`, key))).toEqual([400, "INVALID_FIELD"]);
    },
  );

  it("shows nobody another merchant's, nor a key of scope payments another key's", async () => {
    const merchant = await shop();
    const other = await shop();
    const cashier = await keyOf(merchant, "payments");
    await tell(merchant);
    const [{ id }] = (await list(merchant)).webhooks;
    for (const stranger of [other, cashier]) {
      expect(await list(stranger)).toMatchObject({ count: 0, has_more: false });
      expect(code(await api(`/v1/webhooks/${id}`, stranger.key))).toEqual([404, "NOT_FOUND"]);
    }
    await tell(cashier);
    expect(await list(cashier)).toMatchObject({ count: 1 });
    expect(await list(merchant)).toMatchObject({ count: 2 });
  });
});

it("a delivered webhook pays for no index but the sweep's", async () => {
  const { merchantId, keyId } = await shop();
  const { meta } = await env.DB.prepare(
    `INSERT INTO webhook_deliveries (merchant_id, id, key_id, url, body, due_at, created_at)
     VALUES (?, 'wh_1', ?, '', '', 1, 1)`,
  )
    .bind(merchantId, keyId)
    .run();
  const delivered = await env.DB.prepare(
    "UPDATE webhook_deliveries SET status = 'delivered', due_at = NULL WHERE merchant_id = ?",
  )
    .bind(merchantId)
    .run();
  expect([meta.rows_written, delivered.meta.rows_written]).toEqual([2, 1]);
});

describe("a replay", () => {
  it("sends a delivered webhook again: the same id and body, signed anew, its attempts appended", async () => {
    const merchant = await shop();
    await tell(merchant);
    const [{ id }] = (await list(merchant)).webhooks;
    const answer = await replay(merchant, id);
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({
      success: true,
      webhook: { id, status: "pending", delivered_at: null },
    });
    expect(told().map(({ text }) => text)).toEqual([told()[0]?.text, told()[0]?.text]);
    expect(told().map(({ headers }) => headers.get("webhook-id"))).toEqual([id, id]);
    expect((await list(merchant)).webhooks).toMatchObject([
      { id, status: "delivered", attempts: [{ status: 200 }, { status: 200 }] },
    ]);
  });

  it("has a fresh set of retries", async () => {
    const merchant = await shop();
    const id = await givenUp(merchant);
    answers(500);
    await replay(merchant, id);
    expect((await list(merchant)).webhooks).toMatchObject([{ status: "pending" }]);
    await bringAll();
    expect(told()).toHaveLength(8);
    const [delivery] = (await list(merchant, "?status=failed")).webhooks;
    expect(delivery.attempts).toHaveLength(8);
    answers(200);
    await replay(merchant, id);
    expect(await list(merchant, "?status=delivered")).toMatchObject({ count: 1 });
  });

  it("again and again keeps the last 20 attempts, counts all, and has its fresh retries all the same", async () => {
    const merchant = await shop();
    const id = await givenUp(merchant);
    answers(500);
    for (let attempts = 4; attempts < 24; attempts += 4) {
      await replay(merchant, id);
      await bringAll();
    }
    expect(told()).toHaveLength(24);
    answers(200);
    await replay(merchant, id);
    const [delivery] = (await list(merchant)).webhooks;
    const statuses = delivery.attempts.map(({ status }: { status: number }) => status);
    expect(statuses).toEqual([...Array.from({ length: 19 }, () => 500), 200]);
    expect(await rows("SELECT attempt_count FROM webhook_deliveries WHERE id = ?", id)).toEqual([
      { attempt_count: 25 },
    ]);
  });

  it("of one that waits for its retry is made at once, and the retry that waited is void", async () => {
    const merchant = await shop();
    answers(500);
    await tell(merchant);
    const waiting = queued.splice(0);
    const [{ id }] = (await list(merchant)).webhooks;
    answers(200);
    expect((await replay(merchant, id)).status).toBe(202);
    queued.push(...waiting);
    await bringQueued();
    expect(told()).toHaveLength(2);
    expect((await list(merchant)).webhooks).toMatchObject([{ status: "delivered" }]);
  });

  it("asked for many times at once is sent once", async () => {
    const merchant = await shop();
    const id = await givenUp(merchant);
    const before = told().length;
    const answers = await Promise.all(Array.from({ length: 5 }, () => replay(merchant, id)));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
    expect(told()).toHaveLength(before + 1);
  });

  it("asked for while the first attempt is under way is that attempt", async () => {
    const merchant = await shop();
    const answer = Promise.withResolvers<Response>();
    const asked = Promise.withResolvers<void>();
    network.merchant = () => {
      asked.resolve();
      return answer.promise;
    };
    const telling = tell(merchant);
    await asked.promise;
    const [{ id }] = (await list(merchant)).webhooks;
    expect((await replay(merchant, id)).body.webhook).toMatchObject({ id, status: "pending", attempts: [] });
    answer.resolve(new Response("OK"));
    await telling;
    expect(told()).toHaveLength(1);
    expect((await list(merchant)).webhooks).toMatchObject([{ status: "delivered", attempts: [{}] }]);
  });

  it("whose first attempt died is made up for by the sweep", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const merchant = await shop();
    const id = await givenUp(merchant);
    const answers = await replayAll(merchant, { status: "failed", since: "2026-01-01" });
    expect(answers.body.replayed).toBe(1);
    queued.splice(0); // lost
    vi.setSystemTime(Date.now() + 60_000);
    await tick(bindings());
    expect((await list(merchant)).webhooks).toMatchObject([{ id, status: "delivered" }]);
  });

  it("is refused for what is not there or is another's", async () => {
    const merchant = await shop();
    await tell(merchant);
    const [{ id }] = (await list(merchant)).webhooks;
    expect(code(await replay(await shop(), id))).toEqual([404, "NOT_FOUND"]);
    for (const absent of [`wh_${"0".repeat(32)}_completed`, "7", "wh_'"]) {
      expect(code(await replay(merchant, absent))).toEqual([404, "NOT_FOUND"]);
    }
    expect(told()).toHaveLength(1);
  });

  it("is not for a key of scope payments, which reads its own alone", async () => {
    const cashier = await keyOf(await shop(), "payments");
    const id = await givenUp(cashier);
    expect(code(await replay(cashier, id))).toEqual([403, "FORBIDDEN_SCOPE"]);
    expect((await list(cashier)).webhooks).toMatchObject([{ id, status: "failed" }]);
  });
});

describe("a replay of all that failed", () => {
  it.each([
    ["East Africa Time", "2026-11-24 00:00:00"],
    ["a day", "2026-11-24"],
    ["ISO 8601 in UTC", "2026-11-23T21:00:00Z"],
    ["ISO 8601 with an offset", "2026-11-24T02:00:00.000+05:00"],
  ])("begins at a time in %s", async (_, since) => {
    const merchant = await shop();
    const midnight = Date.parse("2026-11-24T00:00:00+03:00");
    await insert(merchant, { createdAt: midnight - 2, from: 1 });
    await insert(merchant, { createdAt: midnight - 2, from: 2 });
    const answer = await replayAll(merchant, { status: "failed", since });
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({
      success: true,
      message: expect.any(String),
      replayed: 1,
      has_more: false,
      next_cursor: null,
    });
    expect(await list(merchant, "?status=failed")).toMatchObject({
      webhooks: [{ created_at: eastAfricaTime(midnight - 1) }],
    });
    await bringQueued();
    expect(await list(merchant, "?status=delivered")).toMatchObject({ count: 1 });
  });

  it("sends nothing that is delivered or waits", async () => {
    const merchant = await shop();
    await insert(merchant, { from: 1, status: "delivered" });
    await insert(merchant, { from: 2, status: "pending" });
    const { body } = await replayAll(merchant, { status: "failed", since: "2020-01-01" });
    expect(body).toMatchObject({ replayed: 0, has_more: false });
    expect(queued).toEqual([]);
  });

  it("takes the oldest, so many at a time, and says whether more are left and where", async () => {
    const merchant = await shop();
    await insert(merchant, { count: REPLAYED_AT_MOST + 50 });
    const first = await replayAll(merchant, { status: "failed", since: "2020-01-01" });
    expect(first.body).toMatchObject({ replayed: REPLAYED_AT_MOST, has_more: true });
    expect(queued).toHaveLength(REPLAYED_AT_MOST);
    answers(410); // fails again at once, and is not met again by the cursor
    await bringQueued();
    const { next_cursor: cursor } = first.body;
    const second = await replayAll(merchant, { status: "failed", since: "2020-01-01", cursor });
    expect(second.body).toMatchObject({ replayed: 50, has_more: false, next_cursor: null });
    expect(queued).toHaveLength(50);
  });

  it("asked for many times at once sends each once", async () => {
    const merchant = await shop();
    await insert(merchant, { count: 30 });
    const since = "2020-01-01";
    const answers = await Promise.all([1, 2, 3].map(() => replayAll(merchant, { status: "failed", since })));
    expect(answers.reduce((sum, { body }) => sum + body.replayed, 0)).toBe(30);
    await bringQueued();
    expect(told()).toHaveLength(30);
  });

  it("touches no other merchant's, and is not for a key of scope payments", async () => {
    const merchant = await shop();
    const cashier = await keyOf(merchant, "payments");
    const other = await shop();
    for (const [i, owner] of [merchant, cashier, other].entries()) await insert(owner, { from: i + 1 });
    const body = { status: "failed", since: "2020-01-01" };
    expect(code(await replayAll(cashier, body))).toEqual([403, "FORBIDDEN_SCOPE"]);
    expect((await replayAll(merchant, body)).body.replayed).toBe(2);
    expect((await replayAll(merchant, body)).body.replayed).toBe(0);
    expect(await list(other, "?status=failed")).toMatchObject({ count: 1 });
  });

  it.each([
    [{}, "MISSING_FIELDS"],
    [{ status: "failed" }, "MISSING_FIELDS"],
    [{ since: "2026-11-24" }, "MISSING_FIELDS"],
    [{ status: "delivered", since: "2026-11-24" }, "INVALID_FIELD"],
    [{ status: "failed", since: "yesterday" }, "INVALID_FIELD"],
    [{ status: "failed", since: "2026-02-30" }, "INVALID_FIELD"],
    [{ status: "failed", since: 1_764_000_000 }, "INVALID_FIELD"],
    [{ status: "failed", since: "2026-11-24", cursor: "x" }, "INVALID_FIELD"],
  ])("refuses %j", async (body, expected) => {
    expect(code(await replayAll(await shop(), body))).toEqual([400, expected]);
  });

  it("neither sorts nor scans", async () => {
    const merchant = await shop();
    await insert(merchant, {});
    const steps = await rows<{ detail: string }>(
      `EXPLAIN QUERY PLAN SELECT id FROM webhook_deliveries INDEXED BY webhook_deliveries_failed
       WHERE merchant_id = 1 AND status = 'failed' AND created_at >= 1 AND (created_at > 1 OR id > 'x')
       ORDER BY created_at, id LIMIT 100`,
    );
    expect(steps.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^SEARCH webhook_deliveries USING .*webhook_deliveries_failed/),
    ]);
    const plans = await plansOf("/v1/webhooks/replay", {
      key: merchant.key,
      body: { status: "failed", since: "2020-01-01" },
    });
    for (const each of plans) expect(each).not.toMatch(SCAN_OR_SORT);
  });
});

describe("a test event", () => {
  it("is of the text's form, signed, and cannot be taken for a payment", async () => {
    const merchant = await shop();
    const answer = await testWebhook(merchant, merchant.keyId);
    expect(answer.status).toBe(202);
    const [sent] = told();
    expect(sent?.body).toEqual({
      Body: {
        stkCallback: {
          MerchantRequestID: expect.stringMatching(/^test_/),
          CheckoutRequestID: expect.stringMatching(/^test_/),
          ResultCode: 9999,
          ResultDesc: "Test event. No payment was made.",
        },
      },
    });
    expect(sent?.headers.get("webhook-test")).toBe("true");
    const { body } = await api(`/v1/keys/${merchant.keyId}/webhook-secret`, merchant.key);
    new Webhook(body.webhook_secret).verify(sent?.text ?? "", Object.fromEntries(sent?.headers ?? []));
    const { webhook } = answer.body;
    expect(webhook).toMatchObject({ transaction_id: null, url: callbackUrl, body: sent?.body });
    expect((await list(merchant)).webhooks).toMatchObject([{ id: webhook.id, status: "delivered" }]);
  });

  it("alone has the header webhook-test", async () => {
    await tell(await shop());
    expect(told()[0]?.headers.has("webhook-test")).toBe(false);
  });

  it("can be sent again", async () => {
    const merchant = await shop();
    const { webhook } = (await testWebhook(merchant, merchant.keyId)).body;
    expect((await replay(merchant, webhook.id)).status).toBe(202);
    expect(told().map(({ headers }) => headers.get("webhook-test"))).toEqual(["true", "true"]);
  });

  it("is refused without a callback URL, for another's key, and by a key of scope payments", async () => {
    const merchant = await newMerchant();
    expect(code(await testWebhook(merchant, merchant.keyId))).toEqual([400, "INVALID_CALLBACK_URL"]);
    const other = await shop();
    expect(code(await testWebhook(merchant, other.keyId))).toEqual([404, "NOT_FOUND"]);
    for (const id of ["x", "0", "999999"]) {
      expect(code(await testWebhook(merchant, id))).toEqual([404, "NOT_FOUND"]);
    }
    const cashier = await keyOf(other, "payments");
    expect(code(await testWebhook(cashier, cashier.keyId))).toEqual([403, "FORBIDDEN_SCOPE"]);
    expect(told()).toEqual([]);
  });
});

describe("a delivery that is given up", () => {
  const emails = ({ merchantId }: Merchant) =>
    rows<{ id: string; recipient: string; subject: string; body: string; status: string }>(
      "SELECT * FROM notices WHERE merchant_id = ? AND id LIKE 'webhook_given_up:%'",
      merchantId,
    );

  it("is told to the merchant by email, once, with what to do", async () => {
    const merchant = await shop();
    const id = await givenUp(merchant);
    const [email, ...others] = await emails(merchant);
    expect(others).toEqual([]);
    expect(email).toMatchObject({ recipient: "john@duka.co.ke", status: "queued" });
    for (const part of [callbackUrl, "HTTP 500", "Attempts: 4", `/v1/webhooks/${id}/replay`]) {
      expect(email?.body).toContain(part);
    }
    expect(notices).toEqual([email?.id]);
    answers(500);
    await replay(merchant, id);
    await bringAll();
    expect(await emails(merchant)).toHaveLength(1);
  });

  it("by a 410 is told at its first attempt", async () => {
    const merchant = await shop();
    answers(410);
    await tell(merchant);
    expect((await emails(merchant)).map(({ body }) => body)).toEqual([expect.stringContaining("HTTP 410")]);
    expect((await list(merchant, "?status=failed")).webhooks).toMatchObject([
      { attempts: [{ status: 410 }] },
    ]);
  });

  it("is told by nothing while retries are left, or where it was delivered", async () => {
    const merchant = await shop();
    answers(500);
    await tell(merchant);
    await bringQueued();
    answers(200);
    await bringQueued();
    await tell(merchant);
    expect(await emails(merchant)).toEqual([]);
  });
});
