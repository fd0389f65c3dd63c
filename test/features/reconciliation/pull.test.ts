import { env } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { resultUrls } from "../../../src/features/payouts/callback-url.ts";
import { newPayoutId, storedMerchantId } from "../../../src/lib/ids.ts";
import { asOperator, ruleOn } from "../../operator/support.ts";
import {
  callBack,
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
} from "../../support/gateway.ts";
import { lossyDatabase } from "../../support/lossy.ts";
import {
  broken,
  darajaError,
  freshNetwork,
  mpesaStatement,
  type Network,
  queryResult,
  type StatementLine,
  said,
} from "../../support/network.ts";
import { answerTo, b2cPaid, keptCallbacks, PAYING, toldOperator } from "../../support/payouts.ts";

const NOW = Date.parse("2026-11-24T09:30:00+03:00");

let network: Network;
let merchant: Merchant;
beforeEach(async () => {
  network = freshNetwork();
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  await env.DB.exec("DELETE FROM progress; DELETE FROM statement_lines;");
  merchant = await newMerchant({ callbackUrl: "https://duka.co.ke/callback" });
});

const statement = (lines: (Omit<StatementLine, "at"> & { at?: number })[]) =>
  mpesaStatement(lines.map((line) => ({ at: NOW + 20_000, ...line })));

/** A push whose acknowledgement was lost: M-Pesa's checkout id is not known. */
async function unclearPush(phone: string, amount = 150, reference = "ORDER_1") {
  const works = network.push;
  network.push = broken("TimeoutError");
  const pushed = await push(merchant.key, { phone, amount, account_reference: reference });
  network.push = works;
  expect(pushed.status).toBe(202);
  return pushed.body;
}

async function runLater(): Promise<void> {
  vi.setSystemTime(NOW + 120_000);
  await tick();
}

const balance = async (of = merchant) =>
  (await request("/v1/account", { key: of.key })).body.account.wallet_balance;

