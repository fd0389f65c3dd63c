import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Evidence,
  judgeQueryFailure,
  planSettlement,
  queryPauseMs,
} from "../../../src/features/payments/rules.ts";
import type { StoredTransaction } from "../../../src/features/payments/store.ts";

const SECOND = 1_000;
const AMOUNT = 150;
const asIs = (ms: number) => ms;

const started = (n: number): StoredTransaction => ({
  merchantId: 36_413_506,
  id: `tx_${String(n).repeat(32)}`,
  keyId: 4,
  phone: "254712345678",
  amount: AMOUNT,
  accountReference: "ORDER",
  description: "Order",
  destination: '{"method":"wallet"}',
  callbackUrl: "https://duka.co.ke/callback",
  routing: "direct",
  metadata: null,
  purchase: null,
  idempotencyKey: null,
  requestHash: null,
  status: "pending",
  acknowledgement: null,
  checkoutRequestId: null,
  merchantRequestId: null,
  resultCode: null,
  resultDesc: null,
  mpesaReceipt: null,
  queryCount: 0,
  queryFailureCode: null,
  queryFailureAt: null,
  dueAt: 0,
  createdAt: 0,
  completedAt: null,
  paidAt: null,
  reversedAt: null,
});

/** What became of a payment at M-Pesa, whatever is said of it. */
type Truth = { isPaid: boolean; code: string };

/** One thing that happens to one of two payments, of which any number happen in any order. */
type Event = { of: 0 | 1 } & (
  | { do: "acknowledge"; as: "accepted" | "unclear" | "refused" }
  /** M-Pesa's own callback, as often as it comes. */
  | { do: "callback" }
  /** One that reached the right URL and does not fit. */
  | { do: "bad_callback"; bad: "amount" | "no_receipt" | "checkout_id" | "others_receipt" }
  /** A failure that is reported before the success, or of a payment that was made. */
  | { do: "false_failure"; code: string }
  /** A query's answer: it may call a paid payment failed, never a failed one paid. */
  | { do: "query"; lie: string | undefined }
  | { do: "statement" }
  | { do: "give_up" }
  | { do: "wait"; ms: number }
);

