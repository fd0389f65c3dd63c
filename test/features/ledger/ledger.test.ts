import { env } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createDeps } from "../../../src/deps.ts";
import { sealLedger } from "../../../src/features/ledger/seal.ts";
import { verifyLedger } from "../../../src/features/ledger/verify.ts";
import { interceptedDatabase } from "../../support/database.ts";
import { type Merchant, newMerchant, newPhone, request, rows } from "../../support/gateway.ts";
import { lossyDatabase } from "../../support/lossy.ts";
import { freshNetwork, type Network } from "../../support/network.ts";
import {
  answerTo,
  b2cPaid,
  collect,
  consume,
  lastPaymentRequest,
  ledgerOf,
  merchantPaidTo,
  PAYING,
  payoutFailed,
  queuedPayout,
  spend,
  wallet,
} from "../../support/payouts.ts";

const times = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));

let network: Network;
beforeEach(async () => {
  network = freshNetwork();
  for (const table of ["ledger_entries", "ledger_seals", "payouts", "transactions"])
    await rows(`DELETE FROM ${table}`);
  await rows("UPDATE wallets SET balance = 0, held = 0, owed = 0");
});

const asOperator = (path: string, body?: object, token = env.OPERATOR_TOKEN, over: object = {}) =>
  request(`/operator/v1${path}`, {
    headers: { Authorization: `Bearer ${token}` },
    body,
    env: { ...PAYING, ...over },
  });
const verify = () => asOperator("/ledger/verify");
const seal = () => sealLedger(createDeps({ ...env, ...PAYING }, { waitUntil: () => undefined }));
const entries = () => rows<{ seq: number }>("SELECT * FROM ledger_entries ORDER BY seq");
const seals = () =>
  rows<{ id: number; from_seq: number; to_seq: number; hash: string }>(
    "SELECT * FROM ledger_seals ORDER BY id",
  );

/** Books with each kind of story in them: a wallet's, one paid out, one given back, one under way. */
async function keepBooks() {
  const merchant = await newMerchant();
  const collected = await collect(network, merchant, 500);
  const [paid, failed, open] = [
    await queuedPayout(network),
    await queuedPayout(network),
    await queuedPayout(network),
  ];
  for (const payout of [paid, failed, open]) {
    const ids = network.acknowledged();
    network.b2c = () => Response.json(ids);
    await consume([payout]);
    const url = lastPaymentRequest(network).ResultURL;
    if (payout === paid) await answerTo(url, b2cPaid(ids));
    if (payout === failed) await answerTo(url, payoutFailed(2040, "Not registered.", ids));
  }
  return { merchant, collected, paid, failed, open };
}