describe("M-Pesa's own statement", () => {
  it("settles a payment whose acknowledgement was lost, and tells the merchant", async () => {
    const phone = newPhone();
    const receipt = newReceipt();
    const pushed = await unclearPush(phone);
    network.pull = statement([{ receipt, phone, amount: 150, reference: "ORDER_1" }]);
    await runLater();
    expect(await readTransaction(merchant.key, pushed.transaction_id)).toMatchObject({
      status: "completed",
      mpesa_receipt: receipt,
      checkout_request_id: pushed.checkout_request_id,
    });
    expect(await balance()).toBe(150);
    expect(network.count("duka.co.ke")).toBe(1);
  });

  it("that comes before the push is answered settles it after that, under the id that the answer told", async () => {
    const phone = newPhone();
    const works = network.push;
    network.pull = statement([{ receipt: newReceipt(), phone, amount: 150, reference: "ORDER_1" }]);
    network.push = async (sent) => {
      await tick();
      return works(sent);
    };
    const { body } = await push(merchant.key, { phone, amount: 150, account_reference: "ORDER_1" });
    await runLater();
    vi.setSystemTime(NOW + 600_000);
    await tick();
    expect(await balance()).toBe(150);
    const told = network
      .to("duka.co.ke")
      .map((sent) => Reflect.get(Reflect.get(sent.body ?? {}, "Body"), "stkCallback"));
    expect(told).toMatchObject([{ ResultCode: 0, CheckoutRequestID: body.checkout_request_id }]);
  });

  it("credits once, however often it shows the payment, and when the callback comes after all", async () => {
    const phone = newPhone();
    const receipt = newReceipt();
    const pushed = await unclearPush(phone);
    network.pull = statement([{ receipt, phone, amount: 150, reference: "ORDER_1" }]);
    await runLater();
    vi.setSystemTime(NOW + 600_000);
    await tick();
    await callBack(network.pushes[0]?.CallBackURL ?? "", paid(pushed, { receipt }));
    expect(await balance()).toBe(150);
    expect(network.count("duka.co.ke")).toBe(1);
  });

  it.each([
    ["another amount", { amount: 151 }],
    ["another reference", { reference: "ORDER_2" }],
    ["another phone", { phone: "254799000111" }],
    ["another time", { at: NOW - 3_600_000 }],
  ])("proves nothing with %s", async (_, change) => {
    const phone = newPhone();
    const pushed = await unclearPush(phone);
    network.pull = statement([
      { receipt: newReceipt(), phone, amount: 150, reference: "ORDER_1", ...change },
    ]);
    await runLater();
    expect(await readTransaction(merchant.key, pushed.transaction_id)).toMatchObject({ status: "pending" });
    expect(await balance()).toBe(0);
  });

  it("decides nothing where two payments fit", async () => {
    const phone = newPhone();
    const first = await unclearPush(phone);
    const second = await unclearPush(phone);
    network.pull = statement([{ receipt: newReceipt(), phone, amount: 150, reference: "ORDER_1" }]);
    await runLater();
    for (const { transaction_id: id } of [first, second]) {
      expect(await readTransaction(merchant.key, id)).toMatchObject({ status: "pending" });
    }
    expect(await balance()).toBe(0);
  });

  it("gives no credit for a receipt that another payment has", async () => {
    const phone = newPhone();
    const receipt = newReceipt();
    const known = await push(merchant.key, { phone, account_reference: "ORDER_1" });
    await callBack(network.pushes[0]?.CallBackURL ?? "", paid(known.body, { receipt }));
    const pushed = await unclearPush(phone);
    network.pull = statement([{ receipt, phone, amount: 150, reference: "ORDER_1" }]);
    await runLater();
    expect(await readTransaction(merchant.key, pushed.transaction_id)).toMatchObject({ status: "pending" });
    expect(await balance()).toBe(150);
  });

  it("fills in the receipt of a payment that a query completed, without a second webhook", async () => {
    const phone = newPhone();
    const receipt = newReceipt();
    const { body } = await push(merchant.key, { phone, account_reference: "ORDER_1" });
    network.query = queryResult("0", "The service request is processed successfully.");
    await runLater();
    expect(await readTransaction(merchant.key, body.transaction_id)).toMatchObject({
      status: "completed",
      mpesa_receipt: null,
    });
    network.pull = statement([{ receipt, phone, amount: 150, reference: "ORDER_1" }]);
    vi.setSystemTime(NOW + 600_000);
    await tick();
    expect(await readTransaction(merchant.key, body.transaction_id)).toMatchObject({
      mpesa_receipt: receipt,
    });
    expect(await balance()).toBe(150);
    expect(network.count("duka.co.ke")).toBe(1);
  });

  it("turns a failure into the success that it was, and tells it by a second webhook", async () => {
    const phone = newPhone();
    const receipt = newReceipt();
    const { body } = await push(merchant.key, { phone, account_reference: "ORDER_1" });
    network.query = queryResult("1032", "Request cancelled by user.");
    await runLater();
    vi.setSystemTime(NOW + 200_000);
    await tick();
    expect(await readTransaction(merchant.key, body.transaction_id)).toMatchObject({ status: "failed" });
    network.pull = statement([{ receipt, phone, amount: 150, reference: "ORDER_1" }]);
    vi.setSystemTime(NOW + 600_000);
    await tick();
    expect(await readTransaction(merchant.key, body.transaction_id)).toMatchObject({
      status: "completed",
      mpesa_receipt: receipt,
    });
    const codes = network.to("duka.co.ke").map((sent) => JSON.parse(sent.text).Body.stkCallback.ResultCode);
    expect(codes).toEqual([1032, 0]);
    expect(await balance()).toBe(150);
  });

  it("is asked for again where M-Pesa gave no answer, from where it was left", async () => {
    const phone = newPhone();
    const receipt = newReceipt();
    const pushed = await unclearPush(phone);
    network.pull = broken("NetworkError");
    await runLater();
    network.pull = statement([{ receipt, phone, amount: 150, reference: "ORDER_1" }]);
    vi.setSystemTime(NOW + 7_200_000);
    await tick();
    expect(await readTransaction(merchant.key, pushed.transaction_id)).toMatchObject({
      mpesa_receipt: receipt,
    });
  });
});

