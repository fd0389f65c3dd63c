import { createExecutionContext, createMessageBatch, env, waitOnExecutionContext } from "cloudflare:test";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { createDeps } from "../../src/deps.ts";
import { handleQueue } from "../../src/queues.ts";
import { type Fault, faultyBindings } from "../support/faulty.ts";
import {
  type Answer,
  callBack,
  type Merchant,
  newMerchant,
  newPhone,
  newReceipt,
  paid,
  request,
  rows,
  runCrons,
} from "../support/gateway.ts";
import { freshNetwork, type Network, queryResult, said } from "../support/network.ts";
import { answerTo, b2cPaid, noSuchTransaction, PAYING, status } from "../support/payouts.ts";
import { type Page, signUp, Visitor } from "../support/visitor.ts";

/**
 * Every storage call of every money path fails once: before it is carried out, after it, or with all that
 * follow. Whoever asked is told the truth or asks again, M-Pesa's word is never lost, and in the end all
 * has happened once.
 */

/** What the queue of callbacks was given to keep. */
const callbacks: unknown[] = [];
const keepsCallbacks = { send: async (body: unknown) => void callbacks.push(body) };

const healthy = faultyBindings();
const SETTINGS = {
  ...PAYING,
  ...healthy.env,
  CALLBACK_QUEUE: keepsCallbacks as unknown as typeof env.CALLBACK_QUEUE, // nothing else of it is used
  ROUTING: "direct",
  LIMITS: '{"key_minute":1000000,"key_day":1000000,"phone_pushes":1000}',
};
const HOUR = 3_600_000;

let network: Network;
let merchant: Merchant;
const phone = newPhone();

vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  network = freshNetwork();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  merchant = await newMerchant({ callbackUrl: "http://localhost:3000/told" });
  await rows("UPDATE wallets SET sms_credits = 10000 WHERE merchant_id = ?", merchant.merchantId);
  await rows("INSERT INTO verified_phones VALUES (?, ?, 1)", phone, merchant.merchantId);
});

/** The cron, an hour later each time, so that whatever waits is due. */
async function sweep(times = 1) {
  for (let i = 0; i < times; i++) {
    vi.setSystemTime(Date.now() + HOUR);
    await runCrons({ ...env, ...SETTINGS } as typeof env);
  }
}

const post = (path: string, body: object, id: string, bindings: object = {}) =>
  request(path, {
    key: merchant.key,
    body,
    headers: { "Idempotency-Key": id },
    env: { ...SETTINGS, ...bindings },
  });

/** What may be answered while the storage fails: that it worked, or that the client should ask again. */
function expectHonest(answer: Answer) {
  if (answer.status < 300) return;
  expect([500, 503, 409]).toContain(answer.status);
  expect(answer.body).toMatchObject({ success: false, request_id: expect.stringMatching(/^req_/) });
  expect(["INTERNAL_ERROR", "SERVICE_UNAVAILABLE", "IDEMPOTENCY_IN_PROGRESS"]).toContain(
    answer.body.error_code,
  );
  if (answer.status !== 500) expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
  expect(JSON.stringify(answer.body)).not.toMatch(/D1_ERROR|Durable|Queue/);
}

/** As our clients do: the same request with the same Idempotency-Key, until it is answered for good. */
async function untilAnswered(first: Answer, again: () => Promise<Answer>): Promise<Answer> {
  let answer = first;
  for (let i = 0; i < 3 && answer.status >= 300; i++) {
    vi.setSystemTime(Date.now() + 61_000);
    answer = await again();
  }
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer;
}

type Figures = { balance: number; held: number; owed: number; sms_credits: number; calls_left: number };
const figures = async () =>
  (
    await rows<Figures>(
      `SELECT balance, held, owed, sms_credits,
         (SELECT calls_left FROM api_keys WHERE id = ?2) AS calls_left FROM wallets WHERE merchant_id = ?1`,
      merchant.merchantId,
      merchant.keyId,
    )
  )[0] as Figures;

const changes = async (before: Figures) => {
  const after = await figures();
  const names = Object.keys(before) as (keyof Figures)[]; // its own
  const changed = names.map((name) => [name, after[name] - before[name]] as const);
  return Object.fromEntries(changed.filter(([, by]) => by !== 0));
};

