import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Destination } from "../../../src/features/keys/destination.ts";
import { type Posting, walletChange } from "../../../src/features/ledger/rules.ts";
import {
  type PayoutEvidence,
  type PayoutMove,
  planPayout,
  planPayoutMove,
  statusPauseMs,
} from "../../../src/features/payouts/rules.ts";
import type { StoredPayout } from "../../../src/features/payouts/store.ts";
import { storedMerchantId } from "../../../src/lib/ids.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const merchant = storedMerchantId(36_413_506);
const asIs = (ms: number) => ms;

const AMOUNT = 150;
const FEE = 5;

const queued: StoredPayout = {
  merchantId: merchant,
  id: `po_${"0".repeat(32)}`,
  transactionId: null,
  channel: "b2c",
  destination: "{}",
  target: "phone:254712345678",
  amount: AMOUNT,
  fee: FEE,
  status: "queued",
  attempt: 0,
  originatorId: null,
  conversationId: null,
  darajaOriginatorId: null,
  receipt: null,
  reason: null,
  absentCount: 0,
  absentSince: null,
  statusQueryCount: 0,
  dueAt: 0,
  createdAt: 0,
  heldUpAt: null,
  sentAt: null,
  finishedAt: null,
};

/** One thing that happens, of which any number happen in any order. */
type Event =
  | { do: "send" }
  | { do: "acknowledge" }
  | { do: "spend"; amount: number }
  | { do: "wait"; ms: number }
  /** Of the attempt that was made last, or of one before it. */
  | { do: "hear"; back: number; evidence: Omit<PayoutEvidence, "attempt"> };

const receipts = fc.constantFrom("UKO1", "UKO2", "UKO3");
const ids = fc.constantFrom(
  { conversationId: "AG_1" },
  { conversationId: "AG_forged", originatorId: "x" },
  {},
);
const outcome: fc.Arbitrary<PayoutEvidence["outcome"]> = fc.oneof(
  fc.record({
    kind: fc.constant("paid" as const),
    receipt: receipts,
    amount: fc.constantFrom(undefined, AMOUNT, AMOUNT, AMOUNT - 1, Number.NaN),
  }),
  fc.record({
    kind: fc.constant("failed" as const),
    code: fc.constantFrom("1", "1", "15", "17", "17", "17", "2001", "2040", "SFC_IC0003", "Failed"),
    desc: fc.constant("No."),
  }),
  fc.constant({ kind: "absent" as const }),
  fc.constant({ kind: "no_verdict" as const, detail: "" }),
  fc.record({
    kind: fc.constant("given_up" as const),
    from: fc.constantFrom("queued" as const, "sending" as const),
    reason: fc.constant("a day"),
  }),
);

const event: fc.Arbitrary<Event> = fc.oneof(
  { arbitrary: fc.constant({ do: "send" as const }), weight: 3 },
  fc.constant({ do: "acknowledge" as const }),
  fc.record({ do: fc.constant("spend" as const), amount: fc.integer({ min: 1, max: 200 }) }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1, MINUTE, 3 * MINUTE, DAY) }),
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("hear" as const),
      back: fc.constantFrom(0, 0, 1, 2),
      evidence: fc
        .record({ source: fc.constantFrom("result" as const, "status" as const), outcome, ids })
        .map(({ ids: told, ...rest }) => ({ ...rest, ...(rest.source === "result" ? told : {}) })),
    }),
  },
);

/** The payout as its store changes it, and every figure that its postings make. */
class World {
  now = 0;
  payout = queued;
  wallet = { balance: 0, held: AMOUNT + FEE, owed: 0 };
  /** The accounts, a credit counting up. */
  accounts = new Map<string, number>([[`held:${merchant}`, AMOUNT + FEE]]);
  kinds: string[] = [];

