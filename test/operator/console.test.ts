import { createExecutionContext, env, waitOnExecutionContext } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { createDeps } from "../../src/deps.ts";
import { keepFigures } from "../../src/features/operations/record.ts";
import { callBack, newMerchant, newReceipt, paid, push, rows, tick } from "../support/gateway.ts";
import { broken, freshNetwork, type Network, queryResult } from "../support/network.ts";
import {
  answerTo,
  b2cPaid,
  collect,
  consume,
  lastPaymentRequest,
  PAYING,
  queuedPayout,
} from "../support/payouts.ts";
import { signUp, Visitor } from "../support/visitor.ts";
import { asOperator, lostPayout, unclearPayment } from "./support.ts";

let network: Network;
beforeEach(() => {
  network = freshNetwork();
});

const PASSWORD = "a long password of hers";
const OUTSIDE = {
  PUBLIC_BASE_URL: "https://pay.example.co.ke",
  ENVIRONMENT: "sandbox",
  ROUTING: "direct",
};

/** An operator who is signed in, without a second factor. */
async function operator(bindings: Record<string, unknown> = {}) {
  const email = `jane.${crypto.randomUUID()}@smartpay.co.ke`;
  const { body } = await asOperator("/operators", { email, name: "Jane" });
  const visitor = new Visitor(bindings);
  const token = new URL(body.link).searchParams.get("token") ?? "";
  await visitor.submit("/reset-password", { token, password: PASSWORD });
  await visitor.submit("/login", { email, password: PASSWORD });
  return { visitor, email };
}

const PAGES = ["", "/figures", "/unclear", "/dead-letters", "/merchants", "/statements", "/ledger", "/audit"];