describe("GET /operator/v1/ledger/verify", () => {
  it("tells balances, how far the chain reaches, and its head", async () => {
    const { merchant, failed, open } = await keepBooks();
    await seal();
    const answer = await verify();
    const [last] = (await seals()).slice(-1);
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        success: true,
        intact: true,
        entries: 9,
        sealed_to: 9,
        head: last?.hash,
        balances: {
          [`held:${failed.merchant.merchantId}`]: 0,
          [`held:${open.merchant.merchantId}`]: 150,
          mpesa: 800,
          [`wallet:${failed.merchant.merchantId}`]: 150,
          [`wallet:${merchant.merchantId}`]: 500,
          ...Object.fromEntries(Object.entries(answer.body.balances).filter(([, amount]) => amount === 0)),
        },
      },
    ]);
  });

  it("holds on empty books, and on rows that are not sealed yet", async () => {
    expect((await verify()).body).toMatchObject({
      intact: true,
      entries: 0,
      sealed_to: 0,
      head: "0".repeat(64),
    });
    await keepBooks();
    expect((await verify()).body).toMatchObject({ intact: true, entries: 9, sealed_to: 0 });
  });

  it("holds while money moves and seals are added", async () => {
    const merchant = await newMerchant();
    await collect(network, merchant, 10);
    const moves = times(10, (i) => collect(network, merchant, 10 + i).then(seal));
    const answers = await Promise.all(moves.flatMap((move) => [move.then(verify), verify()]));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]));
  });

  it("asks the database no more often for hundreds of seals than for one", async () => {
    for (let seq = 1; seq <= 300; seq++) {
      await rows(
        `INSERT INTO ledger_entries (seq, reference, kind, merchant_id, debit, credit, amount, created_at)
         VALUES (?, ?, 'test', 1, 'mpesa', 'fees', 10, 1)`,
        seq,
        `ref_${seq}`,
      );
      await seal();
    }
    const calls: string[] = [];
    const DB = interceptedDatabase((sql, call) => {
      calls.push(sql);
      return call();
    });
    const report = await verifyLedger(createDeps({ ...env, ...PAYING, DB }, { waitUntil: () => undefined }));
    expect(report).toMatchObject({ intact: true, entries: 300, sealed_to: 300 });
    expect(calls.length).toBeLessThan(10);
  });

  it("is the operator's alone", async () => {
    expect((await request("/operator/v1/ledger/verify")).body.error_code).toBe("MISSING_AUTH");
    const { key } = await newMerchant();
    expect((await asOperator("/ledger/verify", undefined, key)).body.error_code).toBe("INVALID_API_KEY");
  });

  type Books = Awaited<ReturnType<typeof keepBooks>>;
  const lastSeq = "(SELECT max(seq) FROM ledger_entries)";

  it.each<[string, (books: Books) => [string, ...unknown[]][], RegExp]>([
    [
      "an entry's amount",
      () => [["UPDATE ledger_entries SET amount = 501 WHERE seq = 1"]],
      /ledger_seals\.id 1/,
    ],
    [
      "an entry's account",
      (b) => [["UPDATE ledger_entries SET credit = ? WHERE seq = 1", `wallet:${b.open.merchant.merchantId}`]],
      /ledger_seals\.id 1/,
    ],
    [
      "an entry's reference",
      () => [["UPDATE ledger_entries SET reference = 'tx_other' WHERE seq = 1"]],
      /ledger_seals\.id 1/,
    ],
    [
      "an entry's kind",
      () => [["UPDATE ledger_entries SET kind = 'gift' WHERE seq = 1"]],
      /ledger_seals\.id 1/,
    ],
    [
      "an entry's merchant",
      () => [["UPDATE ledger_entries SET merchant_id = 1 WHERE seq = 1"]],
      /ledger_seals\.id 1/,
    ],
    [
      "an entry's time",
      () => [["UPDATE ledger_entries SET created_at = 1 WHERE seq = 1"]],
      /ledger_seals\.id 1/,
    ],
    ["a missing entry", () => [["DELETE FROM ledger_entries WHERE seq = 3"]], /ledger_entries\.seq 3/],
    ["a missing first entry", () => [["DELETE FROM ledger_entries WHERE seq = 1"]], /ledger_entries\.seq 1/],
    [
      "a missing last entry, with its wallet and its payment made to fit",
      (b) => [
        [`DELETE FROM ledger_entries WHERE seq = ${lastSeq}`],
        [`DELETE FROM ledger_entries WHERE seq = ${lastSeq}`],
        ["DELETE FROM payouts WHERE id = ?", b.open.id],
        [
          "UPDATE transactions SET status = 'pending', mpesa_receipt = NULL WHERE id = ?",
          b.open.id.replace("po_", "tx_"),
        ],
        ["UPDATE wallets SET held = 0 WHERE merchant_id = ?", b.open.merchant.merchantId],
      ],
      /ledger_seals\.id 1/,
    ],
    [
      "an entry from nowhere",
      (b) => [
        [
          `INSERT INTO ledger_entries VALUES (NULL, 'x', 'gift', ?, 'mpesa', ?, 1000, 0)`,
          b.merchant.merchantId,
          `wallet:${b.merchant.merchantId}`,
        ],
      ],
      /wallets\.merchant_id \d+/,
    ],
    [
      "a collection from nowhere, with its wallet made to fit",
      (b) => [
        [
          "INSERT INTO ledger_entries VALUES (NULL, 'tx_x', 'collection', ?, 'mpesa', ?, 1000, 0)",
          b.merchant.merchantId,
          `wallet:${b.merchant.merchantId}`,
        ],
        ["UPDATE wallets SET balance = balance + 1000 WHERE merchant_id = ?", b.merchant.merchantId],
      ],
      /ledger_entries\.seq 10/,
    ],
    [
      "an account of nobody's",
      () => [["INSERT INTO ledger_entries VALUES (NULL, 'x', 'gift', 1, 'mpesa', 'wallet:99', 5, 0)"]],
      /wallet:99/,
    ],
    [
      "a wallet's balance",
      (b) => [["UPDATE wallets SET balance = balance + 1 WHERE merchant_id = ?", b.merchant.merchantId]],
      /wallets\.merchant_id/,
    ],
    [
      "what a wallet holds",
      (b) => [["UPDATE wallets SET held = 149 WHERE merchant_id = ?", b.open.merchant.merchantId]],
      /wallets\.merchant_id/,
    ],
    [
      "what a wallet owes",
      (b) => [["UPDATE wallets SET owed = 1 WHERE merchant_id = ?", b.merchant.merchantId]],
      /wallets\.merchant_id/,
    ],
    [
      "a missing wallet",
      (b) => [["DELETE FROM wallets WHERE merchant_id = ?", b.merchant.merchantId]],
      /wallet:\d+/,
    ],
    ["a seal's hash", () => [["UPDATE ledger_seals SET hash = ?", "f".repeat(64)]], /ledger_seals\.id 1/],
    [
      "a seal's link",
      () => [["UPDATE ledger_seals SET previous_hash = ?", "f".repeat(64)]],
      /ledger_seals\.id 1/,
    ],
    ["a seal's beginning", () => [["UPDATE ledger_seals SET from_seq = 0"]], /ledger_seals\.id 1/],
    ["a seal's later beginning", () => [["UPDATE ledger_seals SET from_seq = 2"]], /ledger_seals\.id 1/],
    ["a seal's end", () => [["UPDATE ledger_seals SET to_seq = 8"]], /ledger_seals\.id 1/],
    [
      "a seal's end behind the last row",
      () => [["UPDATE ledger_seals SET to_seq = 80"]],
      /ledger_seals\.id 1/,
    ],
    [
      "the amount of a payout under way",
      (b) => [["UPDATE payouts SET amount = 149 WHERE id = ?", b.open.id]],
      /payouts\.id|wallets\.merchant_id/,
    ],
    [
      "the amount of a payout that was paid",
      (b) => [["UPDATE payouts SET amount = 149 WHERE id = ?", b.paid.id]],
      /payouts\.id po_/,
    ],
    [
      "a paid payout that is called failed",
      (b) => [["UPDATE payouts SET status = 'failed' WHERE id = ?", b.paid.id]],
      /payouts\.id po_/,
    ],
    [
      "a failed payout that is called paid",
      (b) => [["UPDATE payouts SET status = 'paid' WHERE id = ?", b.failed.id]],
      /payouts\.id po_/,
    ],
    [
      "a paid payout that is queued again",
      (b) => [["UPDATE payouts SET status = 'queued' WHERE id = ?", b.paid.id]],
      /payouts\.id|wallets\.merchant_id/,
    ],
    [
      "a payout under way that is called failed",
      (b) => [["UPDATE payouts SET status = 'failed' WHERE id = ?", b.open.id]],
      /payouts\.id po_/,
    ],
    [
      "a payment's amount",
      (b) => [["UPDATE transactions SET amount = 501 WHERE id = ?", b.collected]],
      /ledger_entries\.seq 1/,
    ],
    [
      "a payment's status",
      (b) => [["UPDATE transactions SET status = 'failed', mpesa_receipt = NULL WHERE id = ?", b.collected]],
      /ledger_entries\.seq 1/,
    ],
    [
      "a missing payment",
      (b) => [["DELETE FROM transactions WHERE id = ?", b.collected]],
      /ledger_entries\.seq 1/,
    ],
  ])("finds %s, and names it", async (_, tamper, where) => {
    const books = await keepBooks();
    await seal();
    expect((await verify()).status).toBe(200);
    const lost = await rows("SELECT * FROM wallets WHERE merchant_id = ?", books.merchant.merchantId);
    for (const [sql, ...values] of tamper(books)) await rows(`${sql}`, ...values);
    const answer = await verify();
    expect([answer.status, answer.body.error_code]).toEqual([409, "LEDGER_BROKEN"]);
    expect(answer.body.message).toMatch(where);
    // A wallet is never made anew by itself.
    if ((await wallet(books.merchant)) === undefined) {
      await rows(`INSERT INTO wallets VALUES (${Object.values(lost[0] ?? {}).join()})`);
    }
  });

  it("finds a seal that is missing between others, and one that was forged without its neighbours", async () => {
    const merchant = await newMerchant();
    for (let i = 0; i < 4; i++) {
      await collect(network, merchant, 100);
      await seal();
    }
    const before = await seals();
    expect(before).toHaveLength(4);
    expect((await verify()).status).toBe(200);
    for (const id of [1, 2, 3]) {
      const row = Object.values(before[id - 1] ?? {});
      await rows("DELETE FROM ledger_seals WHERE id = ?", id);
      expect((await verify()).body.message).toMatch(/ledger_seals\.id \d/);
      await rows(`INSERT INTO ledger_seals VALUES (${row.map(() => "?").join()})`, ...row);
    }
    expect((await verify()).status).toBe(200);
  });
});