  post(postings: Posting[]) {
    for (const { kind, debit, credit, amount } of postings) {
      expect(amount).toBeGreaterThan(0);
      expect(this.kinds).not.toContain(kind);
      this.kinds.push(kind);
      this.accounts.set(debit, (this.accounts.get(debit) ?? 0) - amount);
      this.accounts.set(credit, (this.accounts.get(credit) ?? 0) + amount);
    }
    const change = walletChange(merchant, postings);
    this.wallet.balance += change.balance;
    this.wallet.held += change.held;
    this.wallet.owed += change.owed;
  }

  happens(e: Event): void {
    const before = this.payout;
    if (e.do === "wait") this.now += e.ms;
    if (e.do === "spend") this.wallet.balance -= this.spend(e.amount);
    if (e.do === "send" && before.status === "queued") {
      const attempt = before.originatorId ? before.attempt : before.attempt + 1;
      const own = { originatorId: `ours-${attempt}`, conversationId: null, darajaOriginatorId: null };
      const sent = {
        status: "sending" as const,
        attempt,
        sentAt: this.now,
        absentSince: null,
        absentCount: 0,
      };
      this.payout = { ...before, ...own, ...sent };
    }
    if (e.do === "acknowledge" && before.status === "sending")
      this.payout = { ...before, status: "sent", conversationId: "AG_1", darajaOriginatorId: "daraja-1" };
    if (e.do === "hear") {
      // Nothing is heard of an attempt that was never made.
      const attempt = Math.max(before.attempt - e.back, Math.min(1, before.attempt));
      const evidence = { ...e.evidence, attempt };
      this.apply(planPayoutMove(before, this.wallet, evidence, this.now, asIs), evidence);
    }
  }

  private spend(amount: number): number {
    const spent = Math.min(amount, this.wallet.balance);
    this.accounts.set(`wallet:${merchant}`, (this.accounts.get(`wallet:${merchant}`) ?? 0) - spent);
    return spent;
  }

  private apply(move: PayoutMove, evidence: PayoutEvidence) {
    const before = this.payout;
    if (before.status === "paid") expect(move.kind).toBe("none");
    if ("postings" in move) this.post(move.postings);
    switch (move.kind) {
      case "pay":
      case "pay_after_failure":
        // The receipt of money that was sent is never forgotten for another one's.
        expect([null, move.receipt]).toContain(before.receipt);
        this.payout = { ...before, status: "paid", receipt: move.receipt, dueAt: null };
        break;
      case "fail":
        expect(["queued", "sending", "sent"]).toContain(before.status);
        this.payout = { ...before, status: "failed", dueAt: null };
        break;
      case "requeue":
        expect(evidence.attempt).toBe(before.attempt);
        // Acknowledged, it goes out again only on M-Pesa's own word that it failed.
        if (before.status === "sent") expect(evidence.outcome.kind).toBe("failed");
        // And not on M-Pesa's word about what was sent long ago.
        if (evidence.outcome.kind === "absent")
          expect(this.now - (before.sentAt ?? 0)).toBeLessThan(6 * HOUR);
        this.payout = { ...before, status: "queued", originatorId: move.sameId ? before.originatorId : null };
        break;
      case "note_absent":
        this.payout = { ...before, absentSince: before.absentSince ?? this.now };
        break;
      case "note_paid":
        expect(before.receipt).toBeNull();
        this.payout = { ...before, receipt: move.receipt };
        break;
      case "none":
        break;
    }
  }
}

