import { createExecutionContext, env, waitOnExecutionContext } from "cloudflare:test";
import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createDeps } from "../../../src/deps.ts";
import { reconcileDue } from "../../../src/features/payments/job.ts";
import { settle } from "../../../src/features/payments/settle.ts";
import { storedMerchantId, storedTransactionId } from "../../../src/lib/ids.ts";
import {
  type Answer,
  callBack,
  callsLeft,
  failed,
  type Merchant,
  newMerchant,
  newPhone,
  newReceipt,
  paid,
  push,
  readTransaction,
  request,
  rows,
  walletBalance,
} from "../../support/gateway.ts";
import { broken, darajaError, freshNetwork, type Network, queryResult } from "../../support/network.ts";
import { scheduledDatabase, storageScheduler, timer } from "../../support/schedule.ts";

const CALLBACK_URL = "https://duka.co.ke/callback";
const AMOUNT = 150;
const CALLS = 1_000;
const CANCELLED = "Request cancelled by user.";

let network: Network;
beforeEach(() => {
  network = freshNetwork();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});

/** The codes that the merchant's server was told of a payment. */
const toldOf = ({ checkout_request_id: id }: { checkout_request_id: string }) =>
  network
    .to("duka.co.ke")
    .map((sent) => JSON.parse(sent.text).Body.stkCallback)
    .filter((callback) => callback.CheckoutRequestID === id)
    .map((callback) => callback.ResultCode);

const ledgerOf = (id: string) =>
  rows<{ amount: number }>("SELECT amount FROM ledger_entries WHERE reference = ?", id);

const verified = async () =>
  (
    await request("/operator/v1/ledger/verify", {
      headers: { Authorization: `Bearer ${env.OPERATOR_TOKEN}` },
    })
  ).status;

/** What is stored of a payment fits its status: credited, told and counted once. */
async function expectSound(merchant: Merchant, payment: Answer["body"]): Promise<void> {
  const isCompleted = payment.status === "completed";
  expect(await ledgerOf(payment.id)).toEqual(isCompleted ? [{ amount: AMOUNT }] : []);
  const told = toldOf(payment);
  expect(new Set(told).size).toBe(told.length);
  expect(told.includes(0)).toBe(isCompleted);
  if (payment.status === "failed" && payment.result_code !== "500.003.02") expect(told).toEqual([1032]);
  const { transaction_stats: stats } = (await request("/v1/account", { key: merchant.key })).body;
  const counted = { total: 1, completed: 0, pending: 0, failed: 0, [payment.status]: 1 };
  expect(stats).toMatchObject(counted);
}

describe("what M-Pesa says of a payment, its storage calls in any order", () => {
  type Word = "paid" | "failed" | "wrong_amount" | "query" | "statement" | "elsewhere";
  const words = fc.array(
    fc.constantFrom<Word>(
      "paid",
      "failed",
      "failed",
      "query",
      "query",
      "wrong_amount",
      "statement",
      "elsewhere",
    ),
    { minLength: 2, maxLength: 4 },
  );
  const answers = fc.constantFrom("paid", "failed");

  /** A payment of a new merchant that M-Pesa has taken. */
  async function pending() {
    const merchant = await newMerchant({ callbackUrl: CALLBACK_URL });
    const { body: ids } = await push(merchant.key);
    return { merchant, ids, url: network.pushes.at(-1)?.CallBackURL ?? "" };
  }

  it("credit it once, where one of them proves it, and the receipt to nobody else", async () => {
    const isOver = timer();
    await fc.assert(
      fc.asyncProperty(storageScheduler(), words, answers, async (s, said, answer) => {
        if (isOver()) return;
        await rows("UPDATE transactions SET due_at = NULL");
        network.sent.length = 0;
        const [payment, other] = [await pending(), await pending()];
        // M-Pesa was asked before, and called it cancelled: a second answer counts.
        await rows(
          "UPDATE transactions SET query_failure_code = '1032', query_failure_at = ? WHERE id = ?",
          Date.now(),
          payment.ids.transaction_id,
        );
        await rows("UPDATE transactions SET due_at = NULL WHERE id = ?", other.ids.transaction_id);
        vi.setSystemTime(Date.now() + 200_000);
        network.query = answer === "paid" ? queryResult("0", "Done.") : queryResult("1032", CANCELLED);
        const receipt = newReceipt();
        const DB = scheduledDatabase(s);
        const withDeps = async (verb: (deps: ReturnType<typeof createDeps>) => Promise<unknown>) => {
          const ctx = createExecutionContext();
          await verb(createDeps({ ...env, DB }, ctx));
          await waitOnExecutionContext(ctx);
        };
        const ref = {
          merchantId: storedMerchantId(payment.merchant.merchantId),
          id: storedTransactionId(payment.ids.transaction_id),
        };
        const says: Record<Word, () => Promise<unknown>> = {
          paid: () => callBack(payment.url, paid(payment.ids, { receipt }), { DB }),
          failed: () => callBack(payment.url, failed(payment.ids, 1032, CANCELLED), { DB }),
          wrong_amount: () => callBack(payment.url, paid(payment.ids, { receipt, amount: 151 }), { DB }),
          query: () => withDeps(reconcileDue),
          statement: () =>
            withDeps((deps) => {
              const result = { kind: "paid", receipt, amount: AMOUNT, paidAt: 0, desc: "Done." } as const;
              return settle(deps, ref, { source: "pull", result });
            }),
          elsewhere: () => callBack(other.url, paid(other.ids, { receipt }), { DB }),
        };
        await s.waitFor(Promise.all(said.map((word) => says[word]())));

        const read = await readTransaction(payment.merchant.key, ref.id);
        const others = await readTransaction(other.merchant.key, other.ids.transaction_id);
        await expectSound(payment.merchant, read);
        await expectSound(other.merchant, others);
        expect(await walletBalance(payment.merchant)).toBe(read.status === "completed" ? AMOUNT : 0);
        expect([read, others].filter((t) => t.mpesa_receipt === receipt).length).toBeLessThanOrEqual(1);
        // A failure that was settled first leaves a query nothing to ask.
        const isAsked = network.count("/stkpushquery/") > 0;
        const canBeProved =
          said.includes("paid") || said.includes("statement") || (isAsked && answer === "paid");
        if (!canBeProved) expect(read.status).not.toBe("completed");
        if (canBeProved && !said.includes("elsewhere")) expect(read.status).toBe("completed");
        // The receipt is somebody's, whoever came first.
        if (said.includes("elsewhere")) {
          expect([read, others].map((t) => t.mpesa_receipt)).toContain(receipt);
        }
      }),
      { numRuns: 40 },
    );
    expect(await verified()).toBe(200);
  });
});