describe("the seal", () => {
  it("covers every row once, in links that meet, however many runs there are at once", async () => {
    const merchant = await newMerchant();
    for (let i = 0; i < 5; i++) {
      await collect(network, merchant, 100);
      await Promise.all(times(5, seal));
    }
    await seal();
    const links = await seals();
    expect(links.map((link) => link.id)).toEqual(times(links.length, (i) => i + 1));
    expect(links[0]?.from_seq).toBe(1);
    links.slice(1).forEach((link, i) => {
      expect(link.from_seq).toBe((links[i]?.to_seq ?? 0) + 1);
    });
    expect(links.at(-1)?.to_seq).toBe((await entries()).length);
    expect((await verify()).body).toMatchObject({ intact: true, sealed_to: 5 });
  });

  it("covers thousands of rows, a few hundred a link", async () => {
    const merchant = await newMerchant();
    await rows(
      `INSERT INTO ledger_entries (reference, kind, merchant_id, debit, credit, amount, created_at)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1777)
       SELECT 'r' || i, 'adjustment', ?, 'mpesa', ?, 1, 0 FROM n`,
      merchant.merchantId,
      `wallet:${merchant.merchantId}`,
    );
    await rows("UPDATE wallets SET balance = 1777 WHERE merchant_id = ?", merchant.merchantId);
    await seal();
    expect((await verify()).body).toMatchObject({ intact: true, entries: 1_777, sealed_to: 1_777 });
    await rows("UPDATE ledger_entries SET amount = 2 WHERE seq = 1500");
    expect((await verify()).body.message).toMatch(/ledger_seals\.id 3/);
  });

  it("is written to the log, which nobody can rewrite with the database", async () => {
    const log = vi.spyOn(console, "log");
    await collect(network, await newMerchant(), 100);
    await seal();
    const [link] = await seals();
    const lines = log.mock.calls.map(([line]) => String(line));
    expect(lines.find((line) => line.includes("ledger_sealed"))).toContain(link?.hash.slice(0, 40));
  });
});

