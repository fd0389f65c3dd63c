import { env } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import {
  callBack,
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
} from "../support/gateway.ts";
import { lossyDatabase } from "../support/lossy.ts";
import { freshNetwork, type Network } from "../support/network.ts";
import {
  collect,
  consume,
  keptCallbacks,
  ledgerOf,
  merchantPaidTo,
  PAYING,
  payoutRow,
  queuedPayout,
  wallet,
} from "../support/payouts.ts";
import { act, asOperator, audited, lostPayout, PAYBILL, ruleOn, unclearPayment } from "./support.ts";

let network: Network;
beforeEach(() => {
  network = freshNetwork();
});

const times = <T>(count: number, make: () => T) => Array.from({ length: count }, make);
const apply = (ruling: { id: string }, over: object = {}) => act(`/rulings/${ruling.id}/apply`, over);
/** A payee of its own: while a payout is unclear no other is sent there. */
const elsewhere = () => ({ ...PAYBILL, account_number: crypto.randomUUID().slice(0, 8) });
const proposed = async (subject: string, ruling: object) => {
  const answer = await ruleOn(subject, ruling);
  expect(answer.body).toMatchObject({ success: true });
  return answer.body.ruling;
};

describe("a ruling on an unclear payment", () => {
  it("is proposed first, which tells what it would do in shillings and moves nothing", async () => {
    const { merchant, id } = await unclearPayment(network);
    const receipt = newReceipt();
    const { status, body } = await ruleOn(id, { decision: "paid", receipt });
    expect([status, body.ruling.status]).toEqual([201, "proposed"]);
    expect(body.ruling.effect).toMatchObject({
      possible: true,
      transfers: [{ debit: "mpesa", credit: `wallet:${merchant.merchantId}`, amount: 150 }],
    });
    expect(body.ruling.effect.summary[0]).toContain("KES 150 is credited");
    expect(await walletBalance(merchant)).toBe(0);
    expect((await readTransaction(merchant.key, id)).status).toBe("pending");
    expect(await audited(id)).toMatchObject([{ actor: "token", action: "ruling.propose" }]);
  });

  it("as paid credits once, announces the webhook, and is in the log with its reason", async () => {
    const { merchant, id } = await unclearPayment(network, { callbackUrl: "http://localhost:9/hook" });
    const receipt = newReceipt();
    const ruling = await proposed(id, { decision: "paid", receipt });
    const applied = await apply(ruling);
    expect(applied.body).toMatchObject({ success: true, ruling: { status: "applied", decided_by: "token" } });
    expect(await walletBalance(merchant)).toBe(150);
    expect(await readTransaction(merchant.key, id)).toMatchObject({
      status: "completed",
      mpesa_receipt: receipt,
      result_code: "0",
    });
    expect(network.to("localhost:9/hook")).toHaveLength(1);
    expect(await audited(id)).toMatchObject([
      { action: "ruling.propose" },
      { action: "ruling.apply", actor: "token", reason: "M-Pesa's portal says so." },
    ]);
    const again = await apply(ruling);
    expect(again.body.ruling.status).toBe("applied");
    expect(await walletBalance(merchant)).toBe(150);
    expect(await audited(id)).toHaveLength(2);
  });

  it("is applied once by twenty at once", async () => {
    const { merchant, id } = await unclearPayment(network);
    const ruling = await proposed(id, { decision: "paid", receipt: newReceipt() });
    const answers = await Promise.all(times(20, () => apply(ruling)));
    expect(answers.map(({ status }) => status)).toEqual(times(20, () => 200));
    expect(await walletBalance(merchant)).toBe(150);
    expect((await audited(id)).map(({ action }) => action)).toEqual(["ruling.propose", "ruling.apply"]);
  });

  it("is applied once where the database's answer is lost", async () => {
    const { merchant, id } = await unclearPayment(network);
    const ruling = await proposed(id, { decision: "paid", receipt: newReceipt() });
    const DB = lossyDatabase(/update "transactions"/i);
    expect((await apply(ruling, { DB })).status).toBe(200);
    expect(DB.losses()).toBe(1);
    expect(await walletBalance(merchant)).toBe(150);
    expect((await audited(id)).map(({ action }) => action)).toEqual(["ruling.propose", "ruling.apply"]);
  });

  it("that was withdrawn between reading and writing changes nothing", async () => {
    const { merchant, id } = await unclearPayment(network);
    const ruling = await proposed(id, { decision: "paid", receipt: newReceipt() });
    const onLoss = () => act(`/rulings/${ruling.id}/withdraw`);
    const DB = lossyDatabase(/update "transactions"/i, { before: true, onLoss });
    const answer = await apply(ruling, { DB });
    expect([answer.status, answer.body.error_code]).toEqual([409, "RULING_CONFLICT"]);
    expect(await walletBalance(merchant)).toBe(0);
    expect((await readTransaction(merchant.key, id)).status).toBe("pending");
    expect((await audited(id)).map(({ action }) => action)).toEqual(["ruling.propose", "ruling.withdraw"]);
  });

  it("as paid is void where M-Pesa's own callback came first, and credits nothing twice", async () => {
    const { merchant, id, url } = await unclearPayment(network);
    const receipt = newReceipt();
    const ruling = await proposed(id, { decision: "paid", receipt });
    await callBack(url, paid({ checkout_request_id: "ws_CO_late" }, { receipt }), PAYING);
    const answer = await apply(ruling);
    expect([answer.status, answer.body.error_code]).toEqual([409, "RULING_CONFLICT"]);
    expect(await walletBalance(merchant)).toBe(150);
    const { body } = await asOperator(`/rulings/${ruling.id}`);
    expect(body.ruling).toMatchObject({ status: "void", outcome: "It is settled so already." });
  });

  it("as not paid fails it with 9999, and a later proof completes it all the same", async () => {
    const { merchant, id, url } = await unclearPayment(network);
    await apply(await proposed(id, { decision: "not_paid" }));
    expect(await readTransaction(merchant.key, id)).toMatchObject({ status: "failed", result_code: "9999" });
    expect(await walletBalance(merchant)).toBe(0);
    await callBack(url, paid({ checkout_request_id: "ws_CO_later" }), PAYING);
    expect(await walletBalance(merchant)).toBe(150);
  });

  it("as not paid waits until its prompt cannot be paid any more", async () => {
    const { id } = await unclearPayment(network);
    await rows("UPDATE transactions SET created_at = created_at + 600000 WHERE id = ?", id);
    expect(await ruleOn(id, { decision: "not_paid" })).toMatchObject({
      status: 409,
      body: { error_code: "RULING_CONFLICT" },
    });
  });

  it("takes no receipt that another payment has, or that M-Pesa's statement has with another amount", async () => {
    const { id } = await unclearPayment(network);
    network = freshNetwork();
    const other = await newMerchant();
    const { body: ids } = await push(other.key);
    const receipt = newReceipt();
    const url = network.pushes.find(({ CallBackURL }) => CallBackURL?.includes(ids.transaction_id));
    await callBack(url?.CallBackURL ?? "", paid(ids, { receipt }), PAYING);
    const reused = await ruleOn(id, { decision: "paid", receipt });
    expect([reused.status, reused.body.message]).toEqual([409, "Another one has this receipt already."]);

    const reported = newReceipt();
    await rows(
      "INSERT INTO statement_lines (receipt, phone, amount, reference, paid_at, pulled_at) VALUES (?, '254', 99, '', 0, 0)",
      reported,
    );
    const wrong = await ruleOn(id, { decision: "paid", receipt: reported });
    expect([wrong.status, wrong.body.message]).toEqual([
      409,
      "M-Pesa's statement has this receipt with KES 99.",
    ]);
  });

  it("takes no receipt that a payout has, or that M-Pesa's statement has from another number", async () => {
    const { merchant, id } = await unclearPayment(network);
    const out = await lostPayout(network, elsewhere());
    const receipt = newReceipt();
    await apply(await proposed(out.id, { decision: "paid", receipt }));
    const reused = await ruleOn(id, { decision: "paid", receipt });
    expect([reused.status, reused.body.message]).toEqual([
      409,
      "A payout has this receipt: it is of money that went out.",
    ]);
    const line = (from: string) =>
      rows(
        `INSERT INTO statement_lines (receipt, phone, amount, reference, paid_at, pulled_at)
         VALUES (?, ?, 150, '', 0, 0)`,
        receipts[from],
        from,
      );
    const receipts: Record<string, string> = { "254700000001": newReceipt(), "2547•••••001": newReceipt() };
    for (const from of Object.keys(receipts)) await line(from);
    const other = await ruleOn(id, { decision: "paid", receipt: receipts["254700000001"] });
    expect([other.status, other.body.message]).toEqual([
      409,
      "M-Pesa's statement has this receipt from another number, 2547•••••001.",
    ]);
    await apply(await proposed(id, { decision: "paid", receipt: receipts["2547•••••001"] }));
    expect(await walletBalance(merchant)).toBe(150);
  });

  it("is void where a payout took its receipt between reading and writing", async () => {
    const { merchant, id } = await unclearPayment(network);
    const out = await lostPayout(network, elsewhere());
    const receipt = newReceipt();
    const ruling = await proposed(id, { decision: "paid", receipt });
    const onLoss = () => rows("UPDATE payouts SET receipt = ? WHERE id = ?", receipt, out.id);
    const DB = lossyDatabase(/update "transactions"/i, { before: true, onLoss });
    expect((await apply(ruling, { DB })).body.error_code).toBe("RULING_CONFLICT");
    expect(await walletBalance(merchant)).toBe(0);
    expect((await audited(id)).map(({ action }) => action)).toEqual(["ruling.propose", "ruling.void"]);
  });

  it("is void, and never said to be applied, where M-Pesa's callback came between reading and writing", async () => {
    const { merchant, id, url } = await unclearPayment(network);
    const ruling = await proposed(id, { decision: "paid", receipt: newReceipt() });
    const onLoss = () => callBack(url, paid({ checkout_request_id: "ws_CO_between" }), PAYING);
    const DB = lossyDatabase(/update "transactions"/i, { before: true, onLoss });
    expect((await apply(ruling, { DB })).body.error_code).toBe("RULING_CONFLICT");
    expect(await walletBalance(merchant)).toBe(150);
    expect((await audited(id)).map(({ action }) => action)).toEqual(["ruling.propose", "ruling.void"]);
  });

  it("needs a reason and a receipt, and waits alone", async () => {
    const { id } = await unclearPayment(network);
    expect((await ruleOn(id, { decision: "paid" })).body.error_code).toBe("MISSING_FIELDS");
    expect((await ruleOn(id, { decision: "not_paid", reason: " " })).status).toBe(400);
    expect((await ruleOn("tx_nothing", { decision: "not_paid" })).status).toBe(400);
    expect((await ruleOn(`tx_${"0".repeat(32)}`, { decision: "not_paid" })).status).toBe(404);
    await proposed(id, { decision: "not_paid" });
    const second = await ruleOn(id, { decision: "paid", receipt: newReceipt() });
    expect([second.status, second.body.message]).toEqual([409, "A ruling on this is proposed already."]);
  });
});

