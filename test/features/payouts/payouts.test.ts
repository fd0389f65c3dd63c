import { Buffer } from "node:buffer";
import { constants, createPrivateKey, generateKeyPairSync, privateDecrypt } from "node:crypto";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { CERTIFICATE, CERTIFICATE_KEY } from "../../support/certificate.ts";
import {
  newMerchant,
  newPhone,
  newReceipt,
  paid,
  readTransaction,
  request,
  rows,
  tick,
} from "../../support/gateway.ts";
import { broken, darajaError, freshNetwork, html, type Network, said } from "../../support/network.ts";
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
  type Payout,
  payoutFailed,
  payoutRow,
  queuedPayout,
  spend,
  status,
  toldOperator,
  wallet,
} from "../../support/payouts.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const PAYBILL = { method: "paybill", paybill_number: "888880", account_number: "ACC-001/2026" };
const TILL = { method: "till", till_number: "567567" };
const BANK = { method: "bankpaybill", bank_code: "247247", bank_account: "01234567890123" };
/** A paybill that no other test pays, so that nothing unclear stands in the way. */
const ownPaybill = () => ({ ...PAYBILL, account_number: crypto.randomUUID().slice(0, 18) });
const times = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));

let network: Network;
let start: number;
beforeEach(async () => {
  network = freshNetwork();
  // What earlier tests left under way would be moved on too.
  await rows("UPDATE payouts SET due_at = NULL");
  await rows("UPDATE transactions SET due_at = NULL");
  await rows("DELETE FROM notices WHERE id LIKE 'payout_waits:%' OR id LIKE 'payout_not_sent:%'");
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  start = Date.now();
});

async function tickAt(ms: number, over: object = {}): Promise<void> {
  vi.setSystemTime(start + ms);
  await tick({ ...PAYING, ...over });
}

const requests = () => network.count("/paymentrequest");
const questions = () => network.to("/transactionstatus/").map(said);
const urls = () => {
  const { ResultURL, QueueTimeOutURL } = lastPaymentRequest(network);
  return { result: ResultURL, timeout: QueueTimeOutURL };
};
const failureEmails = ({ id }: Payout) =>
  rows<{ recipient: string; body: string }>("SELECT * FROM notices WHERE id = ?", `payout_failed:${id}`);

/** A payout that M-Pesa was asked for, and took. */
async function sentPayout(destination?: object, options?: { amount?: number; over?: object }) {
  const payout = await queuedPayout(network, destination, options);
  const ids = network.acknowledged();
  network.b2c = network.b2b = () => Response.json(ids);
  await consume([payout]);
  return { ...payout, ids, resultUrl: urls().result, timeoutUrl: urls().timeout };
}

/** A payout whose acknowledgement did not come. */
async function unclearPayout(destination?: object) {
  network.b2c = network.b2b = broken("TimeoutError");
  const payout = await queuedPayout(network, destination);
  await consume([payout]);
  network.b2c = network.b2b = () => Response.json(network.acknowledged());
  return { ...payout, resultUrl: urls().result };
}

/** Has the question sent that is due, and M-Pesa answer it. */
async function askedAt(ms: number, answer: () => object) {
  const before = questions().length;
  await tickAt(ms);
  expect(questions()).toHaveLength(before + 1);
  await answerTo(questions().at(-1)?.ResultURL, answer());
}

/** What was collected is neither lost nor doubled: it is in the wallet, held, or gone to the payee. */
async function expectGivenBack(payout: Payout, amount = 150) {
  expect(await wallet(payout.merchant)).toEqual({ balance: amount, held: 0, owed: 0 });
  expect((await ledgerOf(payout.id)).map((row) => row.kind)).toEqual(["given_back"]);
}
async function expectPaid(payout: Payout, receipt?: string) {
  expect(await payoutRow(payout)).toMatchObject({
    status: "paid",
    due_at: null,
    ...(receipt && { receipt }),
  });
  expect(await wallet(payout.merchant)).toEqual({ balance: 0, held: 0, owed: 0 });
  expect(await ledgerOf(payout.id)).toEqual([
    { kind: "paid_out", debit: `held:${payout.merchant.merchantId}`, credit: "mpesa", amount: 150 },
  ]);
}
async function expectUnderWay(payout: Payout) {
  expect(await wallet(payout.merchant)).toEqual({ balance: 0, held: 150, owed: 0 });
  expect(await ledgerOf(payout.id)).toEqual([]);
}

