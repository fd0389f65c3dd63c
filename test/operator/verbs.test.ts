import { createExecutionContext, createMessageBatch, env, waitOnExecutionContext } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { createDeps } from "../../src/deps.ts";
import { handleQueue } from "../../src/queues.ts";
import {
  callBack,
  failed,
  newMerchant,
  newPhone,
  paid,
  push,
  request,
  rows,
  setKey,
} from "../support/gateway.ts";
import { lossyDatabase } from "../support/lossy.ts";
import { freshNetwork, type Network } from "../support/network.ts";
import { collect, PAYING } from "../support/payouts.ts";
import { Visitor } from "../support/visitor.ts";
import { asOperator, audited } from "./support.ts";

let network: Network;
beforeEach(() => {
  network = freshNetwork();
});

const times = <T>(count: number, make: () => T) => Array.from({ length: count }, make);
const newName = () => crypto.randomUUID();

describe("a merchant", () => {
  it("is found by account number, name and email, and read with its keys", async () => {
    const merchant = await newMerchant();
    await rows("UPDATE merchants SET fullname = 'Wanjiku Stores' WHERE id = ?", merchant.merchantId);
    for (const q of [merchant.account, "wanjiku", "john@duka"]) {
      const { body } = await asOperator(`/merchants?q=${q}`);
      expect(body.merchants.map((m: { account_number: string }) => m.account_number)).toContain(
        merchant.account,
      );
    }
    const { body } = await asOperator(`/merchants/${merchant.account}`);
    expect(body.merchant).toMatchObject({
      fullname: "Wanjiku Stores",
      keys: [{ id: merchant.keyId, plan: "Professional", calls_left: 5000 }],
    });
    expect(JSON.stringify(body)).not.toContain(merchant.key);
    expect((await asOperator("/merchants/SP00000000")).status).toBe(404);
  });
});

it("a merchant is made where what is not set is sent as null", async () => {
  const unset = { verified_phone: null, plan: null, sms_credits: null, reason: null };
  const made = await asOperator("/merchants", { fullname: "Asha", email: "asha@duka.co.ke", ...unset });
  expect(made.status).toBe(201);
});

it("no merchant is made with a phone that another one has verified, and the field is named", async () => {
  const body = { fullname: "Asha", email: "asha@duka.co.ke", verified_phone: newPhone() };
  expect((await asOperator("/merchants", body)).status).toBe(201);
  const refused = await asOperator("/merchants", body);
  expect([refused.status, refused.body.error_code]).toEqual([400, "INVALID_FIELD"]);
  expect(refused.body.errors).toEqual([{ field: "verified_phone", message: expect.any(String) }]);
});

describe("a suspension", () => {
  it("is made and lifted with a reason, each once, and both are in the log", async () => {
    const merchant = await newMerchant();
    const suspend = () => asOperator(`/keys/${merchant.keyId}/suspend`, { reason: "Asked by the police." });
    const suspended = await Promise.all(times(5, suspend));
    expect(suspended.map(({ status }) => status).sort()).toEqual([200, 404, 404, 404, 404]);
    const release = () => asOperator(`/keys/${merchant.keyId}/release`, { reason: "A mistake." });
    const released = await Promise.all(times(5, release));
    expect(released.map(({ status }) => status).sort()).toEqual([200, 404, 404, 404, 404]);
    expect(await audited(`key:${merchant.keyId}`)).toMatchObject([
      { action: "key.suspend", reason: "Asked by the police.", actor: "token" },
      { action: "key.release", reason: "A mistake." },
    ]);
  });
});