describe("any sequence of any evidence, in any order", () => {
  it("pays at most once, never gives back what was paid, and keeps the figures what the postings make them", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60, size: "max" }), (events) => {
        const world = new World();
        for (const e of events) {
          world.happens(e);
          const { payout, wallet, accounts, kinds } = world;
          const of = (account: string) => accounts.get(account) ?? 0;

          expect(wallet).toEqual({
            balance: of(`wallet:${merchant}`),
            held: of(`held:${merchant}`),
            owed: 0 - of(`owed:${merchant}`),
          });
          expect(Math.min(wallet.balance, wallet.held, wallet.owed)).toBeGreaterThanOrEqual(0);
          expect(Math.min(wallet.balance, wallet.owed)).toBe(0);

          const isOpen = ["queued", "sending", "sent"].includes(payout.status);
          expect(wallet.held).toBe(isOpen ? AMOUNT + FEE : 0);
          expect(of("mpesa")).toBe(payout.status === "paid" ? AMOUNT : 0);
          if (kinds.includes("paid_out")) expect(kinds).not.toContain("given_back");
          if (payout.status === "paid") expect(payout.receipt).not.toBeNull();
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("that ever holds a fitting proof of payment ends with the payee paid, once nothing is under way", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60, size: "max" }), (events) => {
        const world = new World();
        let isProved = false;
        for (const e of events) {
          const { attempt } = world.payout;
          world.happens(e);
          const isProof =
            e.do === "hear" &&
            e.evidence.source === "status" &&
            e.evidence.outcome.kind === "paid" &&
            [undefined, AMOUNT].includes(e.evidence.outcome.amount) &&
            attempt > 0;
          isProved ||= isProof;
          if (isProved) expect(["queued", "failed"]).not.toContain(world.payout.status);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});

describe("what a collected payment pays out", () => {
  const destination: fc.Arbitrary<Destination> = fc.constantFrom<Destination>(
    { method: "wallet" },
    { method: "phone", phone: "254712345678" },
    { method: "paybill", paybill_number: "888880", account_number: "A-1" },
    { method: "till", till_number: "567567" },
    { method: "bankpaybill", bank_code: "247247", bank_account: "01234567890123" },
    { method: "bankpaybill", bank_code: "4156839", bank_account: "SP36413506" },
  );

  it("is, with its fee, exactly what is there, within M-Pesa's bounds, or nothing", () => {
    const routing = fc.constantFrom("direct" as const, "settle" as const);
    const available = fc.integer({ min: 0, max: 300_000 });
    const fee = fc.integer({ min: 0, max: 50 });
    fc.assert(
      fc.property(destination, routing, available, fee, fee, (to, how, money, b2c, b2b) => {
        const plan = planPayout(to, how, money, { b2c, b2b });
        if (plan.kind === "none") return;
        expect(to.method).not.toBe("wallet");
        expect(plan.channel).toBe(to.method === "phone" ? "b2c" : "b2b");
        expect(plan.amount).toBeGreaterThan(0);
        if (plan.kind === "keep") {
          expect(plan.amount).toBe(money);
        } else {
          expect(plan.amount + plan.fee).toBe(money);
          expect(plan.amount).toBeGreaterThanOrEqual(plan.channel === "b2c" ? 10 : 1);
          expect(plan.amount).toBeLessThanOrEqual(250_000);
        }
      }),
    );
  });
});

it("asks after whole milliseconds, ever more rarely, up to half an hour", () => {
  const pauses = Array.from({ length: 30 }, (_, n) => statusPauseMs(n));
  expect(pauses.every(Number.isInteger)).toBe(true);
  expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
  expect([pauses[0], pauses.at(-1)]).toEqual([MINUTE, 30 * MINUTE]);
});

describe("giving up", () => {
  const giveUp = (payout: StoredPayout, from: "queued" | "sending") => {
    const outcome = { kind: "given_up", from, reason: "a day" } as const;
    const evidence = { source: "gateway", attempt: payout.attempt, outcome } as const;
    return planPayoutMove(payout, { balance: 0, owed: 0 }, evidence, DAY, asIs).kind;
  };
  const at = (status: StoredPayout["status"]) => ({ ...queued, status, attempt: 1 });

  it("gives back what is in the state in which that was decided, and nothing that has moved on since", () => {
    expect([giveUp(at("queued"), "queued"), giveUp(at("sending"), "sending")]).toEqual(["fail", "fail"]);
    for (const status of ["sending", "sent", "paid", "failed"] as const) {
      expect(giveUp(at(status), "queued")).toBe("none");
    }
    for (const status of ["queued", "sent", "paid", "failed"] as const) {
      expect(giveUp(at(status), "sending")).toBe("none");
    }
  });
});