describe("what is collected for a destination elsewhere", () => {
  it("is credited, held and queued in the write that completes the payment", async () => {
    const payout = await queuedPayout(network);
    const { merchantId } = payout.merchant;
    expect(await ledgerOf(payout.id.replace("po_", "tx_"))).toEqual([
      { kind: "collection", debit: "mpesa", credit: `wallet:${merchantId}`, amount: 150 },
      { kind: "hold", debit: `wallet:${merchantId}`, credit: `held:${merchantId}`, amount: 150 },
    ]);
    await expectUnderWay(payout);
    expect(await payoutRow(payout)).toMatchObject({ status: "queued", amount: 150, fee: 0, attempt: 0 });
    expect(requests()).toBe(0);
  });

  it("shows on the payment, from queued over sent to paid", async () => {
    const payout = await queuedPayout(network);
    const shown = async () =>
      (await readTransaction(payout.merchant.key, payout.id.replace("po_", "tx_"))).payout;
    expect(await shown()).toEqual({ status: "queued", amount: 150, receipt: null, reason: null });
    await consume([payout]);
    expect(await shown()).toEqual({ status: "sent", amount: 150, receipt: null, reason: null });
    const receipt = newReceipt();
    await answerTo(
      urls().result,
      b2cPaid({ receipt, OriginatorConversationID: (await payoutRow(payout)).originator_id ?? "" }),
    );
    expect(await shown()).toEqual({ status: "paid", amount: 150, receipt, reason: null });
  });

  it("goes to a phone by B2C v3, under an id of our own", async () => {
    const phone = newPhone();
    const payout = await queuedPayout(network, { method: "phone", phone });
    await consume([payout]);
    const { originator_id } = await payoutRow(payout);
    expect(network.to("/paymentrequest").map((sent) => [new URL(sent.url).pathname, sent.body])).toEqual([
      [
        "/mpesa/b2c/v3/paymentrequest",
        {
          OriginatorConversationID: originator_id,
          InitiatorName: "smartpay",
          SecurityCredential: "c2VhbGVk",
          CommandID: "BusinessPayment",
          Amount: 150,
          PartyA: "600999",
          PartyB: phone,
          Remarks: expect.stringMatching(/^.{2,100}$/),
          QueueTimeOutURL: expect.stringMatching(/^http:\/\/localhost:8787\/cb\//),
          ResultURL: expect.stringMatching(/^http:\/\/localhost:8787\/cb\//),
          Occassion: expect.any(String),
        },
      ],
    ]);
  });

  it.each([
    [
      "a paybill",
      PAYBILL,
      {
        CommandID: "BusinessPayBill",
        RecieverIdentifierType: "4",
        PartyB: "888880",
        AccountReference: "ACC-001/2026",
      },
    ],
    [
      "a bank",
      BANK,
      {
        CommandID: "BusinessPayBill",
        RecieverIdentifierType: "4",
        PartyB: "247247",
        AccountReference: "01234567890123",
      },
    ],
    [
      "a till, as identifier type 2 and without a reference",
      TILL,
      { CommandID: "BusinessBuyGoods", RecieverIdentifierType: "2", PartyB: "567567" },
    ],
  ])("goes to %s by B2B", async (_, destination, own) => {
    const payout = await sentPayout(destination, { over: { ROUTING: "settle" } });
    expect(network.to("/paymentrequest").map((sent) => [new URL(sent.url).pathname, sent.body])).toEqual([
      [
        "/mpesa/b2b/v1/paymentrequest",
        {
          Initiator: "smartpay",
          SecurityCredential: "c2VhbGVk",
          SenderIdentifierType: "4",
          Amount: 150,
          PartyA: "600999",
          Remarks: expect.stringMatching(/^.{2,100}$/),
          QueueTimeOutURL: expect.any(String),
          ResultURL: expect.any(String),
          Occassion: expect.any(String),
          ...own,
        },
      ],
    ]);
    await answerTo(payout.resultUrl, b2bPaid(payout.ids));
    await expectPaid(payout);
  });

  it("never leaves by us where direct routing brings it to the payee", async () => {
    for (const destination of [PAYBILL, TILL, BANK]) {
      const merchant = await merchantPaidTo(destination);
      const id = await collect(network, merchant, 150, { ROUTING: "direct" });
      expect(await ledgerOf(id)).toEqual([]);
      expect((await readTransaction(merchant.key, id)).payout).toBeNull();
      expect(await wallet(merchant)).toEqual({ balance: 0, held: 0, owed: 0 });
    }
    await tickAt(MINUTE);
    expect(requests()).toBe(0);
  });

  it.each(["direct", "settle"])("stays in the wallet for a wallet, with %s routing", async (ROUTING) => {
    const merchant = await newMerchant();
    const id = await collect(network, merchant, 150, { ROUTING });
    expect(await wallet(merchant)).toEqual({ balance: 150, held: 0, owed: 0 });
    expect((await readTransaction(merchant.key, id)).payout).toBeNull();
  });

  it("goes where the key said when the payment began, whatever it says since", async () => {
    const first = newPhone();
    const merchant = await merchantPaidTo({ method: "phone", phone: first });
    const body = { phone: newPhone(), amount: 150 };
    const { body: ids } = await request("/v1/stk/push", { key: merchant.key, body, env: PAYING });
    const put = { key: merchant.key, method: "PUT", body: { method: "phone", phone: newPhone() } };
    await request(`/v1/keys/${merchant.keyId}/destination`, put);
    await answerTo(network.pushes.at(-1)?.CallBackURL, paid(ids));
    await tickAt(SECOND);
    expect(lastPaymentRequest(network).PartyB).toBe(first);
  });

  it.each([
    [9, {}, "minimum"],
    [15, { PAYOUT_FEE_B2C: "6" }, "minimum"],
    [260_000, {}, "maximum"],
  ])("of KES %i stays in the wallet where B2C does not take it, and says so", async (amount, over, word) => {
    const payout = await queuedPayout(network, undefined, { amount, over });
    expect(await payoutRow(payout)).toMatchObject({ status: "failed", amount, due_at: null });
    expect((await payoutRow(payout)).reason).toContain(word);
    expect(await wallet(payout.merchant)).toEqual({ balance: amount, held: 0, owed: 0 });
    await tickAt(MINUTE);
    expect(requests()).toBe(0);
  });

  it("is paid out less the fee, which is held with it and ours once it is paid", async () => {
    const payout = await queuedPayout(network, undefined, { over: { PAYOUT_FEE_B2C: "5" } });
    expect(await wallet(payout.merchant)).toEqual({ balance: 0, held: 150, owed: 0 });
    await consume([payout]);
    expect(lastPaymentRequest(network).Amount).toBe(145);
    const { originator_id } = await payoutRow(payout);
    await answerTo(urls().result, b2cPaid({ amount: 145, OriginatorConversationID: originator_id ?? "" }));
    const held = `held:${payout.merchant.merchantId}`;
    expect(await ledgerOf(payout.id)).toEqual([
      { kind: "paid_out", debit: held, credit: "mpesa", amount: 145 },
      { kind: "payout_fee", debit: held, credit: "fees", amount: 5 },
    ]);
    expect(await wallet(payout.merchant)).toEqual({ balance: 0, held: 0, owed: 0 });
  });

  it("comes back with its fee when the payout fails", async () => {
    const payout = await sentPayout(undefined, { over: { PAYOUT_FEE_B2C: "5" } });
    await answerTo(payout.resultUrl, payoutFailed(2040, "Customer is not registered.", payout.ids));
    await expectGivenBack(payout);
  });

  it("pays what the merchant owes first", async () => {
    const merchant = await merchantPaidTo({ method: "phone", phone: newPhone() });
    await owe(merchant, 100);
    const id = (await collect(network, merchant)).replace("tx_", "po_");
    expect(await payoutRow({ id })).toMatchObject({ status: "queued", amount: 50 });
    expect(await wallet(merchant)).toEqual({ balance: 0, held: 50, owed: 0 });
  });

  it("makes no payout where all of it pays what is owed", async () => {
    const merchant = await merchantPaidTo({ method: "phone", phone: newPhone() });
    await owe(merchant, 200);
    const id = await collect(network, merchant);
    expect((await readTransaction(merchant.key, id)).payout).toBeNull();
    expect(await wallet(merchant)).toEqual({ balance: 0, held: 0, owed: 50 });
  });
});

describe("the security credential", () => {
  const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });

  it.each([
    ["a certificate, though its date is past", CERTIFICATE, createPrivateKey(CERTIFICATE_KEY)],
    ["a public key", pair.publicKey.export({ type: "spki", format: "pem" }), pair.privateKey],
  ])(
    "is the password, sealed by RSA with PKCS #1 v1.5 for whoever holds the key of %s",
    async (_, pem, privateKey) => {
      const payout = await queuedPayout(network);
      await consume([payout], {
        DARAJA_SECURITY_CREDENTIAL: undefined,
        DARAJA_INITIATOR_PASSWORD: "Safaricom999!*!",
        DARAJA_CERTIFICATE: pem,
      });
      const sealed = Buffer.from(lastPaymentRequest(network).SecurityCredential ?? "", "base64");
      expect(sealed).toHaveLength(256);
      const key = { key: privateKey, padding: constants.RSA_PKCS1_PADDING };
      expect(privateDecrypt(key, sealed).toString()).toBe("Safaricom999!*!");
    },
  );

  it("that cannot be made sends nothing: the payout waits, and the operator is told", async () => {
    const payout = await queuedPayout(network);
    await consume([payout], {
      DARAJA_SECURITY_CREDENTIAL: undefined,
      DARAJA_INITIATOR_PASSWORD: "secret",
      // What the prompt of `wrangler secret put` takes of a whole one.
      DARAJA_CERTIFICATE: "-----BEGIN CERTIFICATE-----",
    });
    expect(requests()).toBe(0);
    expect(await payoutRow(payout)).toMatchObject({
      status: "queued",
      reason: expect.stringContaining("The gateway is not set up rightly"),
    });
    expect(await toldOperator(payout)).toMatchObject([
      { body: expect.stringContaining("DARAJA_CERTIFICATE") },
    ]);
    await tickAt(10 * MINUTE);
    expect(requests()).toBe(1);
  });
});

