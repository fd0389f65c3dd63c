import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  clawbackPostings,
  creditPostings,
  holdPosting,
  type Posting,
  paidOutPostings,
  walletChange,
} from "../../../src/features/ledger/rules.ts";
import { storedMerchantId } from "../../../src/lib/ids.ts";

const merchant = storedMerchantId(36_413_506);
const amounts = fc.integer({ min: 1, max: 300_000 });

/** What a kind of transfer does to a wallet that stands as told. */
type Step = (wallet: { balance: number; held: number; owed: number }) => Posting[];

const steps: fc.Arbitrary<Step> = fc.oneof(
  amounts.map(
    (amount): Step =>
      ({ owed }) =>
        creditPostings(merchant, "collection", "mpesa", amount, owed),
  ),
  amounts.map(
    (amount): Step =>
      ({ balance }) =>
        amount <= balance ? [holdPosting(merchant, amount)] : [],
  ),
  amounts.map(
    (amount): Step =>
      ({ balance }) =>
        clawbackPostings(merchant, "reversal", amount, balance),
  ),
  amounts.map(
    (amount): Step =>
      ({ held }) =>
        amount <= held ? paidOutPostings(merchant, amount, 0) : [],
  ),
  fc.tuple(amounts, fc.integer({ min: 1, max: 50 })).map(
    ([amount, fee]): Step =>
      ({ held }) =>
        amount + fee <= held ? paidOutPostings(merchant, amount, fee) : [],
  ),
  amounts.map(
    (amount): Step =>
      ({ held, owed }) =>
        amount <= held ? creditPostings(merchant, "given_back", `held:${merchant}`, amount, owed) : [],
  ),
);

describe("any sequence of transfers", () => {
  it("leaves no figure below zero, nobody with money who owes, and the books in balance", () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 50, size: "max" }), (sequence) => {
        const wallet = { balance: 0, held: 0, owed: 0 };
        const outside = { mpesa: 0, fees: 0 };
        for (const step of sequence) {
          const postings = step(wallet);
          for (const { debit, credit, amount } of postings) {
            expect(amount).toBeGreaterThan(0);
            expect(debit).not.toBe(credit);
            if (debit === "mpesa") outside.mpesa += amount;
            if (credit === "mpesa") outside.mpesa -= amount;
            if (credit === "fees") outside.fees += amount;
          }
          const change = walletChange(merchant, postings);
          wallet.balance += change.balance;
          wallet.held += change.held;
          wallet.owed += change.owed;
          expect(Math.min(wallet.balance, wallet.held, wallet.owed)).toBeGreaterThanOrEqual(0);
          expect(Math.min(wallet.balance, wallet.owed)).toBe(0);
          expect(outside.mpesa).toBe(wallet.balance + wallet.held - wallet.owed + outside.fees);
        }
      }),
    );
  });
});

describe("what the merchant owes", () => {
  it("is paid by a credit before the wallet keeps any of it", () => {
    expect(creditPostings(merchant, "collection", "mpesa", 100, 30)).toEqual([
      { kind: "collection", debit: "mpesa", credit: "wallet:36413506", amount: 100 },
      { kind: "collection_repayment", debit: "wallet:36413506", credit: "owed:36413506", amount: 30 },
    ]);
    expect(walletChange(merchant, creditPostings(merchant, "collection", "mpesa", 100, 130))).toEqual({
      balance: 0,
      held: 0,
      owed: -100,
    });
  });

  it("grows by what a reversal finds no money for", () => {
    expect(walletChange(merchant, clawbackPostings(merchant, "reversal", 100, 30))).toEqual({
      balance: -30,
      held: 0,
      owed: 70,
    });
    expect(clawbackPostings(merchant, "reversal", 100, 0).map(({ kind }) => kind)).toEqual(["reversal_owed"]);
    expect(clawbackPostings(merchant, "reversal", 100, 100).map(({ kind }) => kind)).toEqual(["reversal"]);
  });
});
