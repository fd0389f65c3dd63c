import { env } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { newMerchant, newPhone, paid, request, rows, tick, walletBalance } from "../../support/gateway.ts";
import { lossyDatabase } from "../../support/lossy.ts";
import { freshNetwork, type Network, said } from "../../support/network.ts";
import {
  answerTo,
  b2bPaid,
  b2cPaid,
  collect,
  consume,
  keptCallbacks,
  lastPaymentRequest,
  ledgerOf,
  merchantPaidTo,
  noSuchTransaction,
  owe,
  PAYING,
  payoutFailed,
  payoutRow,
  queuedPayout,
  spend,
  wallet,
} from "../../support/payouts.ts";

/** D1 carries a write out, and its answer is lost: whoever asked cannot know, and money must not move twice. */

const MINUTE = 60_000;
let network: Network;
let start: number;
beforeEach(async () => {
  network = freshNetwork();
  await rows("UPDATE payouts SET due_at = NULL");
  await rows("UPDATE transactions SET due_at = NULL");
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  start = Date.now();
});

const ownPaybill = () => ({
  method: "paybill",
  paybill_number: "888880",
  account_number: crypto.randomUUID().slice(0, 18),
});
const requests = () => network.to("/paymentrequest").map(said);
const tickAt = async (ms: number) => {
  vi.setSystemTime(start + ms);
  await tick(PAYING);
};
const verify = async () =>
  (
    await request("/operator/v1/ledger/verify", {
      headers: { Authorization: `Bearer ${env.OPERATOR_TOKEN}` },
    })
  ).status;

const CLAIM = /update "payouts" set .*"sent_at" = /s;
const ACKNOWLEDGEMENT =
  /update "payouts" set .*"conversation_id" = \?, "daraja_originator_id" = \?, "due_at"/s;
const MOVE = /update "payouts" set .*"finished_at"/s;
const SETTLEMENT = /update "transactions" set .*"completed_at"/s;
const WITHDRAWAL = /insert into "payouts"/;

/** Lost once; lost until the caller gives up; never carried out. */
const LOSSES: [string, { times?: number; before?: boolean }][] = [
  ["answer once", {}],
  ["answer twice", { times: 2 }],
  ["answer every time", { times: 99 }],
  ["request once", { before: true }],
];