describe("a payout is sent once", () => {
  it("written ahead: it is stored as under way before M-Pesa is asked", async () => {
    const payout = await queuedPayout(network);
    let seen: unknown;
    network.b2c = async () => {
      seen = await payoutRow(payout);
      return Response.json(network.acknowledged());
    };
    await consume([payout]);
    expect(seen).toMatchObject({ status: "sending", attempt: 1, originator_id: expect.any(String) });
  });

  it("by two doors and twenty copies of its message at once", async () => {
    const payout = await queuedPayout(network);
    vi.setSystemTime(start + SECOND);
    await Promise.all([consume(times(20, () => payout)), consume([payout]), tick(PAYING), tick(PAYING)]);
    expect(requests()).toBe(1);
  });

  it("by the cron where the queue lost its message", async () => {
    const payout = await queuedPayout(network);
    await tickAt(SECOND);
    expect(requests()).toBe(1);
    expect((await payoutRow(payout)).status).toBe("sent");
  });

  it("and a message of one that is done, gone or another merchant's moves nothing", async () => {
    const payout = await sentPayout();
    await answerTo(payout.resultUrl, b2cPaid(payout.ids));
    const stranger = await newMerchant();
    await consume([payout, { ...payout, merchant: stranger }, { ...payout, id: `po_${"0".repeat(32)}` }]);
    expect(requests()).toBe(1);
    await expectPaid(payout);
  });

  it("also where its result is quicker than its acknowledgement", async () => {
    const payout = await queuedPayout(network);
    const ids = network.acknowledged();
    network.b2c = async (sent) => {
      await answerTo(said(sent).ResultURL, b2cPaid(ids));
      return Response.json(ids);
    };
    await consume([payout]);
    await expectPaid(payout);
  });

  it.each([
    ["busy", darajaError(429, "500.003.02", "Error Occurred: Spike Arrest Violation")],
    ["a refusal", darajaError(400, "400.002.02", "Bad Request - Invalid PartyB")],
    ["silence", broken("TimeoutError")],
    ["a duplicate", darajaError(500, "500.002.1001", "Duplicate OriginatorConversationID.")],
  ])("also where its result comes first and its acknowledgement is %s", async (_, answer) => {
    const payout = await queuedPayout(network);
    network.b2c = async (sent) => {
      await answerTo(said(sent).ResultURL, b2cPaid());
      return answer();
    };
    await consume([payout]);
    await tickAt(10 * MINUTE);
    await expectPaid(payout);
    expect(requests()).toBe(1);
  });

  it("and waits while another one to the same payee is unclear, whoever's it is", async () => {
    const destination = { method: "phone", phone: newPhone() };
    const unclear = await unclearPayout(destination);
    const behind = await queuedPayout(network, destination);
    const beside = await queuedPayout(network);
    await consume([behind, beside]);
    expect((await payoutRow(behind)).status).toBe("queued");
    expect((await payoutRow(beside)).status).toBe("sent");
    await answerTo(unclear.resultUrl, b2cPaid());
    await tickAt(MINUTE);
    expect((await payoutRow(behind)).status).toBe("sent");
  });

  it("and many to the same payee stand in a line, a second apart, and go out one after the other", async () => {
    const destination = ownPaybill();
    const unclear = await unclearPayout(destination);
    const waiting = await Promise.all(times(12, () => queuedPayout(network, destination)));
    await consume(waiting);
    const due = (await Promise.all(waiting.map(payoutRow)))
      .map((row) => row.due_at ?? 0)
      .sort((a, b) => a - b);
    for (const [i, at] of due.entries()) expect(at - (due[i - 1] ?? 0)).toBeGreaterThanOrEqual(SECOND);
    expect((due.at(-1) ?? 0) - (due[0] ?? 0)).toBeLessThanOrEqual(15 * SECOND);

    await answerTo(unclear.resultUrl, b2bPaid());
    for (const at of due) {
      vi.setSystemTime(at);
      await consume(waiting);
    }
    expect((await Promise.all(waiting.map(payoutRow))).map((row) => row.status)).toEqual(
      times(12, () => "sent"),
    );
    expect(requests()).toBe(13);
  });

  it("behind an unclear one it says why it waits, is looked at ever more rarely, and has its day from when that ends", async () => {
    const destination = ownPaybill();
    const unclear = await unclearPayout(destination);
    const behind = await queuedPayout(network, destination);
    const looked: number[] = [];
    let dueAt = 0;
    for (let at = SECOND; at < 30 * HOUR; at += dueAt - start > at ? dueAt - start - at : MINUTE) {
      vi.setSystemTime(start + at);
      await consume([behind]);
      dueAt = (await payoutRow(behind)).due_at ?? 0;
      looked.push(dueAt - start - at);
    }
    // Each pause is nearly twice the one before, but for the first two, both close to the shortest there is.
    expect(looked.slice(1, 8)).toEqual([...looked.slice(1, 8)].sort((a, b) => a - b));
    expect(Math.max(...looked.slice(0, 2))).toBeLessThan(MINUTE);
    expect(Math.max(...looked)).toBeGreaterThan(8 * MINUTE);
    expect(Math.max(...looked)).toBeLessThan(13 * MINUTE);
    expect(requests()).toBe(1);
    expect(
      (await readTransaction(behind.merchant.key, behind.id.replace("po_", "tx_"))).payout,
    ).toMatchObject({
      status: "queued",
      reason: expect.stringContaining("an earlier payout to the same payee"),
    });
    await answerTo(unclear.resultUrl, b2bPaid());
    network.b2b = darajaError(429, "500.003.02", "Error Occurred: Spike Arrest Violation");
    await tickAt(dueAt - start);
    expect(requests()).toBe(2);
    await expectUnderWay(behind);
    await tickAt(dueAt - start + HOUR);
    expect(requests()).toBe(3);
    await tickAt(dueAt - start + DAY);
    await expectGivenBack(behind);
  });

  it("of two to one payee that are taken up together, one goes first", async () => {
    const destination = { method: "phone", phone: newPhone() };
    const both = [await queuedPayout(network, destination), await queuedPayout(network, destination)];
    network.b2c = broken("TimeoutError");
    await consume(both);
    expect(requests()).toBe(1);
    expect((await Promise.all(both.map(payoutRow))).map((row) => row.status).sort()).toEqual([
      "queued",
      "sending",
    ]);
  });
});

