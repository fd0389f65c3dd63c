import { env } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { interceptedDatabase } from "../../support/database.ts";
import {
  callBack,
  newPhone,
  newReceipt,
  paid,
  type RequestOptions,
  request,
  rows,
} from "../../support/gateway.ts";
import { lossyDatabase } from "../../support/lossy.ts";
import { broken, freshNetwork, type Network } from "../../support/network.ts";
import { answerTo, b2cPaid, consume, lastPaymentRequest, PAYING } from "../../support/payouts.ts";
import { type SignedUp, signUp, Visitor, verifyPhone } from "../../support/visitor.ts";

const HOUR = 3_600_000;
const ask = (path: string, options: RequestOptions = {}) => request(path, { env: PAYING, ...options });

let customers = 0;
/** Somebody whose traces can be told from everybody else's. */
const newCustomer = () => {
  const name = `Wanjiku${++customers}x${crypto.randomUUID().slice(0, 8)}`;
  return {
    phone: newPhone(),
    name,
    told: `http://localhost:3000/told?customer=${name}`,
    message: `Asante ${name}`,
  };
};
const operator = (path: string, options: RequestOptions = {}) =>
  ask(`/operator/v1${path}`, { headers: { Authorization: `Bearer ${env.OPERATOR_TOKEN}` }, ...options });

let network: Network;
beforeEach(() => {
  network = freshNetwork();
});

/** A merchant who was paid, has sent an SMS, and has paid everything out. */
async function merchantAtRest() {
  const person = await signUp();
  const customer = newCustomer();
  const { key, keyId, phone, merchantId } = person;
  await verifyPhone(network, person);
  await rows("UPDATE wallets SET sms_credits = 5 WHERE merchant_id = ?", merchantId);
  await ask(`/v1/keys/${keyId}/destination`, {
    key,
    method: "PUT",
    body: { method: "wallet", callbackurl: customer.told },
  });
  await ask(`/v1/keys/${keyId}/notifications`, {
    key,
    method: "PUT",
    body: { notify_email: "till@njeri.co.ke", notify_phone: phone },
  });
  const receipt = newReceipt();
  const pushed = await ask("/v1/stk/push", {
    key,
    body: {
      phone: customer.phone,
      amount: 150,
      account_reference: customer.name,
      metadata: { who: customer.name },
    },
    headers: { "Idempotency-Key": customer.name },
  });
  const url = network.pushes.at(-1)?.CallBackURL ?? "";
  await callBack(url, paid(pushed.body, { receipt, phone: customer.phone }), PAYING);
  const sms = await ask("/v1/sms", { key, body: { phone: customer.phone, message: customer.message } });
  const withdraw = async () => {
    const { body } = await ask("/v1/account/withdrawals", {
      key,
      body: { amount: 150, phone },
      headers: { "Idempotency-Key": "all-of-it" },
    });
    const merchant = { account: `SP${merchantId}`, merchantId, keyId, key };
    await consume([{ merchant, id: body.withdrawal.id, target: phone }]);
    return lastPaymentRequest(network);
  };
  return { person, customer, receipt, pushed: pushed.body, sms: sms.body, withdraw };
}

const paidByMpesa = ({ ResultURL, OriginatorConversationID }: Record<string, string>) =>
  answerTo(ResultURL, b2cPaid({ amount: 150, OriginatorConversationID }));

async function paidOut() {
  const made = await merchantAtRest();
  await paidByMpesa(await made.withdraw());
  return made;
}

const erasureOf = ({ merchantId }: SignedUp) => `/merchants/SP${merchantId}/erasure`;
const preview = (person: SignedUp) => operator(erasureOf(person), { method: "POST" });
const confirm = (person: SignedUp, confirmation: string) =>
  operator(`${erasureOf(person)}/confirm`, { body: { confirmation } });