describe("a push, its copies and the callbacks that overtake it, their storage calls in any order", () => {
  type Mpesa = "accepts" | "is silent" | "refuses";
  const scene = fc
    .record({
      mpesa: fc.constantFrom<Mpesa>("accepts", "is silent", "refuses"),
      copies: fc.integer({ min: 0, max: 2 }),
      callbacks: fc.array(fc.constantFrom("paid" as const, "failed" as const), { maxLength: 3 }),
    })
    // After a refusal the idempotency key is free again: a copy is then a payment of its own.
    .map((of) => (of.mpesa === "refuses" ? { ...of, copies: 0 } : of));

  it("ask M-Pesa once, take one call, and tell everybody the same id", async () => {
    const isOver = timer();
    await fc.assert(
      fc.asyncProperty(storageScheduler(), scene, async (s, { mpesa, copies, callbacks }) => {
        if (isOver()) return;
        const merchant = await newMerchant({ callbackUrl: CALLBACK_URL, callsLeft: CALLS });
        network.sent.length = 0;
        const accepted = network.accepted();
        const answers: Record<Mpesa, () => Response> = {
          accepts: () => Response.json(accepted),
          "is silent": broken("TimeoutError"),
          refuses: darajaError(500, "500.003.02", "Error Occurred: Spike Arrest Violation"),
        };
        const DB = scheduledDatabase(s);
        const receipt = newReceipt();
        const ids = { checkout_request_id: accepted.CheckoutRequestID };
        const words = { paid: paid(ids, { receipt }), failed: failed(ids, 1032, CANCELLED) };
        let heard: Promise<unknown> = Promise.resolve();
        network.push = (sent) => {
          const { CallBackURL } = sent.body as { CallBackURL: string }; // our own client's JSON
          heard = Promise.all(callbacks.map((word) => callBack(CallBackURL, words[word], { DB })));
          return answers[mpesa]();
        };
        const body = { phone: newPhone(), amount: AMOUNT };
        const ask = () =>
          request("/v1/stk/push", {
            key: merchant.key,
            headers: { "Idempotency-Key": "order-1" },
            body,
            env: { DB },
          });
        const pushes = Promise.all(Array.from({ length: 1 + copies }, ask));
        const given = await s.waitFor(pushes.then(async (all) => [all, await heard] as const));

        expect(network.count("/stkpush/")).toBe(1);
        const [stored] = await rows<{ id: string }>(
          "SELECT id FROM transactions WHERE merchant_id = ?",
          merchant.merchantId,
        );
        const payment = await readTransaction(merchant.key, stored?.id ?? "");
        await expectSound(merchant, payment);
        expect(payment.status === "completed").toBe(callbacks.includes("paid"));
        const toldIds = given[0]
          .filter((told) => told.status < 300)
          .map((told) => told.body.checkout_request_id);
        for (const id of toldIds) expect(id).toBe(payment.checkout_request_id);
        for (const told of given[0].filter(({ status }) => status >= 300)) {
          expect(["IDEMPOTENCY_IN_PROGRESS", "PAYMENT_FAILURE"]).toContain(told.body.error_code);
        }
        const isGivenBack = payment.status === "failed" && payment.result_code === "500.003.02";
        if (mpesa !== "refuses" || callbacks.length === 0) {
          expect(await callsLeft(merchant)).toBe(isGivenBack ? CALLS : CALLS - 1);
        }
      }),
      { numRuns: 30 },
    );
  });
});