describe("an unclear acknowledgement", () => {
  const UNCLEAR: [string, () => Response | Promise<Response>][] = [
    ["silence", broken("TimeoutError")],
    ["a reset", broken("NetworkError")],
    ["HTML with 503", html(503)],
    ["HTML with 200", html(200)],
    ["HTML with 404", html(404)],
    ["a redirect", () => new Response(null, { status: 302, headers: { Location: "https://daraja.test/x" } })],
    ["an error of M-Pesa's", darajaError(500, "500.002.1001", "Service is currently unreachable")],
    ["an error of M-Pesa's that says something else", darajaError(500, "500.001.1001", "Wrong credentials")],
    ["an empty object", () => Response.json({})],
    [
      "a code other than 0",
      () => Response.json({ ConversationID: "AG_1", OriginatorConversationID: "1", ResponseCode: "1" }),
    ],
    [
      "a success without ids",
      () => Response.json({ ConversationID: "", OriginatorConversationID: "", ResponseCode: "0" }),
    ],
    [
      "half a JSON",
      () => new Response('{"ConversationID": "AG_', { headers: { "Content-Type": "application/json" } }),
    ],
  ];

  it.each(UNCLEAR)(
    "(%s) leaves a B2B payout pending for good: never sent again, and never asked for",
    async (_, answer) => {
      const payout = await queuedPayout(network, ownPaybill());
      network.b2b = answer;
      await consume([payout]);
      for (const at of [MINUTE, 2 * MINUTE, 4 * MINUTE, 6 * MINUTE, 10 * MINUTE - 1]) await tickAt(at);
      await expectUnderWay(payout);
      expect(await toldOperator(payout)).toEqual([]);
      await tickAt(10 * MINUTE);
      expect(await toldOperator(payout)).toMatchObject([{ body: expect.stringContaining("rule on it") }]);
      for (const at of [60 * MINUTE, DAY - 1, DAY + 31 * MINUTE]) await tickAt(at);
      await tickAt(3 * DAY);
      expect(await toldOperator(payout)).toHaveLength(1);
      expect([requests(), questions().length]).toEqual([1, 0]);
      expect(await payoutRow(payout)).toMatchObject({ status: "sending", attempt: 1 });
      await answerTo(urls().result, b2bPaid());
      await expectPaid(payout);
    },
  );

  it.each(UNCLEAR)("(%s) has a B2C payout asked for by its own id, and not sent again", async (_, answer) => {
    const payout = await queuedPayout(network);
    network.b2c = answer;
    await consume([payout]);
    await tickAt(MINUTE - 1);
    expect(questions()).toEqual([]);
    for (const at of [MINUTE, 10 * MINUTE, DAY - 1, 2 * DAY]) await tickAt(at);
    expect(requests()).toBe(1);
    const { originator_id } = await payoutRow(payout);
    expect(questions().map((asked) => asked.OriginalConversationID)).toEqual(times(4, () => originator_id));
    await expectUnderWay(payout);
    await answerTo(questions().at(-1)?.ResultURL, status("Completed"));
    await expectPaid(payout);
  });

  it("is asked about with exactly one id", async () => {
    const payout = await unclearPayout();
    await tickAt(MINUTE);
    expect(network.to("/transactionstatus/").map((sent) => sent.body)).toEqual([
      {
        Initiator: "smartpay",
        SecurityCredential: "c2VhbGVk",
        CommandID: "TransactionStatusQuery",
        OriginalConversationID: (await payoutRow(payout)).originator_id,
        PartyA: "600999",
        IdentifierType: "4",
        Remarks: expect.any(String),
        Occasion: expect.any(String),
        QueueTimeOutURL: expect.any(String),
        ResultURL: expect.any(String),
      },
    ]);
  });

  it("that M-Pesa twice, a minute apart, has no transaction for, goes out again under the same id", async () => {
    const payout = await unclearPayout();
    const { originator_id } = await payoutRow(payout);
    await askedAt(MINUTE, noSuchTransaction);
    await tickAt(MINUTE + 59 * SECOND);
    expect(requests()).toBe(1);
    await askedAt(2 * MINUTE, noSuchTransaction);
    await tickAt(2 * MINUTE + SECOND);
    const ids = network.to("/paymentrequest").map((sent) => said(sent).OriginatorConversationID);
    expect(ids).toEqual([originator_id, originator_id]);
    await answerTo(urls().result, b2cPaid({ OriginatorConversationID: originator_id ?? "" }));
    await expectPaid(payout);
  });

  it("is not given back because M-Pesa has no transaction for it days later: the operator rules", async () => {
    const payout = await unclearPayout();
    for (const at of [5 * HOUR, 3 * DAY, 3 * DAY + 2 * MINUTE, 4 * DAY + 5 * MINUTE]) {
      await tickAt(at);
      for (const question of questions()) await answerTo(question.ResultURL, noSuchTransaction());
    }
    await tickAt(5 * DAY);
    expect(requests()).toBe(1);
    await expectUnderWay(payout);
    expect(await toldOperator(payout)).not.toEqual([]);
  });

  it("is not believed to be absent by copies of one answer", async () => {
    const payout = await unclearPayout();
    await askedAt(MINUTE, noSuchTransaction);
    const [question] = questions();
    await Promise.all(times(5, () => answerTo(question?.ResultURL, noSuchTransaction())));
    await tickAt(MINUTE + SECOND);
    expect(requests()).toBe(1);
    await expectUnderWay(payout);
  });

  it("to a repetition that M-Pesa calls a duplicate counts as taken: it is asked for, and not sent a third time", async () => {
    const payout = await unclearPayout();
    await askedAt(MINUTE, noSuchTransaction);
    await askedAt(2 * MINUTE, noSuchTransaction);
    network.b2c = darajaError(500, "500.002.1001", "Duplicate OriginatorConversationID.");
    await tickAt(2 * MINUTE + SECOND);
    for (const at of [4, 6, 8, 20, 60]) {
      await tickAt(at * MINUTE);
      await answerTo(questions().at(-1)?.ResultURL, noSuchTransaction());
    }
    await tickAt(DAY + 60 * MINUTE);
    expect(requests()).toBe(2);
    await expectUnderWay(payout);
    await answerTo(questions().at(-1)?.ResultURL, status("Completed"));
    await expectPaid(payout);
  });
});