async function expectBooksToHold() {
  const { body, status } = await request("/operator/v1/ledger/verify", {
    headers: { Authorization: `Bearer ${env.OPERATOR_TOKEN}` },
  });
  expect(status, JSON.stringify(body)).toBe(200);
}

const paymentOf = async (id: string) =>
  (await rows("SELECT status, mpesa_receipt FROM transactions WHERE id = ?", id))[0];
const kindsOf = async (reference: string) =>
  (
    await rows<{ kind: string }>(
      "SELECT kind FROM ledger_entries WHERE reference = ? ORDER BY seq",
      reference,
    )
  ).map(({ kind }) => kind);
const payoutsOf = (id: string) =>
  rows<{ id: string; status: string }>("SELECT id, status FROM payouts WHERE id = ?", id);

let serial = 0;
const newId = () => `fault-${++serial}`;

/** The pushes that M-Pesa was sent for these, and their callbacks. */
async function payAll(from: number, receipt?: string): Promise<number> {
  const pushes = network.pushes.slice(from);
  for (const { CallBackURL = "", Amount = "" } of pushes) {
    const id = CallBackURL.split("/").at(-2) ?? "";
    const [row] = await rows<{ checkout_request_id: string }>(
      "SELECT checkout_request_id FROM transactions WHERE id = ?",
      id,
    );
    const ids = { checkout_request_id: row?.checkout_request_id ?? `ws_CO_late_${id}` };
    await callBack(CallBackURL, paid(ids, { amount: Number(Amount), receipt }), SETTINGS);
  }
  return pushes.length;
}

/** A path, run with one fault. `run` answers when all that follows by itself is over; it asserts what holds. */
type Path = [name: string, run: (bindings: object) => Promise<void>];