describe.each(LOSSES)("when D1 loses the %s", (_, loss) => {
  const isKnown = (loss.times ?? 1) < 3;

  it("of a settlement, the payment is credited, held and paid out once", async () => {
    const merchant = await merchantPaidTo({ method: "phone", phone: newPhone() });
    const body = { phone: newPhone(), amount: 150 };
    const { body: ids } = await request("/v1/stk/push", { key: merchant.key, body, env: PAYING });
    const DB = lossyDatabase(SETTLEMENT, loss);
    const answer = await answerTo(network.pushes.at(-1)?.CallBackURL, paid(ids), { DB });
    expect([answer.status, DB.losses()]).toEqual([200, Math.min(loss.times ?? 1, 3)]);
    expect(await wallet(merchant)).toEqual({ balance: 0, held: 150, owed: 0 });
    expect((await ledgerOf(ids.transaction_id)).map((row) => row.kind)).toEqual(["collection", "hold"]);
    await tickAt(MINUTE);
    expect(requests()).toHaveLength(1);
    expect(await verify()).toBe(200);
  });

  it("of a claim, a B2C payout is sent once", async () => {
    const payout = await queuedPayout(network);
    const DB = lossyDatabase(CLAIM, loss);
    await consume([payout], { DB });
    expect(DB.losses()).toBeGreaterThan(0);
    expect(requests()).toHaveLength(isKnown ? 1 : 0);
    if (!isKnown) {
      // M-Pesa says that it never had it, twice: only then it goes out, under the id that was claimed.
      for (const minute of [1, 2]) {
        await tickAt(minute * MINUTE);
        await answerTo(said(network.to("/transactionstatus/").at(-1)).ResultURL, noSuchTransaction());
      }
      await tickAt(2 * MINUTE + 1);
    }
    expect(requests()).toHaveLength(1);
    expect((await payoutRow(payout)).originator_id).toBe(requests()[0]?.OriginatorConversationID);
  });

  it("of a claim, a B2B payout is sent once, or waits", async () => {
    const payout = await queuedPayout(network, ownPaybill(), { over: { ROUTING: "settle" } });
    await consume([payout], { DB: lossyDatabase(CLAIM, loss) });
    for (const minute of [1, 5, 60]) await tickAt(minute * MINUTE);
    expect(requests()).toHaveLength(isKnown ? 1 : 0);
    expect((await payoutRow(payout)).status).toBe(isKnown ? "sent" : "sending");
    expect(await wallet(payout.merchant)).toEqual({ balance: 0, held: 150, owed: 0 });
  });

  it("of an acknowledgement, the payout is not sent again, and its result pays it", async () => {
    for (const [destination, result] of [[undefined, b2cPaid] as const, [ownPaybill(), b2bPaid] as const]) {
      start = Date.now();
      const payout = await queuedPayout(network, destination);
      const ids = network.acknowledged();
      network.b2c = network.b2b = () => Response.json(ids);
      const before = requests().length;
      const DB = lossyDatabase(ACKNOWLEDGEMENT, loss);
      await consume([payout], { DB });
      expect(DB.losses()).toBeGreaterThan(0);
      const { ResultURL } = lastPaymentRequest(network);
      await tickAt(MINUTE);
      await tickAt(10 * MINUTE);
      expect(requests()).toHaveLength(before + 1);
      await answerTo(ResultURL, result(ids));
      expect(await payoutRow(payout)).toMatchObject({ status: "paid" });
      expect(await wallet(payout.merchant)).toEqual({ balance: 0, held: 0, owed: 0 });
    }
  });

  it.each([
    ["paid", b2cPaid, "paid_out", { balance: 0, held: 0, owed: 0 }],
    [
      "failed",
      (ids: object) => payoutFailed(2040, "Not registered.", ids),
      "given_back",
      { balance: 150, held: 0, owed: 0 },
    ],
  ] as const)("of a result that says %s, it is booked once", async (_, result, kind, figures) => {
    const payout = await queuedPayout(network);
    const ids = network.acknowledged();
    network.b2c = () => Response.json(ids);
    await consume([payout]);
    const DB = lossyDatabase(MOVE, loss);
    const answer = await answerTo(lastPaymentRequest(network).ResultURL, result(ids), { DB });
    expect([answer.status, DB.losses()]).toEqual([200, Math.min(loss.times ?? 1, 3)]);
    expect(await wallet(payout.merchant)).toEqual(figures);
    expect((await ledgerOf(payout.id)).map((row) => row.kind)).toEqual([kind]);
    expect(await keptCallbacks(payout)).toHaveLength(1);
    expect(await verify()).toBe(200);
  });

  it("of a withdrawal, its money is held once, and asking again gives the first answer", async () => {
    const merchant = await newMerchant();
    const phone = newPhone();
    await rows("INSERT INTO verified_phones VALUES (?, ?, 0)", phone, merchant.merchantId);
    await collect(network, merchant, 150);
    const withdraw = (over: object) =>
      request("/v1/account/withdrawals", {
        key: merchant.key,
        headers: { "Idempotency-Key": "rent" },
        body: { amount: 100, phone },
        env: { ...PAYING, ...over },
      });
    const DB = lossyDatabase(WITHDRAWAL, loss);
    const first = await withdraw({ DB });
    expect(first.status).toBe(isKnown ? 201 : 503);
    const second = await withdraw({});
    expect(second.status).toBe(201);
    if (isKnown) expect(second.body).toEqual(first.body);
    expect(await wallet(merchant)).toEqual({ balance: 50, held: 100, owed: 0 });
    await tickAt(MINUTE);
    expect(requests()).toHaveLength(1);
    expect(await verify()).toBe(200);
  });

  it("of a reversal, it is recorded once", async () => {
    const merchant = await newMerchant();
    const id = await collect(network, merchant, 150);
    const [row] = await rows<{ mpesa_receipt: string }>(
      "SELECT mpesa_receipt FROM transactions WHERE id = ?",
      id,
    );
    const reverse = (over: object) =>
      request("/operator/v1/reversals", {
        headers: { Authorization: `Bearer ${env.OPERATOR_TOKEN}` },
        body: { receipt: row?.mpesa_receipt, reason: "Safaricom." },
        env: { ...PAYING, ...over },
      });
    await reverse({ DB: lossyDatabase(/update "transactions" set "reversed_at"/, loss) });
    expect((await reverse({})).status).toBe(400);
    expect(await walletBalance(merchant)).toBe(0);
    expect((await ledgerOf(id)).map((entry) => entry.kind)).toEqual(["collection", "reversal"]);
  });
});

it("a claim that another sender won is not taken for ours where the answer is lost", async () => {
  const payout = await queuedPayout(network);
  const DB = lossyDatabase(CLAIM, { before: true, onLoss: () => consume([payout]) });
  await consume([payout], { DB });
  expect(DB.losses()).toBe(1);
  expect(requests()).toHaveLength(1);
  expect((await payoutRow(payout)).status).toBe("sent");
});