describe("M-Pesa's statement, as it really comes", () => {
  it("is refused in words that hold the access token, which the log does not repeat", async () => {
    const token = "c9SQxWWhmdVRlyh0zh8gZDTkubVF";
    network.pull = darajaError(401, "401.002.01", `Error Occurred - Invalid Access Token - ${token}`);
    const log = vi.spyOn(console, "log");
    await runLater();
    const lines = log.mock.calls.map(([line]) => String(line));
    expect(lines.filter((line) => line.includes("statement_not_told"))).toHaveLength(1);
    expect(lines.join()).not.toContain(token);
  });

  const doneTo = async () =>
    (await rows<{ done_to: number }>("SELECT done_to FROM progress WHERE work = 'pull'"))[0]?.done_to;
  const line = (more: Partial<StatementLine> = {}): StatementLine => ({
    receipt: newReceipt(),
    phone: newPhone(),
    amount: 150,
    reference: "ORDER_1",
    at: NOW + 20_000,
    ...more,
  });

  it.each([
    ["without a time that can be read", { trxDate: "yesterday" }],
    ["without a receipt", { transactionId: null }],
    ["without an amount", { amount: "" }],
  ])("is read to its end past a row %s, and the log tells of it", async (_, as) => {
    const log = vi.spyOn(console, "log");
    const proof = line();
    const pushed = await unclearPush(proof.phone);
    const strangers = Array.from({ length: 99 }, () => line({ reference: "OTHER" }));
    const unreadable = line({ as });
    const lines = [unreadable, ...strangers, proof];
    network.pull = (sent) => {
      const offset = Number(said(sent).OffSetValue);
      return mpesaStatement(lines.slice(offset, offset + 100))();
    };
    await runLater();
    expect(await readTransaction(merchant.key, pushed.transaction_id)).toMatchObject({
      mpesa_receipt: proof.receipt,
    });
    const told = log.mock.calls.flat().filter((text) => String(text).includes("statement_rows_left_out"));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(JSON.stringify([Object.keys(as)]));
    expect(told[0]).not.toContain(unreadable.phone);
  });

  it("has rows without a phone, which are payments all the same", async () => {
    const { body } = await push(merchant.key, { phone: newPhone(), account_reference: "ORDER_1" });
    const known = line({ as: { msisdn: undefined } });
    await callBack(network.pushes[0]?.CallBackURL ?? "", paid(body, { receipt: known.receipt }));
    network.pull = mpesaStatement([known]);
    await runLater();
    expect(await rows("SELECT transaction_id FROM statement_lines WHERE receipt = ?", known.receipt)).toEqual(
      [{ transaction_id: body.transaction_id }],
    );
    expect(await doneTo()).toBe(NOW + 120_000);
  });

  it.each([
    ["without 254", (phone: string) => phone.slice(3)],
    ["as a number without 254", (phone: string) => Number(phone.slice(3))],
    ["with a nought", (phone: string) => `0${phone.slice(3)}`],
    ["with a plus", (phone: string) => `+${phone}`],
  ])("proves a payment with the phone %s", async (_, form) => {
    const proof = line();
    const pushed = await unclearPush(proof.phone);
    network.pull = mpesaStatement([{ ...proof, as: { msisdn: form(proof.phone) } }]);
    await runLater();
    expect(await readTransaction(merchant.key, pushed.transaction_id)).toMatchObject({
      mpesa_receipt: proof.receipt,
    });
  });

  /** Another phone, whose first four and last three digits are the same. */
  const twinOf = (phone: string) => phone.slice(0, 5) + ((Number(phone[5]) + 1) % 10) + phone.slice(6);
  const masked = (phone: string) => `${phone.slice(0, 4)} ***** ${phone.slice(-3)}`;

  it("proves a payment by the digits that it shows, where only one fits", async () => {
    const proof = line();
    const other = await unclearPush(twinOf(proof.phone), 150, "ORDER_2");
    const pushed = await unclearPush(proof.phone);
    network.pull = mpesaStatement([{ ...proof, as: { msisdn: masked(proof.phone) } }]);
    await runLater();
    expect(await readTransaction(merchant.key, pushed.transaction_id)).toMatchObject({
      mpesa_receipt: proof.receipt,
    });
    expect(await readTransaction(merchant.key, other.transaction_id)).toMatchObject({ status: "pending" });
  });

  it.each<[string, (phone: string) => string, boolean, boolean]>([
    ["two payments fit the digits", masked, true, false],
    ["two lines fit the payment", masked, false, true],
    ["no digit but the country's is shown", () => "254*********", false, false],
    [
      "a digit is another",
      (phone) => masked(`${phone.slice(0, -1)}${(Number(phone.slice(-1)) + 1) % 10}`),
      false,
      false,
    ],
  ])("proves nothing by a masked phone where %s", async (_, mask, hasTwin, isTold) => {
    const proof = line();
    const pushed = await unclearPush(proof.phone);
    if (hasTwin) await unclearPush(twinOf(proof.phone));
    const as = { msisdn: mask(proof.phone) };
    network.pull = mpesaStatement([
      { ...proof, as },
      ...(isTold ? [line({ at: proof.at + 1_000, as })] : []),
    ]);
    await runLater();
    expect(await readTransaction(merchant.key, pushed.transaction_id)).toMatchObject({ status: "pending" });
    expect(await balance()).toBe(0);
  });

  it.each<[string, number, object]>([
    ["an error", 500, { errorCode: "500.003.1001", errorMessage: "No transactions found" }],
    ["another code", 200, { ResponseCode: "404", ResponseMessage: "No records found" }],
    ["1001 without a list", 200, { ResponseCode: "1001" }],
  ])("is of an empty period where the answer is %s that says so", async (_, status, body) => {
    network.pull = () => Response.json(body, { status });
    await runLater();
    expect(await doneTo()).toBe(NOW + 120_000);
  });

  it.each<[string, number, object]>([
    ["an error", 500, { errorCode: "500.003.1001", errorMessage: "Internal server error" }],
    ["a refusal with HTTP 200", 200, { ResponseCode: "500", ResponseMessage: "ShortCode is not registered" }],
  ])("was not told where the answer is %s, and is asked for again", async (_, status, body) => {
    network.pull = () => Response.json(body, { status });
    await runLater();
    expect(await doneTo()).toBeLessThan(NOW);
  });
});