describe("an act whose answer the database loses", () => {
  const lost = () => lossyDatabase(/insert into "audit_log"/i);

  it.each([false, true])(
    "as a merchant is made once, with the key that is shown (verified: %s)",
    async (verified) => {
      const DB = lossyDatabase(/insert into "merchants"/i);
      const fullname = `Asha ${newName()}`;
      const verified_phone = verified ? newPhone() : null;
      const wanted = { fullname, email: "asha@duka.co.ke", verified_phone, sms_credits: 7 };
      const { status, body } = await asOperator("/merchants", wanted, { DB });
      expect([status, DB.losses()]).toEqual([201, 1]);
      const { account_number } = body.merchant;
      expect(await rows("SELECT id FROM merchants WHERE fullname = ?", fullname)).toEqual([
        { id: Number(account_number.slice(2)) },
      ]);
      const account = await request("/v1/account", { key: body.key.api_key });
      expect(account.body).toMatchObject({
        account: { account_number, sms_balance: 7, verified },
        active_key: { id: body.key.id },
      });
      expect(await audited(`merchant:${account_number.slice(2)}`)).toHaveLength(1);
    },
  );

  it("as a suspension, and its release, is done once and said to be done", async () => {
    const merchant = await newMerchant();
    for (const verb of ["suspend", "release"]) {
      const DB = lost();
      const answer = await asOperator(`/keys/${merchant.keyId}/${verb}`, { reason: "A test." }, { DB });
      expect([verb, answer.status, DB.losses()]).toEqual([verb, 200, 1]);
    }
    expect(await audited(`key:${merchant.keyId}`)).toHaveLength(2);
  });

  it("as a reversal is done once and said to be done", async () => {
    const merchant = await newMerchant();
    const id = await collect(network, merchant, 500);
    const [payment] = await rows<{ mpesa_receipt: string }>(
      "SELECT mpesa_receipt FROM transactions WHERE id = ?",
      id,
    );
    const reversal = { receipt: payment?.mpesa_receipt, reason: "Safaricom." };
    expect((await asOperator("/reversals", reversal, { DB: lost() })).status).toBe(201);
    expect(await audited(id)).toHaveLength(1);
    expect(await rows("SELECT balance FROM wallets WHERE merchant_id = ?", merchant.merchantId)).toEqual([
      { balance: 0 },
    ]);
  });

  it("as a replay is done once and said to be done", async () => {
    const merchant = await newMerchant({ callbackUrl: "http://localhost:9/hook" });
    const webhook = `wh_${(await collect(network, merchant)).slice(3)}_completed`;
    await rows("UPDATE webhook_deliveries SET status = 'failed', due_at = NULL WHERE id = ?", webhook);
    const notice = `test:${newName()}`;
    await rows(
      `INSERT INTO notices (id, channel, recipient, subject, body, status, created_at)
       VALUES (?, 'email', 'john@duka.co.ke', 'Hello', 'Hello', 'failed', 1)`,
      notice,
    );
    const message = newName();
    await rows("INSERT INTO dead_letters VALUES (?, 'payout', 'x', '{}', 1, NULL)", message);
    for (const id of [webhook, notice, message]) {
      const path = `/dead-letters/${encodeURIComponent(id)}/replay`;
      const answer = await asOperator(path, { reason: "A test." }, { DB: lost() });
      expect([id, answer.status]).toEqual([id, 202]);
      expect(await audited(id)).toHaveLength(1);
    }
  });
});

describe("a reason that may be left out", () => {
  it.each([
    ["nothing at all", undefined, 200],
    ["a reason", '{"reason":"The police."}', 200],
    ["what is no JSON", "reason=x", 400],
    ["a list", "[]", 400],
    ["a number", '{"reason":1}', 400],
    ["control characters", JSON.stringify({ reason: "a\u0000b" }), 400],
    ["more than 500 characters", JSON.stringify({ reason: "x".repeat(501) }), 400],
  ])("is checked all the same: %s", async (_, body, status) => {
    const merchant = await newMerchant();
    const headers = { Authorization: `Bearer ${env.OPERATOR_TOKEN}`, "Content-Type": "application/json" };
    const path = `/operator/v1/keys/${merchant.keyId}/suspend`;
    const answer = await request(path, { method: "POST", headers, body, env: PAYING });
    expect(answer.status).toBe(status);
    expect(await audited(`key:${merchant.keyId}`)).toHaveLength(status === 200 ? 1 : 0);
  });
});