describe("an acknowledged payout without a result", () => {
  it("is asked for after a minute and then ever more rarely, B2C by our id, B2B by M-Pesa's", async () => {
    const b2c = await sentPayout();
    const b2b = await sentPayout(ownPaybill());
    await tickAt(MINUTE - 1);
    expect(questions()).toEqual([]);
    for (const at of [60, 150, 285, 488, 792]) await tickAt(at * SECOND);
    const { originator_id } = await payoutRow(b2c);
    const asked = questions().map((question) => question.OriginalConversationID);
    expect(asked.filter((id) => id === originator_id)).toHaveLength(5);
    expect(asked.filter((id) => id === b2b.ids.OriginatorConversationID)).toHaveLength(5);
    expect(Number.isInteger((await payoutRow(b2c)).due_at)).toBe(true);
  });

  it("is paid by Transaction Status, with the receipt that it names and not the question's own", async () => {
    const payout = await sentPayout();
    const receipt = newReceipt();
    await askedAt(MINUTE, () => status("Completed", { receipt }));
    await expectPaid(payout, receipt);
  });

  it("is not paid by a status without the receipt, or for another amount", async () => {
    const payout = await sentPayout();
    await askedAt(MINUTE, () => status("Completed", { receipt: null }));
    await askedAt(3 * MINUTE, () => status("Completed", { amount: 1 }));
    await expectUnderWay(payout);
  });

  it.each(["Cancelled", "Declined", "Expired", "Failed"])(
    "is given back where its status is %s",
    async (word) => {
      const payout = await sentPayout();
      await askedAt(MINUTE, () => status(word));
      await expectGivenBack(payout);
    },
  );

  it.each(["Initiated", "Authorized", "Pending Authorized", "In Review", ""])(
    "waits where its status is '%s'",
    async (word) => {
      const payout = await sentPayout();
      await askedAt(MINUTE, () => status(word));
      await expectUnderWay(payout);
    },
  );

  it("is neither sent again nor given back where M-Pesa has no such transaction, however often", async () => {
    const payout = await sentPayout();
    for (const at of [1, 3, 6, 10, 30]) await askedAt(at * MINUTE, noSuchTransaction);
    await tickAt(2 * DAY);
    expect(requests()).toBe(1);
    await expectUnderWay(payout);
    expect(await toldOperator(payout)).toHaveLength(1);
  });

  it("waits through timeouts of M-Pesa's queues, which are no verdict", async () => {
    const payout = await sentPayout();
    await answerTo(payout.timeoutUrl, payoutFailed(1, "Timed out.", payout.ids));
    await tickAt(MINUTE);
    await answerTo(questions()[0]?.QueueTimeOutURL, payoutFailed(1, "Timed out."));
    for (const url of [payout.timeoutUrl, questions()[0]?.QueueTimeOutURL]) {
      await answerTo(url, status("Completed"));
      await answerTo(url, status("Failed"));
    }
    await expectUnderWay(payout);
    expect(new Set((await keptCallbacks(payout)).map((row) => row.verdict))).toEqual(new Set(["no_verdict"]));
  });

  it("waits where the question about it is itself refused", async () => {
    const payout = await sentPayout();
    for (const code of [2001, 25, 26]) await answerTo((await asked(payout)) ?? "", payoutFailed(code, "No."));
    await expectUnderWay(payout);
  });

  const asked = async (_: Payout) => {
    if (questions().length === 0) await tickAt(MINUTE);
    return questions().at(-1)?.ResultURL;
  };
});

describe("a refusal in M-Pesa's own answer", () => {
  it("of the payment itself gives the money back at once, and tells the merchant", async () => {
    network.b2c = darajaError(400, "400.002.02", "Bad Request - Invalid PartyB");
    const payout = await queuedPayout(network);
    await consume([payout]);
    await expectGivenBack(payout);
    expect((await payoutRow(payout)).reason).toContain("Invalid PartyB");
    expect(await failureEmails(payout)).toMatchObject([{ recipient: "john@duka.co.ke" }]);
  });

  it.each(["InitiatorName", "SecurityCredential", "PartyA", "RecieverIdentifierType", "ResultURL"])(
    "of our own %s gives nothing back: it waits, and the operator is told once for all of an hour",
    async (field) => {
      start = Math.ceil(start / HOUR) * HOUR;
      vi.setSystemTime(start);
      network.b2c = darajaError(400, "400.002.02", `Bad Request - Invalid ${field}`);
      const [payout, other] = [await queuedPayout(network), await queuedPayout(network)];
      await consume([payout]);
      await consume([other]);
      await tickAt(10 * MINUTE);
      expect((await payoutRow(payout)).status).toBe("queued");
      await expectUnderWay(payout);
      expect([await toldOperator(payout), await toldOperator(other)]).toMatchObject([[{}], []]);
      expect(requests()).toBe(4);
    },
  );

  it("for being too many sends it again after a minute, under the same id", async () => {
    network.b2c = darajaError(429, "500.003.02", "Error Occurred: Spike Arrest Violation");
    const payout = await queuedPayout(network);
    await consume([payout]);
    network.b2c = () => Response.json(network.acknowledged());
    await tickAt(MINUTE - 1);
    expect(requests()).toBe(1);
    await tickAt(MINUTE);
    const ids = network.to("/paymentrequest").map((sent) => said(sent).OriginatorConversationID);
    expect(new Set(ids).size).toBe(1);
    expect(ids).toHaveLength(2);
  });

  it("of the access token is met with one new token; then it waits", async () => {
    network.b2c = darajaError(404, "404.001.03", "Invalid Access Token");
    const payout = await queuedPayout(network);
    await consume([payout]);
    expect(requests()).toBe(2);
    expect((await payoutRow(payout)).status).toBe("queued");
  });

  it("of every token, as where B2B is not on the app, takes no token away from the payments", async () => {
    network.b2b = darajaError(404, "404.001.03", "Invalid Access Token");
    const queued = await Promise.all(times(5, () => queuedPayout(network, ownPaybill())));
    const tokens = network.count("/oauth/");
    for (const payout of queued) await consume([payout]);
    expect(requests()).toBe(6);
    expect(network.count("/oauth/") - tokens).toBe(1);
    for (const payout of queued) expect((await payoutRow(payout)).status).toBe("queued");
  });

  it("is not even asked for while payouts are paused, however long, and goes out after that", async () => {
    const payout = await queuedPayout(network);
    const paused = { PAYOUTS_PAUSED: "true" };
    await consume([payout], paused);
    for (const at of [11 * MINUTE, DAY, 2 * DAY]) await tickAt(at, paused);
    await expectUnderWay(payout);
    expect(requests()).toBe(0);
    const { payout: read } = await readTransaction(payout.merchant.key, payout.id.replace("po_", "tx_"));
    expect(read).toMatchObject({
      status: "queued",
      reason: "Payouts are paused; it goes out when they go on.",
    });
    await tickAt(2 * DAY + 10 * MINUTE);
    expect((await payoutRow(payout)).status).toBe("sent");
  });

  it("for want of an initiator waits for one; after a day the money stays in the wallet", async () => {
    const payout = await queuedPayout(network);
    const none = { DARAJA_INITIATOR: undefined, DARAJA_SECURITY_CREDENTIAL: undefined };
    await consume([payout], none);
    await tickAt(DAY - 1, none);
    await expectUnderWay(payout);
    expect(await toldOperator(payout)).not.toEqual([]);
    await tickAt(DAY + 10 * MINUTE, none);
    await expectGivenBack(payout);
    expect(await failureEmails(payout)).toHaveLength(1);
    expect(requests()).toBe(0);
  });
});