describe("M-Pesa's statement of a busy shortcode", () => {
  const strangers = (count: number, at = NOW - 3_600_000): StatementLine[] =>
    Array.from({ length: count }, () => ({
      receipt: newReceipt(),
      phone: newPhone(),
      amount: 5,
      reference: "OTHER",
      at,
    }));

  it("is read in parts where it has more lines than fit, and gets to its end", async () => {
    const [phone, receipt] = [newPhone(), newReceipt()];
    const pushed = await unclearPush(phone);
    const full = statement(strangers(100));
    const proof = statement([{ receipt, phone, amount: 150, reference: "ORDER_1" }]);
    network.pull = (sent) => {
      const { StartDate = "", EndDate = "" } = said(sent);
      const [from, to] = [StartDate, EndDate].map((date) => Date.parse(`${date.replace(" ", "T")}+03:00`));
      if ((to ?? 0) - (from ?? 0) > 1_800_000) return full();
      return (to ?? 0) >= NOW ? proof() : statement([])();
    };
    await runLater();
    expect(await readTransaction(merchant.key, pushed.transaction_id)).toMatchObject({
      mpesa_receipt: receipt,
    });
    const [pulled] = await rows<{ done_to: number }>("SELECT done_to FROM progress WHERE work = 'pull'");
    expect(pulled?.done_to).toBe(NOW + 120_000);
  });

  it("settles what is new though hundreds of older lines fit nothing", async () => {
    const [phone, receipt] = [newPhone(), newReceipt()];
    const pushed = await unclearPush(phone);
    const lines = [
      ...strangers(250),
      { receipt, phone, amount: 150, reference: "ORDER_1", at: NOW + 20_000 },
    ];
    network.pull = (sent) => {
      const offset = Number(said(sent).OffSetValue);
      return mpesaStatement(lines.slice(offset, offset + 100))();
    };
    await runLater();
    expect(await readTransaction(merchant.key, pushed.transaction_id)).toMatchObject({
      mpesa_receipt: receipt,
    });
  });
});