describe("a grant", () => {
  const plan = (keyId: number, id: string, over: object = {}) =>
    asOperator("/grants", { id, key_id: keyId, plan: "Starter", reason: "An apology.", ...over });

  it("of a plan adds its calls and days once, however often it is sent", async () => {
    const merchant = await newMerchant({ plan: null });
    const id = newName();
    const answers = await Promise.all(times(10, () => plan(merchant.keyId, id)));
    expect(answers.map(({ status }) => status).sort()).toEqual([...times(9, () => 200), 201]);
    expect(await rows("SELECT plan, calls_left FROM api_keys WHERE id = ?", merchant.keyId)).toEqual([
      { plan: "Starter", calls_left: 1000 },
    ]);
    expect(await audited(`key:${merchant.keyId}`)).toMatchObject([
      { action: "grant.plan", reason: "An apology." },
    ]);
    expect((await plan(merchant.keyId, id, { plan: "Business" })).body.error_code).toBe(
      "IDEMPOTENCY_KEY_REUSED",
    );
    await plan(merchant.keyId, newName());
    expect(await rows("SELECT calls_left FROM api_keys WHERE id = ?", merchant.keyId)).toEqual([
      { calls_left: 2000 },
    ]);
  });

  const grant = { id: "apology", reason: "An apology." };
  it.each<[string, object, string, string[]]>([
    ["nothing", {}, "MISSING_FIELDS", ["id", "key_id", "plan", "reason"]],
    ["no plan", { ...grant, key_id: 1, plan: null }, "MISSING_FIELDS", ["plan"]],
    ["no credits", { ...grant, account_number: "SP36413506" }, "MISSING_FIELDS", ["sms_credits"]],
    ["no account", { ...grant, sms_credits: 40 }, "MISSING_FIELDS", ["account_number"]],
    ["an unknown plan", { ...grant, key_id: 1, plan: "Starer" }, "INVALID_FIELD", ["plan"]],
    [
      "too many credits",
      { ...grant, account_number: "SP36413506", sms_credits: 2e6 },
      "INVALID_FIELD",
      ["sms_credits"],
    ],
  ])("with %s is refused, and the fields are named", async (_, body, code, fields) => {
    const refused = await asOperator("/grants", body);
    expect([refused.status, refused.body.error_code]).toEqual([400, code]);
    expect(refused.body.errors.map(({ field }: { field: string }) => field)).toEqual(fields);
  });

  it("of a plan that is none is told which there are", async () => {
    const { body } = await asOperator("/grants", { ...grant, key_id: 1, plan: "Starer" });
    expect(body.message).toBe("plan: must be one of Trial, Starter, Professional, Business");
  });

  it("of SMS credits is given once where the database's answer is lost", async () => {
    const merchant = await newMerchant();
    const DB = lossyDatabase(/insert into "audit_log"/i);
    const answer = await asOperator(
      "/grants",
      { id: newName(), account_number: merchant.account, sms_credits: 40, reason: "A test." },
      { DB },
    );
    expect([answer.status, DB.losses()]).toEqual([200, 1]);
    expect(await rows("SELECT sms_credits FROM wallets WHERE merchant_id = ?", merchant.merchantId)).toEqual([
      { sms_credits: 40 },
    ]);
  });

  it("needs a reason, and a key or merchant that is there", async () => {
    const merchant = await newMerchant();
    expect((await plan(merchant.keyId, newName(), { reason: "" })).status).toBe(400);
    expect((await plan(999_999, newName())).status).toBe(404);
    await setKey(merchant, "deleted_at = 1");
    expect((await plan(merchant.keyId, newName())).status).toBe(404);
  });
});

describe("a reversal", () => {
  it("is in the log with what was taken, written with it", async () => {
    const merchant = await newMerchant();
    const id = await collect(network, merchant, 500);
    const [payment] = await rows<{ mpesa_receipt: string }>(
      "SELECT mpesa_receipt FROM transactions WHERE id = ?",
      id,
    );
    const record = () => asOperator("/reversals", { receipt: payment?.mpesa_receipt, reason: "Safaricom." });
    expect((await record()).status).toBe(201);
    expect((await record()).status).toBe(400);
    const [entry] = await audited(id);
    expect(entry).toMatchObject({ action: "reversal.record", reason: "Safaricom." });
    expect(JSON.parse(entry?.detail ?? "{}")).toMatchObject({ amount: 500, taken: 500, owed: 0 });
    expect(await audited(id)).toHaveLength(1);
  });
});