describe("a result", () => {
  it("pays once, in 50 copies at once", async () => {
    const payout = await sentPayout();
    const body = b2cPaid(payout.ids);
    const answers = await Promise.all(times(50, () => answerTo(payout.resultUrl, body)));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]));
    await expectPaid(payout);
    expect((await keptCallbacks(payout)).filter((row) => row.open)).toEqual([]);
    expect(await keptCallbacks(payout)).toHaveLength(50);
  });

  it("gives back once and tells the merchant once, in 50 copies at once", async () => {
    const payout = await sentPayout();
    const body = payoutFailed("SFC_IC0003", "The receiver does not exist.", payout.ids);
    await Promise.all(times(50, () => answerTo(payout.resultUrl, body)));
    await expectGivenBack(payout);
    expect(await payoutRow(payout)).toMatchObject({ status: "failed", due_at: null });
    expect((await payoutRow(payout)).reason).toContain("The receiver does not exist.");
    expect(await failureEmails(payout)).toHaveLength(1);
  });

  it("fits by either of M-Pesa's two ids, or by our own", async () => {
    for (const idsOf of [
      (p: Awaited<ReturnType<typeof sentPayout>>) => ({ ConversationID: p.ids.ConversationID }),
      (p: Awaited<ReturnType<typeof sentPayout>>) => ({
        OriginatorConversationID: p.ids.OriginatorConversationID,
      }),
      (_: unknown, ours: string) => ({ ConversationID: "AG_other", OriginatorConversationID: ours }),
    ]) {
      const payout = await sentPayout();
      const { originator_id } = await payoutRow(payout);
      await answerTo(payout.resultUrl, b2cPaid(idsOf(payout, originator_id ?? "")));
      await expectPaid(payout);
    }
  });

  it("with a lone parameter, numbers as text and codes as numbers is read all the same", async () => {
    const payout = await sentPayout();
    const body = b2cPaid(payout.ids);
    const receipt = newReceipt();
    const lone = { ResultParameter: { Key: "TransactionAmount", Value: "150.00" } };
    const Result = { ...body.Result, ResultCode: "0", TransactionID: receipt, ResultParameters: lone };
    await answerTo(payout.resultUrl, { Result });
    await expectPaid(payout, receipt);
  });

  it("of 17 sends it again after two minutes, under a new id and with new tokens", async () => {
    const payout = await sentPayout();
    const first = lastPaymentRequest(network);
    await answerTo(payout.resultUrl, payoutFailed(17, "Same amount, same customer.", payout.ids));
    await expectUnderWay(payout);
    await tickAt(2 * MINUTE);
    expect(requests()).toBe(1);
    await tickAt(2 * MINUTE + 5 * SECOND);
    expect(requests()).toBe(2);
    const second = lastPaymentRequest(network);
    for (const field of ["OriginatorConversationID", "ResultURL", "QueueTimeOutURL"]) {
      expect(second[field]).not.toBe(first[field]);
    }
    expect(await failureEmails(payout)).toEqual([]);
    await answerTo(second.ResultURL, b2cPaid(payout.ids));
    await expectPaid(payout);
  });

  it("of missing float queues it, tells the operator once an hour for all, and after a day leaves the money in the wallet", async () => {
    start = Math.ceil(start / HOUR) * HOUR;
    vi.setSystemTime(start);
    const [other, payout] = [await sentPayout(), await sentPayout()];
    const noFloat = ({ ids } = payout) =>
      payoutFailed(1, "The balance is insufficient for the transaction.", ids);
    await answerTo(other.resultUrl, noFloat(other));
    await rows("UPDATE payouts SET due_at = NULL WHERE id = ?", other.id);
    await answerTo(payout.resultUrl, noFloat());
    for (let at = 10; at < 60; at += 10) {
      await tickAt(at * MINUTE);
      await answerTo(urls().result, noFloat());
    }
    expect(requests()).toBe(7);
    expect([await toldOperator(other), await toldOperator(payout)]).toMatchObject([[{}], []]);
    expect(await payoutRow(payout)).toMatchObject({ status: "queued" });
    await expectUnderWay(payout);
    await tickAt(DAY);
    expect(requests()).toBe(7);
    await expectGivenBack(payout);
    expect(await failureEmails(payout)).toHaveLength(1);
  });

  it("of 15, a duplicate, gives nothing back: M-Pesa has it already, and the operator looks", async () => {
    const payout = await sentPayout();
    await answerTo(payout.resultUrl, payoutFailed(15, "Duplicate detected.", payout.ids));
    await expectUnderWay(payout);
    expect(await keptCallbacks(payout)).toMatchObject([{ open: 1 }]);
    expect(await toldOperator(payout)).toHaveLength(1);
    await askedAt(MINUTE, () => status("Completed"));
    await expectPaid(payout);
  });

  it("after which nothing is due ends all asking and sending", async () => {
    const [won, failed] = [await sentPayout(), await sentPayout()];
    await answerTo(won.resultUrl, b2cPaid(won.ids));
    await answerTo(failed.resultUrl, payoutFailed(2040, "Not registered.", failed.ids));
    await tickAt(3 * DAY);
    expect([requests(), questions().length]).toEqual([2, 0]);
  });
});