const acts = async ({ merchantId }: SignedUp) => {
  const found = await rows<{ action: string }>(
    "SELECT action FROM audit_log WHERE subject = ? ORDER BY id",
    `merchant:${merchantId}`,
  );
  return found.map(({ action }) => action);
};

/** Every text of every table, without the operator's own notices of other tests. */
async function everythingStored(): Promise<string> {
  const tables = await rows<{ name: string }>(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'd1%'",
  );
  const stored = await Promise.all(tables.map(({ name }) => rows(`SELECT * FROM ${name}`)));
  return JSON.stringify(stored);
}

describe("a merchant's export", () => {
  it("has all that is stored of the merchant, and no secret", async () => {
    const { person, customer, receipt, pushed, sms } = await paidOut();
    const answer = await operator(`/merchants/SP${person.merchantId}/export`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("Content-Disposition")).toContain(`SP${person.merchantId}.json`);
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    expect(answer.body).toMatchObject({
      account: {
        account_number: `SP${person.merchantId}`,
        fullname: "Mama Njeri's Kitchen",
        email: person.email,
        new_email: null,
        verified_phones: [{ phone: person.phone }],
        wallet: { balance: 0, held: 0, owed: 0 },
      },
      keys: [
        { id: person.keyId, callbackurl: customer.told, notify_email: "till@njeri.co.ke", plan: "Trial" },
      ],
      transactions: [
        {
          id: pushed.transaction_id,
          phone: customer.phone,
          mpesa_receipt: receipt,
          metadata: { who: customer.name },
        },
      ],
      payouts: [{ amount: 150, status: "paid", destination: { phone: person.phone } }],
      sms: expect.arrayContaining([
        expect.objectContaining({ transaction_id: sms.data.transaction_id, message: customer.message }),
      ]),
      webhooks: [{ url: customer.told }],
      notices: expect.arrayContaining([expect.objectContaining({ recipient: person.email })]),
      sessions: [{ user_agent: "", begun_at: expect.any(String) }],
      statements: [],
    });
    const text = JSON.stringify(answer.body);
    expect(text).not.toContain(person.key);
    expect(text).not.toContain("whsec_");
    expect(text).not.toMatch(/[0-9a-f]{64}/);
  });

  it("has the email address that the merchant asked to have, and not its link's token", async () => {
    const person = await signUp();
    const wanted = `wanted.${person.email}`;
    await person.visitor.submit("/dashboard/settings/email", {
      email: wanted,
      current_password: person.password,
    });
    const { body } = await operator(`/merchants/SP${person.merchantId}/export`);
    expect(body.account).toMatchObject({ email: person.email, new_email: wanted });
    expect(JSON.stringify(body)).not.toMatch(/[0-9a-f]{48}/);
  });

  it("is in the audit log where an operator takes it out", async () => {
    const { person } = await paidOut();
    await operator(`/merchants/SP${person.merchantId}/export`);
    await person.visitor.get("/dashboard/settings/export");
    expect(await acts(person)).toEqual(["merchant.export"]);
  });

  it("is the merchant's own to download, and nobody else's", async () => {
    const { person } = await paidOut();
    const page = await person.visitor.get("/dashboard/settings/export");
    expect([page.status, page.headers.get("Content-Type")]).toEqual([200, "application/json"]);
    expect(JSON.parse(page.html)).toMatchObject({ account: { email: person.email }, transactions: [{}] });
    expect((await person.visitor.get("/dashboard/settings")).html).toContain("/dashboard/settings/export");
    expect((await new Visitor().get("/dashboard/settings/export")).status).toBe(302);
  });

  it("of more than a page's rows is whole", async () => {
    const { person } = await paidOut();
    await rows(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
       INSERT INTO sms_messages (merchant_id, id, phone, message, parts, cost, encoding, status, created_at)
       SELECT ?, printf('%019d', i), '254712345678', 'x', 1, 1, 'GSM-7', 'sent', 1 FROM n`,
      person.merchantId,
    );
    const { body } = await operator(`/merchants/SP${person.merchantId}/export`);
    const ids = body.sms.map((each: { transaction_id: string }) => each.transaction_id);
    expect(ids.length).toBeGreaterThanOrEqual(1_200);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(["SP00000000", "SP1", "1", "x"])("of nobody is not found: %s", async (account) => {
    expect((await operator(`/merchants/${account}/export`)).status).toBe(404);
    expect((await operator(`/merchants/${account}/erasure`, { method: "POST" })).status).toBe(404);
  });
});

describe("an erasure", () => {
  it("takes every name, contact, text, URL and whole number, and leaves the books", async () => {
    const { person, customer, receipt, pushed } = await paidOut();
    const ledger = () =>
      rows("SELECT * FROM ledger_entries WHERE merchant_id = ? ORDER BY seq", person.merchantId);
    const before = await ledger();
    const wanted = `wanted.${person.email}`;
    const form = { email: wanted, current_password: person.password };
    expect((await person.visitor.submit("/dashboard/settings/email", form)).status).toBe(303);

    const { body: first } = await preview(person);
    expect(first.erasure).toMatchObject({ is_erased: false, transactions: 1, payouts: 1, webhooks: 1 });
    expect((await ask("/v1/account", { key: person.key })).status).toBe(200);

    const done = await confirm(person, first.erasure.confirmation);
    expect([done.status, done.body.erasure.is_complete]).toEqual([200, true]);
    const stored = await everythingStored();
    for (const gone of [
      customer.phone,
      customer.name,
      person.phone,
      person.email,
      wanted,
      pushed.checkout_request_id,
    ]) {
      expect(stored.includes(gone), gone).toBe(false);
    }

    expect(await ledger()).toEqual(before);
    expect(before.length).toBeGreaterThan(2);
    expect(
      await rows(
        "SELECT amount, status, mpesa_receipt, phone FROM transactions WHERE id = ?",
        pushed.transaction_id,
      ),
    ).toEqual([
      {
        amount: 150,
        status: "completed",
        mpesa_receipt: receipt,
        phone: `2547•••••${customer.phone.slice(-3)}`,
      },
    ]);
    expect((await operator("/ledger/verify")).status).toBe(200);
  });

  it("ends keys, sessions and sign-ins at once", async () => {
    const { person } = await paidOut();
    await confirm(person, (await preview(person)).body.erasure.confirmation);
    const called = await ask("/v1/account", { key: person.key });
    expect([called.status, called.body.error_code]).toEqual([401, "INVALID_API_KEY"]);
    expect((await person.visitor.get("/dashboard")).location).toMatch(/^\/login/);
    const { email, password } = person;
    expect((await new Visitor().submit("/login", { email, password })).status).toBe(400);
  });

  it("lets the person come back with the same email and phone, without a second trial", async () => {
    const { person } = await paidOut();
    await confirm(person, (await preview(person)).body.erasure.confirmation);
    const { name, email, phone, password } = person;
    const again = await signUp({ name, email, phone, password });
    expect(again.merchantId).not.toBe(person.merchantId);
    await verifyPhone(network, again);
    const { body } = await ask("/v1/account", { key: again.key });
    expect([body.account.verified, body.subscription]).toEqual([true, expect.anything()]);
    expect(await rows("SELECT plan, calls_left FROM api_keys WHERE id = ?", again.keyId)).toEqual([
      { plan: null, calls_left: 0 },
    ]);
    // And a second time.
    const { body: second } = await preview(again);
    expect((await confirm(again, second.erasure.confirmation)).status).toBe(200);
  });

  it("may be asked for again, and takes what came since", async () => {
    const { person, customer, pushed } = await paidOut();
    await confirm(person, (await preview(person)).body.erasure.confirmation);
    await rows("UPDATE transactions SET phone = ? WHERE id = ?", customer.phone, pushed.transaction_id);
    const { body } = await preview(person);
    expect(body.erasure.is_erased).toBe(true);
    expect((await confirm(person, body.erasure.confirmation)).body.erasure.is_complete).toBe(true);
    expect(await everythingStored()).not.toContain(customer.phone);
    expect(await acts(person)).toEqual(["merchant.erase", "merchant.erase"]);
  });

  it.each([
    ["settle", "paybill", 150],
    ["direct", "phone", 150],
    // M-Pesa brought it to the paybill itself: it never was the gateway's.
    ["direct", "paybill", 0],
  ])(
    "leaves what M-Pesa proves later in the wallet, if it came to the gateway (%s, %s)",
    async (routing, method, balance) => {
      const { person } = await paidOut();
      const { keyId, key, phone } = person;
      const destination =
        method === "phone" ? { method, phone } : { method, paybill_number: "888880", account_number: "SHOP" };
      await ask(`/v1/keys/${keyId}/destination`, { key, method: "PUT", body: destination });
      const settings = { ...PAYING, ROUTING: routing };
      const { phone: payer } = newCustomer();
      const pushed = await ask("/v1/stk/push", { key, body: { phone: payer, amount: 150 }, env: settings });
      const url = network.pushes.at(-1)?.CallBackURL ?? "";
      const id = pushed.body.transaction_id;
      await rows(
        "UPDATE transactions SET status = 'failed', result_code = '1037', result_desc = 'x', due_at = NULL WHERE id = ?",
        id,
      );
      expect((await confirm(person, (await preview(person)).body.erasure.confirmation)).status).toBe(200);
      await callBack(url, paid(pushed.body, { receipt: newReceipt(), phone: payer }), settings);
      expect(await rows("SELECT status FROM transactions WHERE id = ?", id)).toEqual([
        { status: "completed" },
      ]);
      expect(await rows("SELECT id FROM payouts WHERE transaction_id = ?", id)).toEqual([]);
      expect(await rows("SELECT balance FROM wallets WHERE merchant_id = ?", person.merchantId)).toEqual([
        { balance },
      ]);
    },
  );

  it("leaves nothing of the merchant among what was given up", async () => {
    const { person } = await paidOut();
    await rows(
      "UPDATE webhook_deliveries SET status = 'failed', due_at = NULL WHERE merchant_id = ?",
      person.merchantId,
    );
    await rows(
      "UPDATE notices SET status = 'failed', due_at = NULL WHERE merchant_id = ?",
      person.merchantId,
    );
    const before = (await operator("/dead-letters")).body;
    expect([before.webhooks.length, before.notices.length > 0]).toEqual([1, true]);
    await confirm(person, (await preview(person)).body.erasure.confirmation);
    expect((await operator("/dead-letters")).body).toMatchObject({ webhooks: [], notices: [] });
  });

  it("takes nothing where a payment begins between looking and writing", async () => {
    const { person, pushed } = await paidOut();
    const { confirmation } = (await preview(person)).body.erasure;
    const begin = () =>
      rows(
        "UPDATE transactions SET status = 'pending', mpesa_receipt = NULL WHERE id = ?",
        pushed.transaction_id,
      );
    const DB = lossyDatabase(/update "merchants"/i, { before: true, onLoss: begin });
    const answer = await operator(`${erasureOf(person)}/confirm`, {
      body: { confirmation },
      env: { ...PAYING, DB },
    });
    expect([answer.status, answer.body.message]).toEqual([
      409,
      expect.stringContaining("payments under way"),
    ]);
    expect((await ask("/v1/account", { key: person.key })).status).toBe(200);
    expect(await acts(person)).toEqual([]);
    await rows("UPDATE transactions SET status = 'completed' WHERE id = ?", pushed.transaction_id);
  });

  it("is refused while money is in the wallet, or on its way out", async () => {
    const { person, withdraw } = await merchantAtRest();
    const full = await preview(person);
    expect([full.status, full.body.error_code]).toEqual([409, "ERASURE_REFUSED"]);
    expect(full.body.message).toContain("money in the wallet");
    const asked = await withdraw();
    expect((await preview(person)).body.message).toContain("payouts under way");
    await paidByMpesa(asked);
    expect((await preview(person)).status).toBe(200);
  });

  it.each([
    [
      "payments under way",
      "UPDATE transactions SET status = 'pending', mpesa_receipt = NULL WHERE merchant_id = ?",
    ],
    ["SMS under way", "UPDATE sms_messages SET status = 'sending' WHERE merchant_id = ?"],
    ["webhooks under way", "UPDATE webhook_deliveries SET status = 'pending' WHERE merchant_id = ?"],
    ["money that the merchant owes", "UPDATE wallets SET owed = 1 WHERE merchant_id = ?"],
    ["an operator should look at", "UPDATE inbound_callbacks SET open = 1 WHERE merchant_id = ?"],
  ])("is refused for %s, also when that began after the preview", async (reason, change) => {
    const { person, customer } = await paidOut();
    const { confirmation } = (await preview(person)).body.erasure;
    await rows(change, person.merchantId);
    for (const answer of [await preview(person), await confirm(person, confirmation)]) {
      expect([answer.status, answer.body.error_code]).toEqual([409, "ERASURE_REFUSED"]);
      expect(answer.body.message).toContain(reason);
    }
    expect((await ask("/v1/account", { key: person.key })).status).toBe(200);
    expect(await everythingStored()).toContain(customer.phone);
    // The other tests' ledgers are checked with this one's.
    await rows("UPDATE wallets SET owed = 0 WHERE merchant_id = ?", person.merchantId);
    await rows(
      "UPDATE transactions SET status = 'completed' WHERE merchant_id = ? AND status = 'pending'",
      person.merchantId,
    );
  });

  it("waits for an SMS whose sending was unclear only while a delivery report may come", async () => {
    const { person, customer } = await paidOut();
    network.sms = broken("TimeoutError");
    await ask("/v1/sms", { key: person.key, body: { phone: customer.phone, message: customer.message } });
    expect((await preview(person)).body.message).toContain("SMS under way");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 72 * HOUR + 1_000 });
    await confirm(person, (await preview(person)).body.erasure.confirmation);
    expect(await everythingStored()).not.toContain(customer.message);
    expect(await everythingStored()).not.toContain(customer.phone);
    vi.useRealTimers();
  });

  it("needs this merchant's own confirmation, within an hour", async () => {
    const [{ person }, { person: other }] = [await paidOut(), await paidOut()];
    const { confirmation } = (await preview(person)).body.erasure;
    const { confirmation: theirs } = (await preview(other)).body.erasure;
    const [until = "", mark = ""] = confirmation.split(".");
    for (const wrong of ["", "x", theirs, `${Number(until) + 1}.${mark}`, `${until}.${"0".repeat(32)}`]) {
      expect((await confirm(person, wrong)).status, wrong).toBe(409);
    }
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + HOUR + 1_000 });
    expect((await confirm(person, confirmation)).status).toBe(409);
    vi.useRealTimers();
    expect((await ask("/v1/account", { key: person.key })).status).toBe(200);
    expect((await confirm(person, confirmation)).status).toBe(200);
  });

  it("that was broken off is finished when it is asked for again", async () => {
    const { person, customer } = await paidOut();
    const { confirmation } = (await preview(person)).body.erasure;
    const DB = interceptedDatabase(async (sql, call) => {
      if (/^update "sms_messages"/.test(sql)) throw new Error("D1_ERROR: Network connection lost.");
      return call();
    });
    const broken = await operator(`${erasureOf(person)}/confirm`, { body: { confirmation }, env: { DB } });
    expect([broken.status, broken.headers.get("Retry-After")]).toEqual([503, "2"]);
    expect(await everythingStored()).toContain(customer.message);
    expect((await confirm(person, confirmation)).body.erasure.is_complete).toBe(true);
    expect(await everythingStored()).not.toContain(customer.message);
  });
});