describe("what changes between the read and the write is not reckoned with as it was", () => {
  async function sentPayout() {
    const payout = await queuedPayout(network);
    const ids = network.acknowledged();
    network.b2c = () => Response.json(ids);
    await consume([payout]);
    return { ...payout, ids, url: lastPaymentRequest(network).ResultURL };
  }

  it("a give-back pays what the merchant has come to owe", async () => {
    const { merchant, ids, url, id } = await sentPayout();
    const DB = lossyDatabase(MOVE, { before: true, onLoss: () => owe(merchant, 40) });
    await answerTo(url, payoutFailed(2040, "Not registered.", ids), { DB });
    expect(await wallet(merchant)).toEqual({ balance: 110, held: 0, owed: 0 });
    expect((await ledgerOf(id)).map((row) => row.kind)).toEqual(["given_back", "given_back_repayment"]);
  });

  it("an earlier attempt that turns out to be paid is not given back with the failure of a later one", async () => {
    const { merchant, ids, url, id } = await sentPayout();
    await answerTo(url, payoutFailed(17, "Same.", ids));
    await tickAt(3 * MINUTE);
    const proof = () => answerTo(url, b2cPaid({ ...ids, receipt: "UKOEARLY01" }));
    const DB = lossyDatabase(MOVE, { before: true, onLoss: proof });
    await answerTo(lastPaymentRequest(network).ResultURL, payoutFailed(2040, "Not registered.", ids), { DB });
    expect(DB.losses()).toBe(1);
    expect(await payoutRow({ id })).toMatchObject({ status: "paid", receipt: "UKOEARLY01" });
    expect(await wallet(merchant)).toEqual({ balance: 0, held: 0, owed: 0 });
    expect((await ledgerOf(id)).map((row) => row.kind)).toEqual(["paid_out"]);
  });

  it("an acknowledgement keeps its ids where an earlier attempt turns out to be paid meanwhile", async () => {
    const { ids, url, id } = await sentPayout();
    await answerTo(url, payoutFailed(17, "Same.", ids));
    network.b2c = async () => {
      await answerTo(url, b2cPaid(ids));
      return Response.json(ids);
    };
    await tickAt(3 * MINUTE);
    expect(await payoutRow({ id })).toMatchObject({ status: "sent", conversation_id: ids.ConversationID });
  });

  it("a late proof takes what the wallet still holds, and the rest is owed", async () => {
    const { merchant, ids, url, id } = await sentPayout();
    await answerTo(url, payoutFailed(2040, "Not registered.", ids));
    const DB = lossyDatabase(MOVE, { before: true, onLoss: () => spend(merchant, 100) });
    await answerTo(url, b2cPaid(ids), { DB });
    expect(await payoutRow({ id })).toMatchObject({ status: "paid" });
    expect(await wallet(merchant)).toEqual({ balance: 0, held: 0, owed: 100 });
  });

  it("a payment pays what the merchant has come to owe", async () => {
    const merchant = await newMerchant();
    const DB = lossyDatabase(SETTLEMENT, { before: true, onLoss: () => owe(merchant, 40) });
    await collect(network, merchant, 150, { DB });
    expect(await wallet(merchant)).toEqual({ balance: 110, held: 0, owed: 0 });
  });

  it("a result that another copy has booked meanwhile is booked once", async () => {
    const { merchant, ids, url, id } = await sentPayout();
    const failure = payoutFailed(2040, "Not registered.", ids);
    const DB = lossyDatabase(MOVE, { before: true, onLoss: () => answerTo(url, failure) });
    await answerTo(url, failure, { DB });
    expect(await wallet(merchant)).toEqual({ balance: 150, held: 0, owed: 0 });
    expect((await ledgerOf(id)).map((row) => row.kind)).toEqual(["given_back"]);
  });

  it("a receipt that another payout has got meanwhile proves nothing", async () => {
    const [first, second] = [await sentPayout(), await sentPayout()];
    const body = (ids: object) => b2cPaid({ ...ids, receipt: "UKOSAME001" });
    const DB = lossyDatabase(MOVE, { before: true, onLoss: () => answerTo(second.url, body(second.ids)) });
    await answerTo(first.url, body(first.ids), { DB });
    expect([(await payoutRow(first)).status, (await payoutRow(second)).status]).toEqual(["sent", "paid"]);
    expect(await keptCallbacks(first)).toMatchObject([{ verdict: "receipt_reused", open: 1 }]);
  });

  it("late proofs and withdrawals at once leave nothing below zero and nothing unaccounted for", async () => {
    const { merchant, ids, url, id } = await sentPayout();
    const phone = newPhone();
    await rows("INSERT INTO verified_phones VALUES (?, ?, 0)", phone, merchant.merchantId);
    await answerTo(url, payoutFailed(2040, "Not registered.", ids));
    const withdrawal = () =>
      request("/v1/account/withdrawals", {
        key: merchant.key,
        headers: { "Idempotency-Key": crypto.randomUUID() },
        body: { amount: 40, phone },
        env: PAYING,
      });
    await Promise.all([withdrawal(), withdrawal(), answerTo(url, b2cPaid(ids)), withdrawal(), withdrawal()]);
    expect(await payoutRow({ id })).toMatchObject({ status: "paid" });
    const [figures] = await rows<{ balance: number; held: number; owed: number }>(
      "SELECT * FROM wallets WHERE merchant_id = ?",
      merchant.merchantId,
    );
    expect((figures?.balance ?? 0) + (figures?.held ?? 0) - (figures?.owed ?? 0)).toBe(0);
  });
});