describe("results that contradict each other", () => {
  it("failed, then paid: the wallet is debited again", async () => {
    const payout = await sentPayout();
    await answerTo(payout.resultUrl, payoutFailed(2040, "Not registered.", payout.ids));
    await expectGivenBack(payout);
    const receipt = newReceipt();
    await answerTo(payout.resultUrl, b2cPaid({ ...payout.ids, receipt }));
    expect(await wallet(payout.merchant)).toEqual({ balance: 0, held: 0, owed: 0 });
    expect(await payoutRow(payout)).toMatchObject({ status: "paid", receipt });
    expect((await ledgerOf(payout.id)).map((row) => row.kind)).toEqual(["given_back", "paid_after_failure"]);
  });

  it("failed, then paid with the wallet spent: what is missing is owed, and taken from later credits", async () => {
    const payout = await sentPayout();
    const { merchant } = payout;
    await answerTo(payout.resultUrl, payoutFailed(2040, "Not registered.", payout.ids));
    await spend(merchant, 100);
    await answerTo(payout.resultUrl, b2cPaid(payout.ids));
    expect(await wallet(merchant)).toEqual({ balance: 0, held: 0, owed: 100 });
    await collect(network, merchant, 60);
    expect(await wallet(merchant)).toEqual({ balance: 0, held: 0, owed: 40 });
    const id = (await collect(network, merchant, 60)).replace("tx_", "po_");
    expect(await payoutRow({ id })).toMatchObject({ status: "queued", amount: 20 });
    expect(await wallet(merchant)).toEqual({ balance: 0, held: 20, owed: 0 });
  });

  it("paid, then failed: the payment stays final, and the operator looks", async () => {
    const payout = await sentPayout();
    await answerTo(payout.resultUrl, b2cPaid(payout.ids));
    await answerTo(payout.resultUrl, payoutFailed(1, "No money.", payout.ids));
    await answerTo(payout.resultUrl, payoutFailed(17, "Again.", payout.ids));
    await tickAt(DAY);
    await expectPaid(payout);
    expect(requests()).toBe(1);
    expect((await keptCallbacks(payout)).map((row) => row.open).sort()).toEqual([0, 1, 1]);
  });

  it("both at once, in forty copies: it is paid, and the money is where it belongs", async () => {
    const payout = await sentPayout();
    const [success, failure] = [b2cPaid(payout.ids), payoutFailed(2040, "No.", payout.ids)];
    await Promise.all(times(40, (i) => answerTo(payout.resultUrl, i % 2 ? success : failure)));
    expect((await payoutRow(payout)).status).toBe("paid");
    expect(await wallet(payout.merchant)).toEqual({ balance: 0, held: 0, owed: 0 });
    const left = (await ledgerOf(payout.id)).filter((row) => row.credit === "mpesa");
    expect(left.map((row) => row.amount)).toEqual([150]);
  });

  it("17, then paid before it goes out again: it does not go out again", async () => {
    const payout = await sentPayout();
    await answerTo(payout.resultUrl, payoutFailed(17, "Same.", payout.ids));
    await answerTo(payout.resultUrl, b2cPaid(payout.ids));
    await tickAt(10 * MINUTE);
    expect(requests()).toBe(1);
    await expectPaid(payout);
  });

  /** Failed by 17, sent again, and then told as paid for the first attempt; `second` is the later one's door. */
  async function firstOfTwoPaid() {
    const payout = await sentPayout();
    await answerTo(payout.resultUrl, payoutFailed(17, "Same.", payout.ids));
    await tickAt(3 * MINUTE);
    const second = urls().result;
    const receipt = newReceipt();
    await answerTo(payout.resultUrl, b2cPaid({ ...payout.ids, receipt }));
    return { payout, second, receipt };
  }

  it("an earlier attempt paid while a later one is under way: the operator looks, and nothing is given back", async () => {
    const { payout, second, receipt } = await firstOfTwoPaid();
    await expectUnderWay(payout);
    expect((await keptCallbacks(payout)).filter((row) => row.open)).toHaveLength(1);
    expect(await toldOperator(payout)).toHaveLength(1);
    await answerTo(second, payoutFailed(2040, "Not registered.", payout.ids));
    await expectPaid(payout, receipt);
  });

  it("two attempts paid: it is paid once, by the first receipt, and the operator is told of the second", async () => {
    const { payout, second, receipt } = await firstOfTwoPaid();
    await answerTo(second, b2cPaid({ ...payout.ids, receipt: newReceipt() }));
    await expectPaid(payout, receipt);
    const open = (await keptCallbacks(payout)).filter((row) => row.open);
    expect(open.map((row) => row.verdict)).toEqual(["note_paid", "second_receipt"]);
    expect(await toldOperator(payout)).toHaveLength(2);
  });

  it.each([
    ["busy", darajaError(429, "500.003.02", "Error Occurred: Spike Arrest Violation")],
    ["a refusal of ours", darajaError(400, "400.002.02", "Bad Request - Invalid InitiatorName")],
    ["a refusal of the payment", darajaError(400, "400.002.02", "Bad Request - Invalid PartyB")],
  ])(
    "an earlier attempt paid just before the later one's answer is %s: it is not sent again",
    async (_, no) => {
      const payout = await sentPayout();
      await answerTo(payout.resultUrl, payoutFailed(17, "Same.", payout.ids));
      const receipt = newReceipt();
      network.b2c = async () => {
        await answerTo(payout.resultUrl, b2cPaid({ ...payout.ids, receipt }));
        return no();
      };
      await tickAt(3 * MINUTE);
      await expectPaid(payout, receipt);
      network.b2c = () => Response.json(network.acknowledged());
      for (const at of [5, 15, 60]) await tickAt(at * MINUTE);
      expect(requests()).toBe(2);
    },
  );

  it("a queued payout of which an earlier attempt was paid is settled, not sent", async () => {
    const payout = await queuedPayout(network);
    const receipt = newReceipt();
    await rows("UPDATE payouts SET receipt = ? WHERE id = ?", receipt, payout.id);
    await consume([payout]);
    await expectPaid(payout, receipt);
    expect(requests()).toBe(0);
  });

  it("a late failure of an earlier attempt says nothing about the one under way", async () => {
    const payout = await sentPayout();
    await answerTo(payout.resultUrl, payoutFailed(17, "Same.", payout.ids));
    await tickAt(3 * MINUTE);
    await answerTo(payout.resultUrl, payoutFailed(2040, "Not registered.", payout.ids));
    await expectUnderWay(payout);
  });
});