describe("a ruling on a payout that M-Pesa never answered for", () => {
  it("as paid takes what was held, and frees the payee for the next one", async () => {
    const payout = await lostPayout(network);
    network.b2b = () => Response.json(network.acknowledged());
    const next = await queuedPayout(network, PAYBILL);
    await consume([next]);
    expect((await payoutRow(next)).status).toBe("queued");

    const receipt = newReceipt();
    const ruling = await proposed(payout.id, { decision: "paid", receipt });
    expect(ruling.effect.summary[0]).toContain("KES 150");
    await apply(ruling);
    expect(await payoutRow(payout)).toMatchObject({ status: "paid", receipt });
    expect(await wallet(payout.merchant)).toEqual({ balance: 0, held: 0, owed: 0 });

    await rows("UPDATE payouts SET due_at = 1 WHERE id = ?", next.id);
    await consume([next]);
    expect((await payoutRow(next)).status).toBe("sent");
  });

  it("as not paid gives it back to the wallet, once by ten at once, and never sends it again", async () => {
    const payout = await lostPayout(network);
    const sent = network.count("/b2b/");
    const ruling = await proposed(payout.id, { decision: "not_paid" });
    const answers = await Promise.all(times(10, () => apply(ruling)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(await payoutRow(payout)).toMatchObject({ status: "failed", due_at: null });
    expect(await wallet(payout.merchant)).toEqual({ balance: 150, held: 0, owed: 0 });
    await consume([payout]);
    expect(network.count("/b2b/")).toBe(sent);
    expect((await ledgerOf(payout.id)).map(({ kind }) => kind)).toEqual(["given_back"]);
    expect((await audited(payout.id)).map(({ action }) => action)).toEqual([
      "ruling.propose",
      "ruling.apply",
    ]);
    expect((await act("/ledger/verify")).status).toBe(404);
    expect((await asOperator("/ledger/verify")).body).toMatchObject({ intact: true });
  });

  it("that was withdrawn between reading and writing moves nothing", async () => {
    const payout = await lostPayout(network, elsewhere());
    const ruling = await proposed(payout.id, { decision: "not_paid" });
    const onLoss = () => act(`/rulings/${ruling.id}/withdraw`);
    const DB = lossyDatabase(/update "payouts"/i, { before: true, onLoss });
    expect((await apply(ruling, { DB })).body.error_code).toBe("RULING_CONFLICT");
    expect((await payoutRow(payout)).status).toBe("sending");
    expect(await wallet(payout.merchant)).toEqual({ balance: 0, held: 150, owed: 0 });
    expect((await audited(payout.id)).map(({ action }) => action)).toEqual([
      "ruling.propose",
      "ruling.withdraw",
    ]);
  });

  it("takes no receipt of money that came in, as a payment or as a line of M-Pesa's statement", async () => {
    const payout = await lostPayout(network, elsewhere());
    const reported = newReceipt();
    await rows(
      "INSERT INTO statement_lines (receipt, phone, amount, reference, paid_at, pulled_at) VALUES (?, '', 150, '', 0, 0)",
      reported,
    );
    const [payment] = await rows<{ mpesa_receipt: string }>(
      "SELECT mpesa_receipt FROM transactions WHERE merchant_id = ?",
      payout.merchant.merchantId,
    );
    for (const receipt of [reported, payment?.mpesa_receipt]) {
      const answer = await ruleOn(payout.id, { decision: "paid", receipt });
      expect([answer.status, answer.body.message]).toEqual([
        409,
        "This receipt is of a customer's payment: of money that came in.",
      ]);
    }
    const receipt = newReceipt();
    const ruling = await proposed(payout.id, { decision: "paid", receipt });
    const onLoss = () => rows("UPDATE statement_lines SET receipt = ? WHERE receipt = ?", receipt, reported);
    const DB = lossyDatabase(/update "payouts"/i, { before: true, onLoss });
    expect((await apply(ruling, { DB })).body.error_code).toBe("RULING_CONFLICT");
    expect((await payoutRow(payout)).status).toBe("sending");
  });

  it("as paid is refused for one that was never sent", async () => {
    const merchant = await merchantPaidTo({ method: "phone", phone: newPhone() });
    const id = (await collect(network, merchant, 5)).replace("tx_", "po_");
    const answer = await ruleOn(id, { decision: "paid", receipt: newReceipt() });
    expect([answer.status, answer.body.message]).toEqual([
      409,
      "It was never sent: M-Pesa cannot have paid it.",
    ]);
    expect(await wallet(merchant)).toMatchObject({ balance: 5, owed: 0 });
  });

  it("is about one attempt: one that was sent again since is another matter", async () => {
    const payout = await lostPayout(network);
    const ruling = await proposed(payout.id, { decision: "not_paid" });
    await rows("UPDATE payouts SET attempt = attempt + 1 WHERE id = ?", payout.id);
    expect((await apply(ruling)).status).toBe(409);
    expect((await payoutRow(payout)).status).toBe("sending");
    expect((await wallet(payout.merchant))?.held).toBe(150);
  });

  it("as paid is allowed while payouts are paused for one that a restore has queued again", async () => {
    const paused = { ...PAYING, PAYOUTS_PAUSED: "true" };
    const payout = await queuedPayout(network);
    const receipt = newReceipt();
    const ruling = { subject: payout.id, reason: "before.sql has it as paid." };
    const refused = await asOperator("/rulings", { ...ruling, decision: "not_paid" }, paused);
    expect(refused.status).toBe(409);
    const { body } = await asOperator("/rulings", { ...ruling, decision: "paid", receipt }, paused);
    expect((await apply(body.ruling, paused)).status).toBe(200);
    await consume([payout]);
    expect(network.to("/b2c/")).toEqual([]);
    expect(await payoutRow(payout)).toMatchObject({ status: "paid", receipt });
    expect(await wallet(payout.merchant)).toMatchObject({ balance: 0, held: 0 });
  });

  it("is refused while M-Pesa may still be at it, and for what is queued", async () => {
    const payout = await lostPayout(network);
    await rows("UPDATE payouts SET sent_at = sent_at + 800000 WHERE id = ?", payout.id);
    expect((await ruleOn(payout.id, { decision: "not_paid" })).status).toBe(409);
    const queued = await queuedPayout(freshNetwork());
    expect((await ruleOn(queued.id, { decision: "paid", receipt: newReceipt() })).status).toBe(409);
  });
});

describe("a callback that does not fit", () => {
  async function forgedAmount() {
    const merchant = await newMerchant();
    const { body: ids } = await push(merchant.key);
    const pushed = network.pushes.find(({ CallBackURL }) => CallBackURL?.includes(ids.transaction_id));
    await callBack(pushed?.CallBackURL ?? "", paid(ids, { amount: 15 }), PAYING);
    const { body } = await asOperator("/unmatched");
    const found = body.callbacks.find((c: { reference: string }) => c.reference === ids.transaction_id);
    return { merchant, ids, found };
  }

  it("waits in the list, cannot be attached, and is put aside once", async () => {
    const { merchant, ids, found } = await forgedAmount();
    expect(found).toMatchObject({ verdict: "wrong_amount" });
    const attach = await ruleOn(found.subject, { decision: "attach", attach_to: ids.transaction_id });
    expect([attach.status, attach.body.message]).toEqual([409, "The callback tells another amount."]);

    const ruling = await proposed(found.subject, { decision: "dismiss" });
    await Promise.all(times(10, () => apply(ruling)));
    expect(await keptCallbacks({ id: ids.transaction_id })).toMatchObject([
      { open: 0, verdict: "wrong_amount, dismissed" },
    ]);
    expect((await audited(found.subject)).map(({ action }) => action)).toEqual([
      "ruling.propose",
      "ruling.apply",
    ]);
    expect(await walletBalance(merchant)).toBe(0);
  });

  async function notProcessed() {
    const merchant = await newMerchant();
    const { body: ids } = await push(merchant.key);
    const pushed = network.pushes.find(({ CallBackURL }) => CallBackURL?.includes(ids.transaction_id));
    const DB = lossyDatabase(/update "transactions"/i, { before: true, times: 3 });
    await callBack(pushed?.CallBackURL ?? "", paid(ids), { ...PAYING, DB });
    const [kept] = await keptCallbacks({ id: ids.transaction_id });
    expect(kept).toMatchObject({ verdict: "not_processed", open: 1 });
    const [{ id } = { id: "" }] = await rows<{ id: string }>(
      "SELECT id FROM inbound_callbacks WHERE reference = ?",
      ids.transaction_id,
    );
    return { merchant, reference: ids.transaction_id, subject: `cb:${ids.transaction_id}:${id}` };
  }

  it("is not put aside while the cron tries it again", async () => {
    const { merchant, reference, subject } = await notProcessed();
    const early = await ruleOn(subject, { decision: "dismiss" });
    expect([early.status, early.body.message]).toEqual([409, expect.stringContaining("wait an hour")]);
    await tick(PAYING);
    expect(await walletBalance(merchant)).toBe(150);
    expect(await keptCallbacks({ id: reference })).toMatchObject([{ open: 0 }]);
  });

  it("is said to be put aside only where it was still open", async () => {
    const { merchant, reference, subject } = await notProcessed();
    await rows(
      "UPDATE inbound_callbacks SET received_at = received_at - 3700000 WHERE reference = ?",
      reference,
    );
    const ruling = await proposed(subject, { decision: "dismiss" });
    const DB = lossyDatabase(/update "inbound_callbacks"/i, { before: true, onLoss: () => tick(PAYING) });
    expect((await apply(ruling, { DB })).body.error_code).toBe("RULING_CONFLICT");
    expect(await walletBalance(merchant)).toBe(150);
    expect((await audited(subject)).map(({ action }) => action)).toEqual(["ruling.propose", "ruling.void"]);
    expect(JSON.stringify(await keptCallbacks({ id: reference }))).not.toContain("dismissed");
  });

  it("is attached to the payment whose checkout id, amount and unused receipt it has", async () => {
    const merchant = await newMerchant();
    const { body: ids } = await push(merchant.key);
    const other = (await push(merchant.key)).body;
    const wrongUrl = network.pushes.find(({ CallBackURL }) => CallBackURL?.includes(other.transaction_id));
    // It came to the URL of another payment of the same amount.
    await callBack(wrongUrl?.CallBackURL ?? "", paid(ids), PAYING);
    const { body } = await asOperator("/unmatched");
    const found = body.callbacks.find((c: { reference: string }) => c.reference === other.transaction_id);
    expect(
      (await ruleOn(found.subject, { decision: "attach", attach_to: other.transaction_id })).status,
    ).toBe(409);
    const ruling = await proposed(found.subject, { decision: "attach", attach_to: ids.transaction_id });
    await Promise.all(times(5, () => apply(ruling)));
    expect(await walletBalance(merchant)).toBe(150);
    expect((await readTransaction(merchant.key, ids.transaction_id)).status).toBe("completed");
    expect(await keptCallbacks({ id: other.transaction_id })).toMatchObject([{ open: 0 }]);
  });
});

describe("the audit log", () => {
  it("cannot be changed, shortened or written over", async () => {
    const merchant = await newMerchant();
    const [row] = await rows<{ id: number }>(
      "SELECT id FROM audit_log WHERE subject = ?",
      `merchant:${merchant.merchantId}`,
    );
    for (const statement of [
      "UPDATE audit_log SET reason = 'x' WHERE id = ?",
      "DELETE FROM audit_log WHERE id = ?",
      "INSERT OR REPLACE INTO audit_log (id, at, actor, action, subject, reason, detail) VALUES (?, 0, '', '', '', '', '')",
    ]) {
      await expect(rows(statement, row?.id), statement).rejects.toThrow("append-only");
    }
  });

  it("keeps the row of what may be done once", async () => {
    const insert = (reason: string) =>
      rows(
        `INSERT OR REPLACE INTO audit_log (at, actor, action, subject, reason, detail, once)
         VALUES (0, '', '', 'once', ?, '{}', 'once')`,
        reason,
      );
    await insert("the first");
    await expect(insert("another")).rejects.toThrow("append-only");
    expect(await audited("once")).toMatchObject([{ reason: "the first" }]);
  });

  it("is read page by page, the last act first", async () => {
    for (const _ of [1, 2, 3]) await newMerchant();
    const first = await asOperator("/audit?limit=2");
    expect(first.body).toMatchObject({ count: 2, acts: [{ action: "merchant.create", actor: "token" }, {}] });
    const second = await asOperator(`/audit?limit=2&before=${first.body.next_before}`);
    expect(second.body.acts[0].id).toBeLessThan(first.body.acts[1].id);
  });

  it.each(["limit=", "limit=0x10", "limit=1e1", "limit=1.0", "before=", "before=1e9", "before=0"])(
    "is not read by %s",
    async (query) => {
      const { status, body } = await asOperator(`/audit?${query}`);
      expect([status, body.error_code]).toEqual([400, "INVALID_FIELD"]);
      expect(body.errors[0].field).toBe(query.split("=")[0]);
    },
  );

  it("is for nobody without the operator's token", async () => {
    const merchant = await newMerchant();
    for (const path of ["/audit", "/merchants", "/unmatched", "/rulings", "/dead-letters", "/statements"]) {
      expect((await request(`/operator/v1${path}`)).status).toBe(401);
      expect((await request(`/operator/v1${path}`, { key: merchant.key })).status).toBe(401);
    }
    expect(env.OPERATOR_TOKEN.length).toBeGreaterThan(31);
  });
});