describe("a callback that met a fault of ours", () => {
  it("is kept, and tried again by the cron", async () => {
    const { body } = await push(merchant.key);
    const receipt = newReceipt();
    const url = new URL(network.pushes[0]?.CallBackURL ?? "").pathname;
    let faults = 0;
    const failing = new Proxy(env.DB, {
      get(target, name) {
        const value = Reflect.get(target, name);
        if (name === "batch") {
          return (statements: D1PreparedStatement[]) => {
            if (faults++ === 0) throw new Error("a fault of ours");
            return target.batch(statements);
          };
        }
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const answer = await request(url, { body: paid(body, { receipt }), env: { DB: failing } });
    expect(answer.status).toBe(200);
    expect(await readTransaction(merchant.key, body.transaction_id)).toMatchObject({ status: "pending" });
    await tick();
    expect(await readTransaction(merchant.key, body.transaction_id)).toMatchObject({
      mpesa_receipt: receipt,
    });
    expect(await balance()).toBe(150);
  });

  /** The payment's callback, which met a fault: it is kept, to be tried again. */
  async function keptForLater() {
    const { body: ids } = await push(merchant.key);
    const url = network.pushes.at(-1)?.CallBackURL ?? "";
    const DB = lossyDatabase(/update "transactions"/i, { before: true, times: 3 });
    await callBack(url, paid(ids), { ...PAYING, DB });
    expect(await keptCallbacks({ id: ids.transaction_id })).toMatchObject([{ verdict: "not_processed" }]);
    return ids.transaction_id;
  }

  it("is not held up by 51 results of payouts that the database does not know", async () => {
    const unknown = Array.from({ length: 51 }, () => ({
      merchantId: storedMerchantId(merchant.merchantId),
      id: newPayoutId(NOW),
    }));
    const deps = { publicBaseUrl: "https://pay.test", appSecret: env.APP_SECRET };
    for (const ref of unknown) {
      const { resultUrl } = await resultUrls(deps, ref, 1);
      expect((await answerTo(resultUrl, b2cPaid())).status).toBe(200);
    }
    vi.setSystemTime(NOW + 1_000);
    const payment = await keptForLater();
    await tick(PAYING);
    expect(await readTransaction(merchant.key, payment)).toMatchObject({ status: "completed" });

    const one = { id: unknown[0]?.id ?? "" };
    expect(await keptCallbacks(one)).toMatchObject([{ verdict: "unknown_payout", open: 1 }]);
    expect(await toldOperator(one)).toHaveLength(1);
    const { body: waiting } = await asOperator("/unmatched");
    const found = waiting.callbacks.find(({ reference }: { reference: string }) => reference === one.id);
    expect(found).toMatchObject({ verdict: "unknown_payout" });
    expect((await ruleOn(found.subject, { decision: "dismiss" })).status).toBe(201);
  });

  it("is not held up by 51 that can never be worked on, of which the operator is told once", async () => {
    await rows(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 51)
       INSERT INTO inbound_callbacks (reference, id, merchant_id, source, body, verdict, open, received_at)
       SELECT printf('tx_%032x', i), 'a1', ?, 'stk', 'no result', 'not_processed', 1, ? FROM n`,
      merchant.merchantId,
      NOW,
    );
    const tickAt = async (minutes: number) => {
      vi.setSystemTime(NOW + minutes * 60_000);
      await tick(PAYING);
    };
    vi.setSystemTime(NOW + 1_000);
    const payment = await keptForLater();
    await tickAt(1);
    await tickAt(2);
    expect(await readTransaction(merchant.key, payment)).toMatchObject({ status: "completed" });

    const told = () =>
      rows<{ body: string }>("SELECT body FROM notices WHERE id LIKE 'alert:callbacks_stuck:%'");
    expect(await told()).toEqual([]);
    await tickAt(11);
    await tickAt(12);
    expect(await told()).toMatchObject([{ body: expect.stringContaining("51 callbacks met a fault") }]);
    await rows("DELETE FROM inbound_callbacks WHERE body = 'no result'");
  });
});