describe("what was given up", () => {
  async function dies(body: object, id = crypto.randomUUID()) {
    const ctx = createExecutionContext();
    const message = { id, timestamp: new Date(), attempts: 4, body };
    await handleQueue(
      createMessageBatch("smartpay-dead", [message, message]),
      createDeps({ ...env, ...PAYING }, ctx),
    );
    await waitOnExecutionContext(ctx);
    return id;
  }
  const replay = (id: string, over: object = {}) =>
    asOperator(`/dead-letters/${encodeURIComponent(id)}/replay`, { reason: "It works again." }, over);

  it("by a queue is kept once, told what it is about, and sent again to its own queue", async () => {
    const payout = `po_${"a".repeat(32)}`;
    const id = await dies({ merchantId: 36413506, id: payout });
    const { body } = await asOperator("/dead-letters");
    expect(body.messages).toMatchObject([{ id, kind: "payout", subject: payout }]);
    const sent: unknown[] = [];
    const PAYOUT_QUEUE = { send: async (message: unknown) => sent.push(message) };
    expect((await replay(id, { PAYOUT_QUEUE })).status).toBe(202);
    expect(sent).toEqual([{ merchantId: 36413506, id: payout }]);
    expect((await replay(id, { PAYOUT_QUEUE })).status).toBe(404);
    expect((await asOperator("/dead-letters")).body.messages).toEqual([]);
    expect(await audited(id)).toMatchObject([{ action: "message.replay", reason: "It works again." }]);
  });

  it("stays in the list where its queue does not take it, and where nobody knows whose it was", async () => {
    const id = await dies({ id: "payout_failed:po_1" });
    const NOTICE_QUEUE = { send: async () => Promise.reject(new Error("the queue is down")) };
    expect((await replay(id, { NOTICE_QUEUE })).status).toBe(500);
    const unknown = await dies({ what: "?" });
    expect((await replay(unknown)).status).toBe(409);
    const { body } = await asOperator("/dead-letters");
    expect(body.messages.map((m: { id: string }) => m.id).sort()).toEqual([id, unknown].sort());
  });

  it("is put aside where it names nothing that could be done again, with a reason, once", async () => {
    const id = await dies({ what: "?" });
    const known = await dies({ id: "payout_failed:po_2" });
    const dismiss = (which: string, reason: string) =>
      asOperator(`/dead-letters/${which}/dismiss`, { reason });
    expect((await dismiss(id, " ")).status).toBe(400);
    expect((await dismiss(known, "Noise.")).body.error_code).toBe("RULING_CONFLICT");
    expect((await dismiss(id, "Noise.")).status).toBe(200);
    expect((await dismiss(id, "Noise.")).status).toBe(404);
    expect(await audited(id)).toMatchObject([{ action: "message.dismiss", reason: "Noise." }]);
    const { body } = await asOperator("/dead-letters");
    const left = body.messages.map((m: { id: string }) => m.id);
    expect([left.includes(id), left.includes(known)]).toEqual([false, true]);
  });

  it("of webhooks is sent again once, and delivered", async () => {
    const merchant = await newMerchant({ callbackUrl: "http://localhost:9/hook" });
    const transaction = await collect(network, merchant);
    const id = `wh_${transaction.slice(3)}_completed`;
    await rows("UPDATE webhook_deliveries SET status = 'failed', due_at = NULL WHERE id = ?", id);
    const { body } = await asOperator("/dead-letters");
    expect(body.webhooks).toMatchObject([{ id, status: "failed" }]);
    const before = network.count("localhost:9/hook");
    const answers = await Promise.all(times(5, () => replay(id)));
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 404, 404, 404, 404]);
    expect(network.count("localhost:9/hook")).toBe(before + 1);
    expect(await audited(id)).toHaveLength(1);
    expect((await asOperator("/dead-letters")).body.webhooks).toEqual([]);
  });

  describe("of the failure of a payment", () => {
    async function givenUp() {
      network.merchant = () => new Response("", { status: 410 });
      const merchant = await newMerchant({ callbackUrl: "http://localhost:9/hook" });
      const { body } = await push(merchant.key);
      const url = network.pushes.at(-1)?.CallBackURL ?? "";
      await callBack(url, failed(body, 1032, "Request cancelled by user."));
      network.merchant = () => new Response("OK");
      return { id: `wh_${body.transaction_id.slice(3)}_failed`, pay: () => callBack(url, paid(body)) };
    }
    const listed = async () => (await asOperator("/dead-letters")).body.webhooks as { id: string }[];

    const counted = async () => (await asOperator("/figures")).body.given_up as number;

    it("is neither shown, counted nor sent again once the payment is paid after all", async () => {
      const { id, pay } = await givenUp();
      expect(await listed()).toMatchObject([{ id }]);
      const withIt = await counted();
      await pay();
      expect(await listed()).toEqual([]);
      expect(await counted()).toBe(withIt - 1);
      const before = network.count("localhost:9/hook");
      expect((await replay(id)).status).toBe(404);
      expect([network.count("localhost:9/hook"), await audited(id)]).toEqual([before, []]);
    });

    it("is not sent again where the payment is paid between reading and writing", async () => {
      const { id, pay } = await givenUp();
      const DB = lossyDatabase(/insert into "audit_log"/i, { before: true, onLoss: pay });
      expect((await replay(id, { DB })).status).toBe(404);
      expect([DB.losses(), network.count("localhost:9/hook"), await audited(id)]).toEqual([1, 2, []]);
    });
  });

  it("of emails is queued again", async () => {
    const id = `test:${newName()}`;
    await rows(
      `INSERT INTO notices (id, channel, recipient, subject, body, status, created_at)
       VALUES (?, 'email', 'john@duka.co.ke', 'Hello', 'Hello', 'failed', 1)`,
      id,
    );
    expect((await replay(id)).status).toBe(202);
    expect(await rows("SELECT status, attempt_count FROM notices WHERE id = ?", id)).toEqual([
      { status: "queued", attempt_count: 0 },
    ]);
    expect((await replay(id)).status).toBe(404);
  });
});

