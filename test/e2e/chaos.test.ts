import { spawn } from "node:child_process";
import { expect, it } from "vitest";
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

it("a payout that is paid while the books are read makes them read again", async () => {
  const entry = { kind: "b2b", receipt: "SGR7L0A1B2", amount: 1_973 };
  const mpesa = {
    entries: [entry],
    balances: { shortcodes: { "600999": { utility: 1_000_000, working: 1_000_000 - entry.amount } } },
  };
  const reading = (payout: { status: string; receipt: string | null }, booked: number) => ({
    mpesa,
    ledger: { success: true, balances: { mpesa: booked } },
    merchants: [
      {
        name: "till-1",
        callsGiven: 25_000,
        creditsGiven: 10_000,
        account: {
          active_key: { limit_remaining: 25_000 },
          transaction_stats: { total: 0, completed: 0 },
          account: { sms_balance: 10_000 },
        },
        transactions: [],
        payouts: [
          {
            id: "po_1",
            ...payout,
            amount: entry.amount,
            fee: 0,
            transaction_id: null,
            destination: { method: "till" },
            reason: null,
          },
        ],
        webhooks: [],
        texts: [],
      },
    ],
  });
  const sent = { status: "sent", receipt: null };
  const paid = { status: "paid", receipt: entry.receipt };
  const torn = reading(sent, -entry.amount);
  expect(violations(torn)).toHaveLength(1);

  const readings = [torn, reading(paid, -entry.amount), reading(paid, -entry.amount)];
  const books = await booksAtRest(async () => readings.shift(), { until: Date.now() + 60_000 });
  expect(violations(books)).toEqual([]);
});