const codes = fc.constantFrom("1032", "1037", "1");
const of = fc.constantFrom(0 as const, 1 as const);
const happening = fc.oneof(
  // So often that a payment is also proved by nothing but a query, which without an acknowledgement is not asked.
  {
    weight: 3,
    arbitrary: fc.record({
      of,
      do: fc.constant("acknowledge" as const),
      as: fc.constantFrom("accepted" as const, "unclear" as const, "refused" as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ of, do: fc.constant("callback" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      of,
      do: fc.constant("bad_callback" as const),
      bad: fc.constantFrom(
        "amount" as const,
        "no_receipt" as const,
        "checkout_id" as const,
        "others_receipt" as const,
      ),
    }),
  },
  fc.record({ of, do: fc.constant("false_failure" as const), code: codes }),
  {
    weight: 3,
    arbitrary: fc.record({
      of,
      do: fc.constant("query" as const),
      lie: fc.option(codes, { nil: undefined, freq: 1 }),
    }),
  },
  fc.record({ of, do: fc.constant("statement" as const) }),
  fc.record({ of, do: fc.constant("give_up" as const) }),
  {
    weight: 2,
    arbitrary: fc.record({
      of,
      do: fc.constant("wait" as const),
      ms: fc.constantFrom(SECOND, 29 * SECOND, 31 * SECOND, 180 * SECOND),
    }),
  },
);

const truths = fc.record({ isPaid: fc.boolean(), code: codes });
const receiptOf = (n: number) => `UKO000000${n}`;
const PAID = {
  amount: undefined,
  receipt: undefined,
  paidAt: undefined,
  desc: "Done.",
  kind: "paid" as const,
};

/** Two payments as their store changes them, and what was credited and told of each. */
class World {
  now = 0;
  payments = [started(0), started(1)];
  credited = [0, 0];
  told: ("completed" | "failed")[][] = [[], []];
  /** Whether M-Pesa's own word of the payment's success was heard. */
  proved = [false, false];
  /** The failures that queries told in a row, and when. */
  failures: { code: string; at: number }[][] = [[], []];

  constructor(readonly truth: Truth[]) {}

  of(n: number): StoredTransaction {
    return this.payments[n] as StoredTransaction; // there are two
  }

  set(n: number, change: Partial<StoredTransaction>) {
    this.payments[n] = { ...this.of(n), ...change };
  }

  /** Settles as the verb does: a receipt that the other payment has proves nothing. */
  hear(n: number, evidence: Evidence) {
    const payment = this.of(n);
    const plan = planSettlement(payment, evidence);
    const receipt = evidence.result.kind === "paid" ? evidence.result.receipt : undefined;
    if (plan.kind === "none" || (receipt !== undefined && this.of(1 - n).mpesaReceipt === receipt)) return;
    if (evidence.source === "callback" && payment.checkoutRequestId === null) {
      this.set(n, { checkoutRequestId: evidence.checkoutRequestId });
    }
    if (plan.kind === "fill_receipt") this.set(n, { mpesaReceipt: plan.receipt });
    if (plan.kind === "fail") this.set(n, { status: "failed", resultCode: plan.code });
    if (plan.kind === "complete") {
      this.set(n, { status: "completed", resultCode: "0", mpesaReceipt: plan.receipt });
      this.credited[n] = (this.credited[n] ?? 0) + payment.amount;
    }
    if (plan.kind !== "fill_receipt") this.told[n]?.push(plan.kind === "complete" ? "completed" : "failed");
  }

  happens(e: Event) {
    const n = e.of;
    const payment = this.of(n);
    const truth = this.truth[n] as Truth; // there are two
    const ids = { checkoutRequestId: `ws_CO_${n}`, merchantRequestId: `m-${n}` };
    const callback = (result: Evidence["result"]) => this.hear(n, { source: "callback", ...ids, result });
    const success = { ...PAID, amount: AMOUNT, receipt: receiptOf(n) };
    switch (e.do) {
      case "wait":
        this.now += e.ms;
        return;
      case "acknowledge":
        if (payment.acknowledgement !== null || payment.status !== "pending") return;
        // A refused push is never paid.
        if (e.as === "refused" && truth.isPaid) return;
        this.set(n, { acknowledgement: e.as });
        if (e.as === "accepted") this.set(n, ids);
        if (e.as === "refused") this.set(n, { status: "failed" });
        return;
      case "callback":
        if (truth.isPaid) this.proved[n] = true;
        callback(truth.isPaid ? success : { kind: "failed", code: truth.code, desc: "No." });
        return;
      case "bad_callback":
        if (e.bad === "amount") callback({ ...success, amount: AMOUNT + 1 });
        if (e.bad === "no_receipt") callback({ ...success, receipt: undefined });
        if (e.bad === "checkout_id" && payment.checkoutRequestId !== null)
          this.hear(n, { source: "callback", ...ids, checkoutRequestId: "ws_CO_other", result: success });
        if (e.bad === "others_receipt" && this.of(1 - n).mpesaReceipt !== null)
          callback({ ...success, receipt: receiptOf(1 - n) });
        return;
      case "false_failure":
        callback({ kind: "failed", code: e.code, desc: "No." });
        return;
      case "query":
        if (payment.status === "pending" && payment.checkoutRequestId !== null) this.query(n, e.lie);
        return;
      case "statement":
        if (!truth.isPaid || payment.mpesaReceipt !== null || payment.acknowledgement === "refused") return;
        this.proved[n] = true;
        this.hear(n, { source: "pull", result: success });
        return;
      case "give_up":
        if (payment.status === "pending")
          this.hear(n, { source: "query", result: { kind: "failed", code: "9999", desc: "No result." } });
    }
  }

  query(n: number, lie: string | undefined) {
    const payment = this.of(n);
    const truth = this.truth[n] as Truth; // there are two
    if (truth.isPaid && lie === undefined) {
      this.proved[n] = true;
      this.hear(n, { source: "query", result: PAID });
      return;
    }
    const code = lie ?? truth.code;
    this.failures[n]?.push({ code, at: this.now });
    const judged = judgeQueryFailure(payment, code, this.now, asIs);
    if (judged.final) {
      this.hear(n, { source: "query", result: { kind: "failed", code, desc: "No." } });
      const agreeing =
        this.failures[n]?.filter((f) => f.code === code && f.at <= this.now - 30 * SECOND) ?? [];
      expect(agreeing.length).toBeGreaterThan(0);
      expect(this.now - payment.createdAt).toBeGreaterThanOrEqual(180 * SECOND);
    } else {
      expect(judged.askAgainAt).toBeGreaterThan(this.now);
      this.set(n, { queryFailureCode: code, queryFailureAt: judged.since });
    }
  }
}

const runs = fc.tuple(
  fc.tuple(truths, truths),
  fc.array(happening, { minLength: 1, maxLength: 30, size: "max" }),
);
const everyRun = (holds: (world: World, events: Event[]) => void) =>
  fc.assert(
    fc.property(runs, ([truth, events]) => holds(new World(truth), events)),
    { numRuns: 3_000 },
  );

describe("whatever comes, in any order and any number of times", () => {
  it("a payment is credited once if M-Pesa proved it, and never otherwise", () => {
    everyRun((world, events) => {
      for (const e of events) world.happens(e);
      for (const n of [0, 1]) {
        expect(world.credited[n]).toBe(world.proved[n] ? AMOUNT : 0);
        expect(world.of(n).status === "completed").toBe(world.proved[n]);
      }
    });
  });

  it("a success is final, and keeps its receipt once it has one", () => {
    everyRun((world, events) => {
      for (const e of events) {
        const before = [world.of(0), world.of(1)];
        world.happens(e);
        before.forEach((was, n) => {
          if (was.status === "completed")
            expect(world.of(n)).toMatchObject({ status: "completed", resultCode: "0" });
          if (was.mpesaReceipt !== null) expect(world.of(n).mpesaReceipt).toBe(was.mpesaReceipt);
        });
      }
    });
  });

  it("a receipt is of one payment, and of the one that it paid", () => {
    everyRun((world, events) => {
      for (const e of events) world.happens(e);
      for (const n of [0, 1]) expect([null, receiptOf(n)]).toContain(world.of(n).mpesaReceipt);
    });
  });

  it("the merchant is told each result once: a failure, a success, or the one after the other", () => {
    everyRun((world, events) => {
      for (const e of events) world.happens(e);
      for (const n of [0, 1]) {
        expect([[], ["failed"], ["completed"], ["failed", "completed"]]).toContainEqual(world.told[n]);
        expect(world.told[n]?.includes("completed")).toBe(world.proved[n]);
      }
    });
  });
});

it("what the model calls every kind of run does come up in it", () => {
  const met = new Set<string>();
  everyRun((world, events) => {
    for (const e of events) world.happens(e);
    for (const n of [0, 1]) {
      met.add(world.told[n]?.join() ?? "");
      if (world.of(n).status === "completed" && world.of(n).mpesaReceipt === null)
        met.add("without a receipt");
    }
  });
  expect([...met].sort()).toEqual(["", "completed", "failed", "failed,completed", "without a receipt"]);
});

it("M-Pesa is asked ever less often, and at least every half hour", () => {
  fc.assert(
    fc.property(fc.nat({ max: 1_000 }), (sent) => {
      expect(queryPauseMs(sent)).toBeGreaterThanOrEqual(30 * SECOND);
      expect(queryPauseMs(sent + 1)).toBeGreaterThanOrEqual(queryPauseMs(sent));
      expect(queryPauseMs(sent)).toBeLessThanOrEqual(1_800 * SECOND);
    }),
  );
});