describe("a callback of a payout", () => {
  it("without the right token is 404, and does not touch storage", async () => {
    const [payout, other] = [await sentPayout(), await sentPayout()];
    const { pathname } = new URL(payout.resultUrl ?? "");
    const token = pathname.split("/").at(-1) ?? "";
    const DB = new Proxy({} as D1Database, {
      get: () => {
        throw new Error("storage was touched");
      },
    });
    for (const wrong of [
      pathname.replace(token, "0".repeat(40)),
      pathname.replace(token, token.slice(1)),
      pathname.replace(token, new URL(payout.timeoutUrl ?? "").pathname.split("/").at(-1) ?? ""),
      pathname.replace(token, new URL(other.resultUrl ?? "").pathname.split("/").at(-1) ?? ""),
      pathname.replace("/result/", "/status/"),
      pathname.replace("/result/", "/timeout/"),
      pathname.replace("/result/", "/paid/"),
      pathname.replace(payout.id, other.id),
      pathname.replace(`${payout.merchant.merchantId}`, `${other.merchant.merchantId}`),
      pathname.replace("/1/", "/2/"),
      pathname.replace("/1/", "/x/"),
      pathname.replace(`/${token}`, ""),
    ]) {
      expect(wrong).not.toBe(pathname);
      const answer = await request(wrong, { body: b2cPaid(payout.ids), env: { ...PAYING, DB } });
      expect([wrong, answer.status]).toEqual([wrong, 404]);
    }
    await expectUnderWay(payout);
  });

  it("has none of the words in its URL that Daraja refuses", async () => {
    await sentPayout();
    await tickAt(MINUTE);
    for (const sent of [...network.to("/paymentrequest"), ...network.to("/transactionstatus/")].map(said)) {
      for (const url of [sent.ResultURL, sent.QueueTimeOutURL]) {
        expect(url).not.toMatch(/mpesa|m-pesa|safaricom|exec|cmd|sql|query|\.exe/i);
      }
    }
  });

  type Sent = Awaited<ReturnType<typeof sentPayout>>;
  const changed = ({ ids }: Sent, change: (result: Record<string, unknown>) => void) => {
    const { Result } = b2cPaid(ids);
    const result: Record<string, unknown> = { ...Result };
    change(result);
    return { Result: result };
  };
  const noReceipt = (result: Record<string, unknown>) => {
    result.TransactionID = "";
    result.ResultParameters = { ResultParameter: [{ Key: "TransactionAmount", Value: 150 }] };
  };

  it.each<[string, (payout: Sent) => unknown]>([
    [
      "another conversation",
      () => b2cPaid({ ConversationID: "AG_20261124_other", OriginatorConversationID: "other" }),
    ],
    ["no conversation", () => b2cPaid()],
    ["a failure of another conversation", () => payoutFailed(2040, "No.", { ConversationID: "AG_other" })],
    ["a smaller amount", ({ ids }) => b2cPaid({ ...ids, amount: 1 })],
    ["a larger amount", ({ ids }) => b2cPaid({ ...ids, amount: 151 })],
    ["a fractional amount", ({ ids }) => b2cPaid({ ...ids, amount: 150.5 })],
    ["an amount that is no number", ({ ids }) => b2cPaid({ ...ids, amount: "KES 150" })],
    ["no receipt", (payout) => changed(payout, noReceipt)],
    ["no code", (payout) => changed(payout, (result) => delete result.ResultCode)],
    [
      "a code that is an object",
      (payout) => changed(payout, (result) => Object.assign(result, { ResultCode: {} })),
    ],
    ["text", () => "it was paid"],
    ["nothing", () => ""],
    ["null", () => "null"],
    ["half a JSON", () => '{"Result":{'],
    ["an STK callback", () => ({ Body: { stkCallback: { ResultCode: 0 } } })],
    ["a list", () => [{ Result: { ResultCode: 0 } }]],
  ])("with %s is kept open for the operator, and neither pays nor gives back", async (_, bodyOf) => {
    const payout = await sentPayout();
    const body = bodyOf(payout);
    expect((await answerTo(payout.resultUrl, body)).status).toBe(200);
    expect(await keptCallbacks(payout)).toEqual([
      { verdict: expect.any(String), open: 1, body: typeof body === "string" ? body : JSON.stringify(body) },
    ]);
    await expectUnderWay(payout);
    await answerTo(payout.resultUrl, b2cPaid(payout.ids));
    await expectPaid(payout);
  });

  it("with the receipt of another payout proves nothing, one after the other or at once", async () => {
    const receipt = newReceipt();
    const payouts = await Promise.all(times(4, () => queuedPayout(network)));
    network.b2c = broken("TimeoutError"); // without an acknowledgement no conversation id stands in the way
    await consume(payouts);
    const resultUrls = network.to("/paymentrequest").map((sent) => said(sent).ResultURL);
    await Promise.all(resultUrls.map((url) => answerTo(url, b2cPaid({ receipt }))));
    for (const url of resultUrls) await answerTo(url, b2cPaid({ receipt }));
    const statuses = (await Promise.all(payouts.map(payoutRow))).map((row) => row.status);
    expect(statuses.sort()).toEqual(["paid", "sending", "sending", "sending"]);
    const left = (await Promise.all(payouts.map((p) => ledgerOf(p.id)))).flat();
    expect(left.map((row) => row.kind)).toEqual(["paid_out"]);
  });

  it("with a second receipt for a payout that is paid is kept open, and told to the operator", async () => {
    const payout = await sentPayout();
    const receipt = newReceipt();
    await answerTo(payout.resultUrl, b2cPaid({ ...payout.ids, receipt }));
    await answerTo(payout.resultUrl, b2cPaid(payout.ids));
    await expectPaid(payout, receipt);
    expect((await keptCallbacks(payout)).map((row) => row.open).sort()).toEqual([0, 1]);
    expect(await toldOperator(payout)).toHaveLength(1);
  });

  it("of over 16 KB is refused", async () => {
    const payout = await sentPayout();
    const answer = await answerTo(payout.resultUrl, {
      ...b2cPaid(payout.ids),
      filler: "x".repeat(16 * 1024),
    });
    expect(answer.status).toBe(413);
    await expectUnderWay(payout);
  });

  it("that cannot be worked on now is kept open, and answered", async () => {
    const payout = await sentPayout();
    await rows("ALTER TABLE wallets RENAME TO wallets_away");
    const answer = await answerTo(payout.resultUrl, b2cPaid(payout.ids));
    await rows("ALTER TABLE wallets_away RENAME TO wallets");
    expect(answer.status).toBe(200);
    expect(await keptCallbacks(payout)).toMatchObject([{ open: 1 }]);
  });
});

describe("GET /v1/payouts", () => {
  const read = (key: string, query = "") => request(`/v1/payouts${query}`, { key, env: PAYING });

  it("lists the merchant's own, newest first, in pages that meet", async () => {
    const merchant = await merchantPaidTo({ method: "phone", phone: newPhone() });
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      vi.setSystemTime(start + i * SECOND);
      ids.unshift((await collect(network, merchant, 100 + i)).replace("tx_", "po_"));
    }
    await queuedPayout(network);
    const first = await read(merchant.key, "?limit=2");
    expect(first.body).toMatchObject({ success: true, count: 2, has_more: true });
    const second = await read(merchant.key, `?limit=2&cursor=${first.body.next_cursor}`);
    const third = await read(merchant.key, `?limit=2&cursor=${second.body.next_cursor}`);
    expect(third.body).toMatchObject({ count: 1, has_more: false, next_cursor: null });
    const seen = [first, second, third].flatMap((page) => page.body.payouts);
    expect(seen.map((payout) => payout.id)).toEqual(ids);
    expect(seen[4]).toEqual({
      id: ids[4],
      transaction_id: ids[4]?.replace("po_", "tx_"),
      destination: { method: "phone", phone: expect.any(String) },
      status: "queued",
      amount: 100,
      fee: 0,
      receipt: null,
      reason: null,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
      finished_at: null,
    });
  });

  it("clamps its limit and refuses what is none", async () => {
    const { key } = await newMerchant();
    for (const limit of ["0", "-3", "1000"]) expect((await read(key, `?limit=${limit}`)).status).toBe(200);
    for (const query of [
      "?limit=x",
      "?limit=1.5",
      "?limit=",
      "?limit=0x10",
      "?limit=1e1",
      "?limit=1.0",
      "?cursor=po_1",
      "?cursor=' or 1=1",
    ]) {
      expect([query, (await read(key, query)).status]).toEqual([query, 400]);
    }
  });

  it("is not for a key of scope payments, or without a key", async () => {
    const merchant = await newMerchant();
    await rows("UPDATE api_keys SET scope = 'payments' WHERE id = ?", merchant.keyId);
    expect((await read(merchant.key)).body.error_code).toBe("FORBIDDEN_SCOPE");
    expect((await request("/v1/payouts")).body.error_code).toBe("MISSING_AUTH");
  });
});