describe("the console", () => {
  it("is nothing to strangers and to merchants, whatever they ask or send", async () => {
    const stranger = new Visitor();
    const { visitor: merchant } = await signUp();
    for (const path of PAGES) {
      expect((await stranger.get(`/operator${path}`)).location).toContain("/login");
      expect((await merchant.get(`/operator${path}`)).status).toBe(404);
    }
    const sent = await merchant.submit("/operator/reversals", { receipt: "UKO1234567", reason: "x" });
    expect(sent.status).toBe(404);
    expect((await merchant.submit("/operator/second-factor", { password: PASSWORD })).status).toBe(404);
  });

  it("shows its pages to an operator, who gets nothing of the dashboard", async () => {
    const { visitor } = await operator();
    for (const path of PAGES)
      expect([path, (await visitor.get(`/operator${path}`)).status]).toEqual([path, 200]);
    expect((await visitor.get("/dashboard")).location).toBe("/operator");
    expect((await visitor.get("/dashboard/api")).location).toBe("/operator");
  });

  it("outside local shows nothing before the second factor is set up, and does nothing", async () => {
    const { visitor } = await operator(OUTSIDE);
    for (const path of PAGES) {
      const { location, status, text } = await visitor.get(`/operator${path}`);
      expect([path, location, status, text]).toEqual([path, "/operator/second-factor", 303, ""]);
    }
    const sent = await visitor.submit("/operator/reversals", { receipt: "UKO1234567", reason: "x" });
    expect([sent.status, sent.location]).toEqual([303, "/operator/second-factor"]);
    expect((await visitor.get("/operator/second-factor")).status).toBe(200);
    const wrong = await visitor.submit("/operator/second-factor", { password: "not the password" });
    expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining("This is not your password.")]);
    const made = await visitor.submit("/operator/second-factor", { password: PASSWORD });
    expect(made.html).toContain("<svg");
    const guess = await visitor.submit("/operator/second-factor/code", { code: "000000" });
    expect(guess.status).toBe(400);
    expect((await visitor.get("/operator")).location).toBe("/operator/second-factor");
  });

  it("lets an operator who lost the second factor in by a new link alone", async () => {
    const { visitor, email } = await operator();
    await rows("UPDATE users SET two_factor_enabled = 1 WHERE email = ?", email);
    const { body } = await asOperator("/operators", { email, name: "Jane", reset_second_factor: true });
    expect((await visitor.get("/operator")).location).toContain("/login");
    expect((await visitor.submit("/login", { email, password: PASSWORD })).status).toBe(400);
    const token = new URL(body.link).searchParams.get("token") ?? "";
    await visitor.submit("/reset-password", { token, password: "another long password" });
    const again = await visitor.submit("/login", { email, password: "another long password" });
    expect(again.location).toBe("/dashboard");
    expect((await visitor.get("/operator")).text).toContain("Set it up");
    const log = (await visitor.get("/operator/audit")).text;
    expect(log).toContain("operator.second_factor_reset");
  });

  it("shows what a reversal would do before it is recorded, and wants a reason then", async () => {
    const { visitor } = await operator();
    const merchant = await newMerchant();
    const id = await collect(network, merchant, 500);
    await rows("UPDATE wallets SET balance = 200 WHERE merchant_id = ?", merchant.merchantId);
    const [payment] = await rows<{ mpesa_receipt: string }>(
      "SELECT mpesa_receipt FROM transactions WHERE id = ?",
      id,
    );
    const receipt = payment?.mpesa_receipt ?? "";
    const balance = () =>
      rows("SELECT balance, owed FROM wallets WHERE merchant_id = ?", merchant.merchantId);
    const page = await visitor.get(`/operator/reversals?receipt=${receipt.toLowerCase()}`);
    for (const shown of [merchant.account, id, "KES 500", "KES 200", "KES 300"]) {
      expect(page.text, shown).toContain(shown);
    }
    expect(await balance()).toEqual([{ balance: 200, owed: 0 }]);
    expect((await visitor.get("/operator/reversals?receipt=UKO0000000")).status).toBe(404);
    const blank = await visitor.submit("/operator/reversals", { receipt, reason: " " });
    expect([blank.status, blank.text]).toEqual([400, expect.stringContaining("must say why")]);
    expect((await visitor.submit("/operator/reversals", { receipt, reason: "Safaricom." })).status).toBe(303);
    expect(await balance()).toEqual([{ balance: 0, owed: 300 }]);
    // The other tests' ledgers are checked with this one's.
    await rows("UPDATE wallets SET balance = 300 WHERE merchant_id = ?", merchant.merchantId);
  });

  it("wants a reason for what it does, and takes no form from another site", async () => {
    const { visitor } = await operator();
    const merchant = await newMerchant();
    const action = `/operator/merchants/${merchant.account}/keys/${merchant.keyId}/suspend`;
    expect((await visitor.submit(action, { reason: " " })).status).toBe(400);
    expect((await visitor.submit(action, { reason: "x" }, { Origin: "https://evil.example" })).status).toBe(
      403,
    );
    expect(await rows("SELECT suspended_at FROM api_keys WHERE id = ?", merchant.keyId)).toEqual([
      { suspended_at: null },
    ]);
    expect((await visitor.submit(action, { reason: "The police." })).status).toBe(303);
    const log = await visitor.get(`/operator/audit?subject=key:${merchant.keyId}`);
    expect(log.text).toContain("key.suspend");
    expect(log.text).toContain("The police.");
    expect(log.text).toContain("Jane");
  });
});