const PATHS: Path[] = [
  [
    "a push",
    async (bindings) => {
      const [before, sent, id] = [await figures(), network.pushes.length, newId()];
      const body = { phone: newPhone(), amount: 10 };
      const first = await post("/v1/stk/push", body, id, bindings);
      expectHonest(first);
      const answer = await untilAnswered(first, () => post("/v1/stk/push", body, id));
      const pushed = await payAll(sent);
      expect(pushed).toBeLessThanOrEqual(1);
      expect(await changes(before)).toEqual(
        pushed === 1 ? { balance: 10, calls_left: -1 } : { calls_left: -1 },
      );
      const stored = await rows("SELECT id FROM transactions WHERE idempotency_key = ?", id);
      expect(stored).toEqual([{ id: answer.body.transaction_id }]);
      // What M-Pesa never heard of ends by itself.
      await rows(
        "UPDATE transactions SET due_at = NULL WHERE idempotency_key = ? AND status = 'pending'",
        id,
      );
    },
  ],
  [
    "a callback",
    async (bindings) => {
      const [before, receipt] = [await figures(), newReceipt()];
      const { body: ids } = await post("/v1/stk/push", { phone: newPhone(), amount: 10 }, newId());
      const told = network.to("/told").length;
      const url = network.pushes.at(-1)?.CallBackURL ?? "";
      const answer = await callBack(url, paid(ids, { amount: 10, receipt }), { ...SETTINGS, ...bindings });
      await takeKeptCallbacks();
      network.query = queryResult("0", "The service request is processed successfully.");
      await sweep(2);
      const isKept = answer.status === 200;
      expect(await paymentOf(ids.transaction_id)).toEqual({
        status: "completed",
        // Daraja delivers once: what it was not thanked for is found by asking, which brings no receipt.
        mpesa_receipt: isKept ? receipt : expect.toSatisfy((kept) => kept === null || kept === receipt),
      });
      expect(await kindsOf(ids.transaction_id)).toEqual(["collection"]);
      expect(await changes(before)).toEqual({ balance: 10, calls_left: -1 });
      expect(network.to("/told").length).toBeGreaterThan(told);
    },
  ],
  [
    "a purchase of SMS credits",
    async (bindings) => {
      const [before, sent, id] = [await figures(), network.pushes.length, newId()];
      const body = { credits: 10, phone: newPhone() };
      const first = await post("/v1/sms/credits", body, id, bindings);
      expectHonest(first);
      await untilAnswered(first, () => post("/v1/sms/credits", body, id));
      const pushed = await payAll(sent);
      expect(pushed).toBeLessThanOrEqual(1);
      expect(await changes(before)).toEqual(pushed === 1 ? { sms_credits: 10 } : {});
      await rows(
        "UPDATE transactions SET due_at = NULL WHERE idempotency_key = ? AND status = 'pending'",
        id,
      );
    },
  ],
  [
    "an SMS",
    async (bindings) => {
      const [before, sent, id] = [await figures(), network.texts.length, newId()];
      const body = { phone: newPhone(), message: `Karibu ${id}` };
      const first = await post("/v1/sms", body, id, bindings);
      expectHonest(first);
      const answer = await untilAnswered(first, () => post("/v1/sms", body, id));
      await sweep();
      expect(network.texts.length - sent).toBeLessThanOrEqual(1);
      expect(await changes(before)).toEqual({ sms_credits: -1 });
      const { body: shown } = await request(`/v1/sms/${answer.body.data.transaction_id}`, {
        key: merchant.key,
        env: SETTINGS,
      });
      // Where the answer to the claim was lost it stays unclear: it is not sent twice.
      const wasSent = network.texts.length - sent === 1;
      expect(wasSent ? ["sent", "queued"] : ["queued"]).toContain(shown.data.status);
    },
  ],
  [
    "a withdrawal",
    async (bindings) => {
      await fund();
      const [before, id] = [await figures(), newId()];
      const body = { amount: 10, phone };
      const first = await post("/v1/account/withdrawals", body, id, bindings);
      expectHonest(first);
      const answer = await untilAnswered(first, () => post("/v1/account/withdrawals", body, id));
      expect(await changes(before)).toEqual({ balance: -10, held: 10 });
      await settlePayouts();
      expect(await payoutsOf(answer.body.withdrawal.id)).toMatchObject([{ status: "paid" }]);
      expect(await changes(before)).toEqual({ balance: -10 });
    },
  ],
  [
    "a payout that is sent",
    async (bindings) => {
      await fund();
      const before = await figures();
      const id = await withdrawal();
      const sent = network.count("/b2c/");
      await consumePayout(id, bindings);
      await settlePayouts();
      expect(network.count("/b2c/") - sent).toBeGreaterThanOrEqual(1);
      expect(heldByMpesa(sent)).toHaveLength(1);
      expect(await payoutsOf(id)).toMatchObject([{ status: "paid" }]);
      expect(await changes(before)).toEqual({ balance: -10 });
    },
  ],
  [
    "a payout's result",
    async (bindings) => {
      await fund();
      const before = await figures();
      const id = await withdrawal();
      await consumePayout(id);
      const asked = said(network.to("/b2c/").at(-1));
      const receipt = newReceipt();
      await answerTo(
        asked.ResultURL,
        b2cPaid({ amount: 10, receipt, OriginatorConversationID: asked.OriginatorConversationID }),
        { ...SETTINGS, ...bindings },
      );
      receipts.set(asked.OriginatorConversationID ?? "", receipt);
      await takeKeptCallbacks();
      await settlePayouts();
      expect(await payoutsOf(id)).toMatchObject([{ status: "paid" }]);
      expect(await changes(before)).toEqual({ balance: -10 });
      expect(await kindsOf(id)).toHaveLength(2);
    },
  ],
  [
    "the cron",
    async (bindings) => {
      const before = await figures();
      const { body: ids } = await post("/v1/stk/push", { phone: newPhone(), amount: 10 }, newId());
      network.query = queryResult("0", "The service request is processed successfully.");
      vi.setSystemTime(Date.now() + HOUR);
      await runCrons({ ...env, ...SETTINGS, ...bindings } as typeof env);
      await sweep(2);
      expect(await paymentOf(ids.transaction_id)).toMatchObject({ status: "completed" });
      expect(await changes(before)).toEqual({ balance: 10, calls_left: -1 });
    },
  ],
];

/** The receipt of each payout that M-Pesa has carried out, by the id that it was asked under. */
const receipts = new Map<string, string>();
const heldByMpesa = (from: number) => [
  ...new Set(
    network
      .to("/b2c/")
      .slice(from)
      .map((sent) => said(sent).OriginatorConversationID),
  ),
];