describe("a reversal by Safaricom", () => {
  const receiptOf = async (id: string) =>
    (await rows<{ mpesa_receipt: string }>("SELECT mpesa_receipt FROM transactions WHERE id = ?", id))[0]
      ?.mpesa_receipt;
  const reverse = (receipt: string | undefined) =>
    asOperator("/reversals", { receipt, reason: "Safaricom." });

  async function collected(
    amount: number,
  ): Promise<{ merchant: Merchant; id: string; receipt: string | undefined }> {
    const merchant = await newMerchant();
    const id = await collect(network, merchant, amount);
    return { merchant, id, receipt: await receiptOf(id) };
  }

  it("debits the wallet", async () => {
    const { merchant, id, receipt } = await collected(150);
    await collect(network, merchant, 50);
    const answer = await reverse(receipt);
    expect([answer.status, answer.body.reversal]).toEqual([
      201,
      { transaction_id: id, amount: 150, taken: 150, owed: 0 },
    ]);
    expect(await wallet(merchant)).toEqual({ balance: 50, held: 0, owed: 0 });
    expect((await ledgerOf(id)).map((row) => row.kind)).toEqual(["collection", "reversal"]);
    expect((await verify()).status).toBe(200);
  });

  it("of money that was paid out is owed, and later credits pay it", async () => {
    const merchant = await merchantPaidTo({ method: "phone", phone: newPhone() });
    const id = await collect(network, merchant, 150);
    const answer = await reverse(await receiptOf(id));
    expect(answer.body.reversal).toEqual({ transaction_id: id, amount: 150, taken: 0, owed: 150 });
    expect(await wallet(merchant)).toEqual({ balance: 0, held: 150, owed: 150 });
    await collect(network, merchant, 100);
    expect(await wallet(merchant)).toEqual({ balance: 0, held: 150, owed: 50 });
    expect((await verify()).status).toBe(200);
  });

  it("is recorded once, in ten copies at once", async () => {
    const { merchant, receipt } = await collected(150);
    const answers = await Promise.all(times(10, () => reverse(receipt)));
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, ...times(9, () => 400)]);
    const refused = answers.filter(({ status }) => status === 400);
    expect(refused.map(({ body }) => body.errors?.[0]?.field)).toEqual(times(9, () => "receipt"));
    expect(await wallet(merchant)).toEqual({ balance: 0, held: 0, owed: 0 });
  });

  it("takes what the wallet holds when it is written, not when it was read", async () => {
    const { merchant, id, receipt } = await collected(150);
    await spend(merchant, 100);
    const onLoss = () => collect(network, merchant, 60);
    const DB = lossyDatabase(/update "transactions" set "reversed_at"/, { before: true, onLoss });
    const answer = await asOperator("/reversals", { receipt, reason: "Safaricom." }, env.OPERATOR_TOKEN, {
      DB,
    });
    expect(answer.body.reversal).toEqual({ transaction_id: id, amount: 150, taken: 110, owed: 40 });
    expect(await wallet(merchant)).toEqual({ balance: 0, held: 0, owed: 40 });
  });

  it("holds its own against credits at the same time", async () => {
    const { merchant, receipt } = await collected(150);
    await Promise.all([reverse(receipt), ...times(5, () => collect(network, merchant, 10))]);
    expect(await wallet(merchant)).toEqual({ balance: 50, held: 0, owed: 0 });
    expect((await verify()).status).toBe(200);
  });

  it("of an unknown receipt, or of money that never was on our books, is refused", async () => {
    expect((await reverse("UKO0000000")).body.error_code).toBe("NOT_FOUND");
    const direct = await merchantPaidTo({ method: "till", till_number: "567567" });
    const id = await collect(network, direct, 150, { ROUTING: "direct" });
    expect((await reverse(await receiptOf(id))).body.error_code).toBe("NOT_FOUND");
    for (const receipt of ["", "lower", "x'; --", undefined])
      expect((await reverse(receipt)).status).toBe(400);
  });
});