describe("the console's pages", () => {
  it("show of a ruling its subject, its target, and who proposed and decided it", async () => {
    const { visitor } = await operator();
    const { merchant, id } = await unclearPayment(network);
    const proposed = await visitor.submit(`/operator/unclear/${id}`, {
      decision: "paid",
      receipt: newReceipt(),
      reason: "The portal.",
    });
    const before = await visitor.get(proposed.location ?? "");
    for (const shown of [merchant.account, "KES 150", "by Jane"]) expect(before.text, shown).toContain(shown);
    await visitor.submit(`${proposed.location}/apply`, {});
    expect((await visitor.get(proposed.location ?? "")).text.match(/by Jane/g)).toHaveLength(2);

    network = freshNetwork();
    const [one, other] = [await push(merchant.key), await push(merchant.key)];
    const url = network.pushes.find(({ CallBackURL }) => CallBackURL?.includes(other.body.transaction_id));
    await callBack(url?.CallBackURL ?? "", paid(one.body), PAYING);
    const { body } = await asOperator("/unmatched");
    const { subject } = body.callbacks.find(
      (c: { reference: string }) => c.reference === other.body.transaction_id,
    );
    const attach = await visitor.submit(`/operator/unclear/${encodeURIComponent(subject)}`, {
      decision: "attach",
      attach_to: one.body.transaction_id,
      reason: "The portal.",
    });
    const page = await visitor.get(attach.location ?? "");
    for (const shown of ["The payment that it is attached to", one.body.transaction_id, "KES 150"]) {
      expect(page.text, shown).toContain(shown);
    }
    await visitor.submit(`${attach.location}/apply`, {});
  });

  it("count what waits for a ruling, and have what is proposed in one place alone", async () => {
    const { visitor } = await operator();
    const counted = async () =>
      Number(/Waiting for a ruling\s+(\d+)/.exec((await visitor.get("/operator/figures")).text)?.[1]);
    const before = await counted();
    const { id } = await unclearPayment(network);
    const { id: payout } = await lostPayout(network);
    expect(await counted()).toBe(before + 2);
    for (const [subject, receipt] of [
      [id, "UKO7777777"],
      [payout, "UKO8888888"],
    ]) {
      const rule = `/operator/unclear/${subject}`;
      expect((await visitor.get("/operator/unclear")).html).toContain(`"${rule}"`);
      const ruling = { decision: "paid", receipt: receipt ?? "", reason: "On the statement." };
      expect((await visitor.submit(rule, ruling)).status).toBe(303);
      const page = await visitor.get("/operator/unclear");
      expect(page.html).not.toContain(`"${rule}"`);
      expect(page.text).toMatch(new RegExp(`Proposed.*${subject}.*Payouts without an answer`));
    }
    expect(await counted()).toBe(before + 2);
  });

  it("show of a notice that was given up whose it is, to whom, and what sending it again costs", async () => {
    const { visitor } = await operator();
    const figures = async () => (await visitor.get("/operator/figures")).text;
    const webhooks = /Webhooks waiting \d+ \d+ given up/.exec(await figures())?.[0] ?? "nothing";
    const { merchantId, account } = await newMerchant();
    const payment = `tx_${"b".repeat(32)}`;
    await rows(
      `INSERT INTO notices (id, merchant_id, channel, recipient, subject, body, status, attempt_count, created_at)
       VALUES (?, ?, 'sms', '254712345678', '', 'Paid', 'failed', 5, ?)`,
      `payment_completed:${payment}:sms`,
      merchantId,
      Date.now() - 240_000,
    );
    const page = await visitor.get("/operator/dead-letters");
    const shown = ["SMS", "payment completed", payment, account, "2547•••••678", "Attempts: 5", "4 min old"];
    for (const text of shown) expect(page.text, text).toContain(text);
    expect(page.html).not.toContain("254712345678");
    expect(page.text).toContain("An SMS is paid with the merchant's SMS credits.");
    const now = await figures();
    expect(now).toContain(webhooks); // not counted among the webhooks
    expect(now).toMatch(/Emails, SMS and queue messages given up: [1-9]/);
  });

  it("leave out of what was given up an SMS that the merchant had no credits for", async () => {
    const { visitor } = await operator();
    const merchant = await newMerchant();
    await rows(
      "UPDATE api_keys SET notify_phone = '254712345678' WHERE merchant_id = ?",
      merchant.merchantId,
    );
    const payment = await collect(network, merchant);
    await rows("UPDATE notices SET due_at = 1 WHERE merchant_id = ?", merchant.merchantId);
    await tick();
    const state = "SELECT status FROM notices WHERE merchant_id = ? AND channel = 'sms'";
    expect(await rows(state, merchant.merchantId)).toEqual([{ status: "skipped" }]);
    expect((await visitor.get("/operator/dead-letters")).text).not.toContain(payment);
  });

  it("show of an act its detail, and earlier acts on the same alone", async () => {
    const { visitor } = await operator();
    const merchant = await newMerchant();
    await rows(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
       INSERT INTO audit_log (at, actor, action, subject, reason, detail)
       SELECT 1, 'token', 'grant.plan', ?, 'number ' || i, '{"plan":"Starter"}' FROM n`,
      `key:${merchant.keyId}`,
    );
    await newMerchant();
    const first = await visitor.get(`/operator/audit?subject=key:${merchant.keyId}`);
    expect(first.text).toContain("plan Starter");
    const [, earlier = ""] = /href="(\/operator\/audit\?before=[^"]+)"/.exec(first.html) ?? [];
    const second = await visitor.get(earlier.replaceAll("&amp;", "&"));
    expect(second.text).toContain("number 1 ");
    expect(second.text).not.toContain("merchant.create");
  });

  it("say that payouts are paused, while they are", async () => {
    const { visitor } = await operator({ PAYOUTS_PAUSED: "true" });
    expect((await visitor.get("/operator")).text).toContain("Payouts are paused");
    const { visitor: another } = await operator();
    expect((await another.get("/operator")).text).not.toContain("Payouts are paused");
  });

  it("say when their figures are of", async () => {
    const { visitor } = await operator();
    expect((await visitor.get("/operator/figures")).text).toMatch(/As of \d\d:\d\d:\d\d/);
  });
});

describe("the second factor", () => {
  const secretOf = (html: string) =>
    /secret=([A-Z2-7]+)/.exec(html)?.[1] ?? /\b[A-Z2-7]{32,}\b/.exec(html)?.[0] ?? "";

  /** The six digits that an authenticator app shows now (RFC 6238). */
  async function codeOf(secret: string) {
    const bits = [...secret]
      .map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0"))
      .join("");
    const bytes = (bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2));
    const algorithm = { name: "HMAC", hash: "SHA-1" };
    const key = await crypto.subtle.importKey("raw", new Uint8Array(bytes), algorithm, false, ["sign"]);
    const counter = new DataView(new ArrayBuffer(8));
    counter.setBigUint64(0, BigInt(Math.floor(Date.now() / 30_000)));
    const mac = new DataView(await crypto.subtle.sign("HMAC", key, counter.buffer));
    const number = mac.getUint32(mac.getUint8(19) & 15) & 0x7fffffff;
    return String(number % 1_000_000).padStart(6, "0");
  }

  async function enrolled() {
    const { visitor, email } = await operator(OUTSIDE);
    const elsewhere = new Visitor(OUTSIDE);
    await elsewhere.submit("/login", { email, password: PASSWORD });
    const made = await visitor.submit("/operator/second-factor", { password: PASSWORD });
    const secret = secretOf(made.html);
    const on = await visitor.submit("/operator/second-factor/code", { code: await codeOf(secret) });
    expect([on.status, on.location]).toEqual([303, "/operator?done=second-factor"]);
    return { visitor, elsewhere, email, secret };
  }

  it("lets an operator in outside local, and ends the sessions that were begun without it", async () => {
    const { visitor, elsewhere, email, secret } = await enrolled();
    for (const path of PAGES) expect((await visitor.get(`/operator${path}`)).status, path).toBe(200);
    expect((await elsewhere.get("/operator")).location).toContain("/login");

    const again = new Visitor(OUTSIDE);
    const asked = await again.submit("/login", { email, password: PASSWORD });
    expect((await again.get("/operator")).location).toContain("/login");
    const { location } = asked;
    const signedIn = await again.submit(location ?? "", { code: await codeOf(secret) });
    expect(signedIn.status).toBe(303);
    expect((await again.get("/operator")).status).toBe(200);
  });

  it("takes ten guesses in a quarter of an hour, and then not the right code either", async () => {
    const { visitor } = await operator(OUTSIDE);
    const made = await visitor.submit("/operator/second-factor", { password: PASSWORD });
    const secret = secretOf(made.html);
    for (const _ of Array(10)) {
      const guess = await visitor.submit("/operator/second-factor/code", { code: "000000" });
      expect(guess.status).toBe(400);
    }
    const right = await visitor.submit("/operator/second-factor/code", { code: await codeOf(secret) });
    expect(right.status).toBe(429);
    expect((await visitor.get("/operator")).location).toBe("/operator/second-factor");
  });

  it("says that it is locked where too many codes were wrong, at the sign-in", async () => {
    const { email, secret } = await enrolled();
    await rows("UPDATE two_factors SET locked_until = ?", Date.now() + 60_000);
    const again = new Visitor(OUTSIDE);
    const { location } = await again.submit("/login", { email, password: PASSWORD });
    const refused = await again.submit(location ?? "", { code: await codeOf(secret) });
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining("Too many wrong codes.")]);
    expect((await again.get("/operator")).location).toContain("/login");
    await rows("UPDATE two_factors SET locked_until = NULL");
  });
});

describe("a merchant's statements in the console", () => {
  it("are not those of all where the account number is none", async () => {
    const { visitor } = await operator();
    expect((await visitor.get("/operator/statements?account_number=nonsense")).status).toBe(404);
  });
});

describe("the figures", () => {
  it("tell what is pending, M-Pesa's calls, and the float of the account that a payout was made from", async () => {
    const merchant = await newMerchant();
    await push(merchant.key);
    network.push = broken("TimeoutError");
    await push(merchant.key);
    network = freshNetwork();
    const payout = await queuedPayout(network);
    const ids = network.acknowledged();
    network.b2c = () => Response.json(ids);
    await consume([payout]);
    await answerTo(lastPaymentRequest(network).ResultURL, b2cPaid(ids));

    const ctx = createExecutionContext();
    await keepFigures(createDeps({ ...env, ...PAYING }, ctx));
    await waitOnExecutionContext(ctx);
    const { body } = await asOperator("/figures");
    expect(body.pending).toBeGreaterThanOrEqual(2);
    expect(body.float).toMatchObject([{ account: "utility", amount: 10_116 }]);
    const stk = body.daraja.find(({ product }: { product: string }) => product === "stkpush");
    expect(stk.calls).toBeGreaterThanOrEqual(2);
    expect(stk.failed).toBeGreaterThanOrEqual(1);
  });
});

describe("an alert", () => {
  const told = (kind: string) =>
    rows<{ id: string }>("SELECT id FROM notices WHERE id LIKE ? ORDER BY created_at", `alert:${kind}:%`);
  const minutesAgo = (table: string, columns: string[], minutes: number) =>
    rows(`UPDATE ${table} SET ${columns.map((c) => `${c} = ${c} - ${minutes * 60_000}`).join()}`);

  it("of a low float is told once for as long as it lasts, and again when it comes back", async () => {
    await rows(
      "INSERT INTO float_balances VALUES ('utility', 100, 1) ON CONFLICT DO UPDATE SET amount = 100",
    );
    await tick(PAYING);
    await tick(PAYING);
    expect(await told("float_low_utility")).toHaveLength(1);
    expect((await asOperator("/figures")).body.alerts).toMatchObject([{ kind: "float_low_utility" }]);
    await rows("UPDATE float_balances SET amount = 1000000");
    await tick(PAYING);
    expect((await asOperator("/figures")).body.alerts).toHaveLength(1);
    await minutesAgo("alerts", ["last_seen_at", "since"], 16);
    await tick(PAYING);
    expect((await asOperator("/figures")).body.alerts).toEqual([]);
    await rows("UPDATE float_balances SET amount = 100");
    await tick(PAYING);
    expect(await told("float_low_utility")).toHaveLength(2);
    await rows("DELETE FROM float_balances");
    await rows("DELETE FROM alerts");
  });

  it("of one account's low float does not keep the other's from being told", async () => {
    const startedAt = Date.now();
    await rows("INSERT INTO float_balances VALUES ('working', 0, 1)");
    await tick(PAYING);
    await rows("INSERT INTO float_balances VALUES ('utility', 100, 1)");
    await tick(PAYING);
    const emails = await rows<{ subject: string }>(
      "SELECT subject FROM notices WHERE id LIKE 'alert:float_low_%' AND created_at >= ? ORDER BY created_at, id",
      startedAt,
    );
    expect(emails).toEqual([
      { subject: "The M-Pesa float of the Working account is low" },
      { subject: "The M-Pesa float of the Utility account is low" },
    ]);
    await rows("DELETE FROM float_balances");
    await rows("DELETE FROM alerts");
  });

  it("of callbacks that do not arrive comes when payments complete only by asking", async () => {
    await tick(PAYING);
    await rows("DELETE FROM minute_figures"); // what came by callbacks in the tests before
    const merchant = await newMerchant();
    for (const _ of [1, 2, 3, 4, 5]) await push(merchant.key);
    await rows(
      "UPDATE transactions SET due_at = 1, created_at = created_at - 60000 WHERE merchant_id = ?",
      merchant.merchantId,
    );
    network.query = queryResult("0", "The service request is processed successfully.");
    await tick(PAYING);
    await tick(PAYING);
    expect(await told("callbacks_missing")).toHaveLength(1);
  });

  it("of callbacks that do not arrive comes to a gateway of few payments too, and not for one that was lost", async () => {
    await tick(PAYING);
    const alerts = async () =>
      (await asOperator("/figures")).body.alerts.map(({ kind }: { kind: string }) => kind);
    /** What completed payments, and how many hours ago. */
    const completed = async (...by: [source: string, hoursAgo: number][]) => {
      await rows("DELETE FROM alerts");
      await rows("DELETE FROM minute_figures");
      for (const [source, hoursAgo] of by) {
        await rows(
          "INSERT INTO minute_figures (minute, name, count) VALUES (?, ?, 1)",
          Math.floor(Date.now() / 60_000 - hoursAgo * 60) * 60_000,
          `settled:${source}`,
        );
      }
      await tick(PAYING);
    };
    await completed(["callback", 20], ["query", 9], ["pull", 6], ["query", 2]);
    expect(await alerts()).toContain("callbacks_missing");
    await completed(["callback", 20], ["query", 9], ["query", 2]);
    expect(await alerts()).not.toContain("callbacks_missing");
    await completed(["query", 9], ["query", 6], ["query", 2], ["callback", 1.5]);
    expect(await alerts()).not.toContain("callbacks_missing");
    await completed(["query", 9], ["query", 6], ["query", 2], ["callback", 0]);
    expect(await alerts()).not.toContain("callbacks_missing");
    await completed(["query", 50], ["query", 40], ["query", 2]);
    expect(await alerts()).not.toContain("callbacks_missing");
    await rows("DELETE FROM alerts");
    await rows("DELETE FROM minute_figures");
  });

  it("of a payment that is pending for too long comes once", async () => {
    const merchant = await newMerchant();
    const { body } = await push(merchant.key);
    const old = `tx_${(Date.now() - 2 * 3_600_000).toString(16).padStart(12, "0")}${"a".repeat(20)}`;
    await rows("UPDATE transactions SET id = ? WHERE id = ?", old, body.transaction_id);
    await tick(PAYING);
    await tick(PAYING);
    expect(await told("pending_old")).toHaveLength(1);
    await rows("DELETE FROM transactions WHERE id = ?", old);
  });

  it("of webhooks that nobody sends comes when they are long overdue", async () => {
    const merchant = await newMerchant();
    for (const i of [...Array(60).keys()]) {
      await rows(
        `INSERT INTO webhook_deliveries (merchant_id, id, key_id, url, body, created_at, due_at)
         VALUES (?, ?, ?, 'http://localhost:9/', '{}', 1, 1)`,
        merchant.merchantId,
        `wh_${String(i).padStart(32, "0")}_test`,
        merchant.keyId,
      );
    }
    await tick(PAYING);
    expect(await told("webhooks_piling")).toHaveLength(1);
    await rows("DELETE FROM webhook_deliveries");
  });

  it("of a ledger that was not verified for two days comes once, and not before", async () => {
    const hour = 3_600_000;
    const verifiedAgo = (ms: number) =>
      rows(
        `INSERT INTO progress (work, done_to, due_at) VALUES ('verify', ?, ?)
         ON CONFLICT (work) DO UPDATE SET done_to = excluded.done_to, due_at = excluded.due_at`,
        Date.now() - ms,
        Date.now() + hour,
      );
    await verifiedAgo(47 * hour);
    await tick(PAYING);
    expect(await told("ledger_unverified")).toHaveLength(0);
    await verifiedAgo(49 * hour);
    await tick(PAYING);
    await tick(PAYING);
    expect(await told("ledger_unverified")).toHaveLength(1);
    await rows("DELETE FROM alerts");
  });

  it("of a ledger that was never verified counts from its first seal", async () => {
    const seal = (sealedAt: number) =>
      rows(
        `INSERT INTO ledger_seals (id, from_seq, to_seq, hash, previous_hash, sealed_at) VALUES (1, 1, 1, '', '', ?)
         ON CONFLICT (id) DO UPDATE SET sealed_at = excluded.sealed_at`,
        sealedAt,
      );
    await rows("DELETE FROM notices WHERE id LIKE 'alert:ledger_unverified:%'");
    await rows("UPDATE progress SET done_to = 0, due_at = ? WHERE work = 'verify'", Date.now() + 3_600_000);
    await seal(Date.now() - 49 * 3_600_000);
    await tick(PAYING);
    expect(await told("ledger_unverified")).toHaveLength(1);
    await rows("DELETE FROM ledger_seals");
    await rows("DELETE FROM alerts");
  });

  it("of a broken ledger comes from the daily check, and ends with the next that holds", async () => {
    const merchant = await newMerchant();
    await rows("UPDATE wallets SET balance = 7 WHERE merchant_id = ?", merchant.merchantId);
    await rows("DELETE FROM progress WHERE work = 'verify'");
    await tick(PAYING);
    await tick(PAYING);
    expect(await told("ledger_broken")).toHaveLength(1);
    await rows("UPDATE wallets SET balance = 0 WHERE merchant_id = ?", merchant.merchantId);
    await rows("UPDATE progress SET due_at = 1 WHERE work = 'verify'");
    await tick(PAYING);
    const { body } = await asOperator("/figures");
    expect(body.alerts.map(({ kind }: { kind: string }) => kind)).not.toContain("ledger_broken");
  });
});