const fund = async () => {
  if ((await figures()).balance >= 100) return;
  const { body: ids } = await post("/v1/stk/push", { phone: newPhone(), amount: 1_000 }, newId());
  await callBack(network.pushes.at(-1)?.CallBackURL ?? "", paid(ids, { amount: 1_000 }), SETTINGS);
};

async function withdrawal(): Promise<string> {
  const { body } = await post("/v1/account/withdrawals", { amount: 10, phone }, newId());
  return body.withdrawal.id;
}

const consumePayout = (id: string, bindings: object = {}) =>
  consumeFrom("smartpay-payouts", { merchantId: merchant.merchantId, id }, bindings);

/** The queue's consumer gets one message. */
async function consumeFrom(queue: string, body: unknown, bindings: object = {}) {
  const ctx = createExecutionContext();
  const message = { id: crypto.randomUUID(), timestamp: new Date(), attempts: 1, body };
  const batch = createMessageBatch(queue, [message]);
  await handleQueue(batch, createDeps({ ...env, ...SETTINGS, ...bindings } as typeof env, ctx));
  await waitOnExecutionContext(ctx);
}

/** The storage works again, and takes what the queue has kept for it. */
async function takeKeptCallbacks() {
  for (const body of callbacks.splice(0)) await consumeFrom("smartpay-callbacks", body);
}

/** The sweep, and M-Pesa that tells the truth: results of what it carried out, and answers to what it is asked. */
async function settlePayouts() {
  for (let round = 0; round < 4; round++) {
    const { open } = (
      await rows<{ open: number }>(
        "SELECT count(*) AS open FROM payouts WHERE merchant_id = ? AND status NOT IN ('paid', 'failed')",
        merchant.merchantId,
      )
    )[0] ?? { open: 0 };
    if (open === 0) return;
    const [asked, sent] = [network.count("/transactionstatus/"), network.count("/b2c/")];
    await sweep();
    for (const each of network.to("/transactionstatus/").slice(asked)) {
      const { ResultURL, OriginalConversationID: askedFor = "" } = said(each);
      const isHeld = network.to("/b2c/").some((b2c) => said(b2c).OriginatorConversationID === askedFor);
      const answer = isHeld
        ? status("Completed", { amount: 10, receipt: receiptOf(askedFor) })
        : noSuchTransaction();
      await answerTo(ResultURL, answer, SETTINGS);
    }
    for (const each of network.to("/b2c/").slice(sent)) {
      const { ResultURL, OriginatorConversationID = "" } = said(each);
      await answerTo(
        ResultURL,
        b2cPaid({ amount: 10, receipt: receiptOf(OriginatorConversationID), OriginatorConversationID }),
        SETTINGS,
      );
    }
  }
}

function receiptOf(originatorId: string): string {
  const receipt = receipts.get(originatorId) ?? newReceipt();
  receipts.set(originatorId, receipt);
  return receipt;
}

const KINDS: Fault["kind"][] = ["before", "after", "from there on"];
/** The cron's calls are many, and its jobs do not know of one another: some are enough. */
const CALLS_AT_MOST = 10;

describe.each(PATHS)("%s", (_, run) => {
  it.each(KINDS)("with a storage call that fails %s", async (kind) => {
    const counted = faultyBindings();
    await run(counted.env);
    expect(counted.calls.length).toBeGreaterThan(1);
    const step = Math.max(1, Math.ceil(counted.calls.length / CALLS_AT_MOST));
    for (let at = 1; at <= counted.calls.length; at += step) {
      try {
        await run(faultyBindings({ at, kind }).env);
      } catch (error) {
        throw new Error(`call ${at}, ${counted.calls[at - 1]}: ${error}`, { cause: error });
      }
    }
    await expectBooksToHold();
  });
});

