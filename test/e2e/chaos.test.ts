import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { booksAtRest, violations } from "../../scripts/chaos/books.mjs";

/** The chaos run, so short that every change passes through it; `npm run chaos` goes on where it stops. */
it("the books hold after every kind of fault, forged callbacks and a killed gateway", {
  timeout: 1_200_000,
}, async () => {
  const args = ["scripts/chaos/run.mjs", "--seed", "7", "--payments", "30", "--kills", "1"];
  const child = spawn(process.execPath, args);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  const code = await new Promise<number | null>((done) => child.once("close", done));
  expect(output.trim().split("\n").at(-1), output).toBe("chaos: 30 payments, 0 violations");
  expect(code).toBe(0);
});

describe("what moves while the books are read makes them read again", () => {
  const entry = { kind: "b2b", receipt: "SGR7L0A1B2", amount: 1_973 };
  const payout = {
    id: "po_1",
    amount: entry.amount,
    fee: 0,
    transaction_id: null,
    destination: { method: "till" },
    reason: null,
  };
  const sent = { ...payout, status: "sent", receipt: null };
  const paid = { ...payout, status: "paid", receipt: entry.receipt };
  type Read = { payouts: object[]; booked: number; figures: object; transactions: object[] };
  const rest: Read = {
    payouts: [paid],
    booked: -entry.amount,
    figures: { total: 0, completed: 0 },
    transactions: [],
  };
  const reading = ({ payouts, booked, figures, transactions }: Read) => ({
    mpesa: {
      entries: [entry],
      balances: { shortcodes: { "600999": { utility: 1_000_000, working: 1_000_000 - entry.amount } } },
    },
    ledger: { success: true, balances: { mpesa: booked } },
    merchants: [
      {
        name: "till-1",
        callsGiven: 25_000,
        creditsGiven: 10_000,
        account: {
          active_key: { limit_remaining: 25_000 - transactions.length },
          transaction_stats: figures,
          account: { sms_balance: 10_000 },
        },
        transactions,
        payouts,
        webhooks: [],
        texts: [],
      },
    ],
  });
  const failed = [{ id: "tx_1", status: "failed", result_code: "1032", mpesa_receipt: null }];

  it.each<[string, Read, Read]>([
    ["a payout that is paid", { ...rest, payouts: [sent] }, rest],
    [
      "a payment that is begun",
      { ...rest, transactions: failed },
      { ...rest, transactions: failed, figures: { total: 1, completed: 0 } },
    ],
  ])("%s", async (_, torn, then) => {
    expect(violations(reading(torn))).toHaveLength(1);
    const readings = [torn, then, then].map(reading);
    const books = await booksAtRest(async () => readings.shift(), { until: Date.now() + 60_000 });
    expect(violations(books)).toEqual([]);
  });
});