describe("an operator", () => {
  const create = (email: string) => asOperator("/operators", { email, name: "Jane" });

  async function signedInOperator() {
    const email = `jane-${newName()}@smartpay.co.ke`;
    const { body } = await create(email);
    const visitor = new Visitor();
    const token = new URL(body.link).searchParams.get("token") ?? "";
    await visitor.submit("/reset-password", { token, password: "a long password" });
    await visitor.submit("/login", { email, password: "a long password" });
    return { email, visitor, id: body.operator.id as string };
  }

  it("is made by the token alone, with a link that chooses a password once", async () => {
    const email = `jane-${newName()}@smartpay.co.ke`;
    const made = await create(email.toUpperCase());
    expect([made.status, made.body.is_new]).toEqual([201, true]);
    const token = new URL(made.body.link).searchParams.get("token") ?? "";
    const choose = (password: string) =>
      request("/reset-password", {
        headers: { Origin: "http://localhost:8787", "Content-Type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ token, password }).toString(),
      });
    expect((await choose("a long password")).status).toBe(303);
    expect((await choose("another password")).status).toBe(400);
    expect(await rows("SELECT role, name FROM users WHERE email = ?", email)).toEqual([
      { role: "operator", name: "Jane" },
    ]);
    const again = await create(email);
    expect([again.status, again.body.is_new]).toEqual([200, false]);
    expect((await audited(`user:${made.body.operator.id}`)).map(({ action }) => action)).toEqual([
      "operator.create",
      "operator.link",
    ]);
  });

  it("is removed with every session, credential and link, once, and the log keeps the name", async () => {
    const { email, visitor, id } = await signedInOperator();
    const { body: again } = await create(email);
    const remove = (reason?: string) => asOperator("/operators/remove", { email, reason });
    expect((await remove()).body.error_code).toBe("MISSING_FIELDS");
    expect((await visitor.get("/operator")).status).toBe(200);
    const answers = await Promise.all(times(3, () => remove("Has left.")));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 404, 404]);
    expect((await visitor.get("/operator")).location).toContain("/login");
    expect((await visitor.submit("/login", { email, password: "a long password" })).status).toBe(400);
    const token = new URL(again.link).searchParams.get("token") ?? "";
    expect((await visitor.submit("/reset-password", { token, password: "another password" })).status).toBe(
      400,
    );
    const { body: log } = await asOperator(`/audit?subject=user:${id}`);
    expect(log.acts[0]).toMatchObject({ action: "operator.remove", reason: "Has left.", detail: {} });
    expect(JSON.stringify(log)).not.toContain(email);
    expect(await rows("SELECT name, role FROM users WHERE id = ?", id)).toEqual([
      { name: "Jane", role: "merchant" },
    ]);
    expect((await create(email)).body.is_new).toBe(true);
  });

  it("is removed where the database's answer is lost", async () => {
    const { email, visitor } = await signedInOperator();
    const DB = lossyDatabase(/insert into "audit_log"/i);
    const answer = await asOperator("/operators/remove", { email, reason: "Has left." }, { DB });
    expect([answer.status, DB.losses()]).toEqual([200, 1]);
    expect((await visitor.get("/operator")).location).toContain("/login");
  });

  it("is not made of a merchant", async () => {
    const email = `shop-${newName()}@duka.co.ke`;
    const form = { name: "Shop", email, phone: newPhone(), password: "a long password" };
    await request("/signup", {
      headers: { Origin: "http://localhost:8787", "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams(form).toString(),
    });
    expect((await create(email)).status).toBe(400);
    expect(await rows("SELECT role FROM users WHERE email = ?", email)).toEqual([{ role: "merchant" }]);
  });
});