describe("a page's form", () => {
  const isHonest = (page: Page) => {
    expect([200, 201, 302, 303, 400, 500, 503], page.text).toContain(page.status);
    if (page.status === 503) expect(Number(page.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(page.text).not.toMatch(/D1_ERROR|Durable Object|SQLITE/);
  };

  it.each(KINDS)("to sign up makes one account, with a storage call that fails %s", async (kind) => {
    const counted = faultyBindings();
    const submit = (email: string, bindings: object) =>
      new Visitor({ ...SETTINGS, ...bindings }).submit("/signup", {
        name: "Njeri",
        email,
        phone: newPhone(),
        password: "ugali na sukuma",
      });
    await submit("first@duka.co.ke", counted.env);
    for (let at = 1; at <= counted.calls.length; at++) {
      const email = `njeri.${kind.length}.${at}@duka.co.ke`;
      isHonest(await submit(email, faultyBindings({ at, kind }).env));
      // Again; or, where the account is there already, in by the password.
      await submit(email, {});
      const visitor = new Visitor(SETTINGS);
      const password = "ugali na sukuma";
      const signedIn = await visitor.submit("/login", { email, password });
      if (signedIn.status === 400) {
        // The user is there, and its password is not: the form says to choose a new one.
        await visitor.submit("/forgot-password", { email });
        const token = /token=(\w+)/.exec(network.to("email.test").at(-1)?.text ?? "")?.[1] ?? "";
        await visitor.submit("/reset-password", { token, password });
        await visitor.submit("/login", { email, password });
      }
      expect((await visitor.get("/dashboard")).status, `call ${at}: ${counted.calls[at - 1]}`).toBe(200);
      const made = await rows(
        `SELECT count(DISTINCT u.id) AS users, count(DISTINCT m.id) AS merchants, count(DISTINCT w.merchant_id) AS wallets,
           count(DISTINCT k.id) AS keys FROM users u LEFT JOIN merchants m ON m.user_id = u.id
         LEFT JOIN wallets w ON w.merchant_id = m.id LEFT JOIN api_keys k ON k.merchant_id = m.id AND k.is_default = 1
         WHERE u.email = ?`,
        email,
      );
      expect(made).toEqual([{ users: 1, merchants: 1, wallets: 1, keys: 1 }]);
    }
  });

  it.each(KINDS)("acts once however often it is sent, with a storage call that fails %s", async (kind) => {
    const person = await signUp();
    const { merchantId, keyId } = person;
    await rows("INSERT INTO verified_phones VALUES (?, ?, 1)", person.phone, merchantId);
    await rows("UPDATE wallets SET sms_credits = 1000 WHERE merchant_id = ?", merchantId);
    const forms: [string, (once: string) => Record<string, string>, string][] = [
      [
        "/dashboard/wallet/withdraw",
        (once) => ({ once, amount: "10", phone: person.phone }),
        "SELECT count(*) AS n FROM payouts WHERE merchant_id = ?",
      ],
      [
        "/dashboard/sms",
        (once) => ({ once, to: newPhone(), message: "Karibu" }),
        "SELECT count(*) AS n FROM sms_messages WHERE merchant_id = ?",
      ],
    ];
    const visitor = (bindings: object) => {
      const each = new Visitor({ ...SETTINGS, ...bindings });
      for (const [name, value] of person.visitor.cookies) each.cookies.set(name, value);
      return each;
    };
    await rows("UPDATE wallets SET balance = 1000 WHERE merchant_id = ?", merchantId);
    await rows(
      `INSERT INTO ledger_entries (reference, kind, merchant_id, debit, credit, amount, created_at)
       VALUES (?, 'test', ?, 'mpesa', ?, 1000, 0)`,
      `fault:${merchantId}`,
      merchantId,
      `wallet:${merchantId}`,
    );
    for (const [path, fields, count] of forms) {
      const counted = faultyBindings();
      await visitor(counted.env).submit(path, fields("0".repeat(32)));
      for (let at = 1; at <= counted.calls.length; at++) {
        const [before] = await rows<{ n: number }>(count, merchantId);
        const once = crypto.randomUUID().replaceAll("-", "");
        const sent = fields(once);
        isHonest(await visitor(faultyBindings({ at, kind }).env).submit(path, sent));
        const again = await visitor({}).submit(path, sent);
        expect(again.status, `${path} call ${at}: ${again.text}`).toBe(303);
        const [after] = await rows<{ n: number }>(count, merchantId);
        expect((after?.n ?? 0) - (before?.n ?? 0), `${path} call ${at}`).toBe(1);
      }
    }
    expect(keyId).toBeGreaterThan(0);
    await expectBooksToHold();
  });
});
