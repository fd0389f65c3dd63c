import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, newStateDir, type Running, removeStateDir, start } from "./support/running.ts";

/** The routing under which everything is collected first and paid out by B2C and B2B. */
const stateDir = newStateDir();
let running: Running;

beforeAll(async () => {
  const LIMITS = JSON.stringify({ key_minute: 10_000, phone_pushes: 10_000 });
  running = await start({ stateDir, env: { ROUTING: "settle", TIME_SCALE: "30", LIMITS } });
});

afterAll(async () => {
  await running?.stop();
  removeStateDir(stateDir);
});

async function call(
  url: string,
  options: { token?: string; method?: string; body?: object } = {},
  // biome-ignore lint/suspicious/noExplicitAny: answers are read as a client reads them, without types
): Promise<any> {
  const response = await fetch(url, {
    method: options.method ?? (options.body ? "POST" : "GET"),
    headers: {
      "Content-Type": "application/json",
      // Believed locally: so many calls from one address would meet the IP limit.
      "CF-Connecting-IP": `10.0.0.${addresses++ % 250}`,
      ...(options.token ? { Authorization: `Bearer ${options.token}` } : {}),
    },
    body: options.body && JSON.stringify(options.body),
  });
  return response.json();
}

async function merchantPaidTo(destination: object): Promise<string> {
  const made = await call(`${running.gateway}/operator/v1/merchants`, {
    token: running.operatorToken,
    body: { fullname: "Mama Mboga", email: "mama@duka.co.ke", plan: "Professional" },
  });
  const { id, api_key: key } = made.key;
  const set = await call(`${running.gateway}/v1/keys/${id}/destination`, {
    method: "PUT",
    token: key,
    body: destination,
  });
  expect(set.success).toBe(true);
  return key;
}

const DESTINATIONS = [
  { method: "wallet" },
  { method: "phone", phone: "254722000111" },
  { method: "paybill", paybill_number: "888880", account_number: "ACC-001/2026" },
  { method: "till", till_number: "567567" },
  { method: "bankpaybill", bank_code: "247247", bank_account: "01234567890123" },
];

let addresses = 0;

type Payout = {
  id: string;
  status: string;
  amount: number;
  receipt: string | null;
  destination: { method: string };
};
type Entry = {
  receipt: string;
  kind: string;
  from: string;
  to: string;
  amount: number;
  account_reference: string;
};

const simulatorLedger = async (): Promise<{
  entries: Entry[];
  balances: { shortcodes: Record<string, { utility: number; working: number }> };
}> => call(`${running.simulator}/ledger`);

async function payoutsOf(keys: string[]): Promise<Payout[]> {
  const pages = await Promise.all(
    keys.map(async (key) => (await call(`${running.gateway}/v1/payouts?limit=100`, { token: key })).payouts),
  );
  return pages.flat();
}

const sum = (amounts: number[]) => amounts.reduce((total, amount) => total + amount, 0);

const isOpen = ({ status }: Payout) => status === "queued" || status === "sent";

async function pushAll(keys: string[], amounts: number[]): Promise<void> {
  for (let i = 0; i < amounts.length; i += 20) {
    await Promise.all(
      amounts.slice(i, i + 20).map(async (amount, j) => {
        const pushed = await call(`${running.gateway}/v1/stk/push`, {
          token: keys[(i + j) % keys.length],
          body: { phone: "254700000000", amount },
        });
        expect(pushed).toMatchObject({ success: true });
      }),
    );
  }
}

async function pendingOf(keys: string[]): Promise<number> {
  const answers = await Promise.all(
    keys.map((key) => call(`${running.gateway}/v1/transactions?status=pending`, { token: key })),
  );
  return sum(answers.map((answer) => answer.total));
}

/** Adds how often each fault fired under the set that is in force. */
async function countFired(counts: Record<string, number>): Promise<void> {
  const { faults } = await call(`${running.simulator}/faults`);
  for (const [product, set] of Object.entries<Record<string, { fired: number }>>(faults)) {
    for (const [name, { fired }] of Object.entries(set)) {
      counts[`${product}.${name}`] = (counts[`${product}.${name}`] ?? 0) + fired;
    }
  }
}

/** The first calls of a product meet each fault that is counted, so that every one strikes; later ones do by chance. */
const LOST = { timeout_after: { count: 5 }, reset_after: { count: 3 } };
const LOST_BY_CHANCE = { timeout_after: { probability: 0.15 }, reset_after: { probability: 0.1 } };
const TWICE = { probability: 0.2, value: 2 };
const ALWAYS = { callback: { duplicate: TWICE } };

/** A B2B payout that loses both has no id to ask by, and waits for the operator: so never both at once. */
const PHASES = [
  {
    ...ALWAYS,
    seed: 7,
    stk_push: LOST,
    b2c: { ...LOST, timeout_before: { count: 3 } },
    b2b: LOST,
    result: { duplicate: TWICE },
  },
  {
    ...ALWAYS,
    seed: 8,
    stk_push: { timeout_after: { probability: 0.05 }, reset_after: { probability: 0.05 } },
    b2c: LOST_BY_CHANCE,
    result: { drop: { probability: 0.25 }, duplicate: TWICE },
  },
];

describe("money that is collected and paid out", () => {
  it("agrees with M-Pesa shilling by shilling after 200 mixed payments, with acknowledgements and results lost", {
    timeout: 900_000,
  }, async () => {
    const keys = await Promise.all(DESTINATIONS.map(merchantPaidTo));
    const amounts = Array.from({ length: 200 }, (_, i) => 5 + i);
    const fired: Record<string, number> = {};
    for (const [phase, faults] of PHASES.entries()) {
      await call(`${running.simulator}/faults`, { method: "PUT", body: faults });
      await pushAll(keys, amounts.slice(phase * 100, phase * 100 + 100));
      await eventually(
        () => pendingOf(keys),
        (pending) => pending === 0,
      );
      await eventually(
        () => payoutsOf(keys),
        (payouts) => !payouts.some(isOpen),
      );
      await countFired(fired);
    }

    const { entries, balances } = await simulatorLedger();
    expect(sum(entries.filter((e) => e.kind === "stk").map((e) => e.amount))).toBe(sum(amounts));

    const sent = new Map(entries.filter((e) => e.kind !== "stk").map((e) => [e.receipt, e.amount]));
    const paid = (await payoutsOf(keys)).filter((payout) => payout.status === "paid");
    expect(new Map(paid.map((payout) => [payout.receipt, payout.amount]))).toEqual(sent);
    expect(paid).toHaveLength(sent.size);

    const verified = await call(`${running.gateway}/operator/v1/ledger/verify`, {
      token: running.operatorToken,
    });
    expect(verified).toMatchObject({ success: true, intact: true });
    const { utility = 0, working = 0 } = balances.shortcodes["600999"] ?? {};
    expect(verified.balances.mpesa).toBe(utility + working - 2_000_000);

    for (const name of [
      "stk_push.timeout_after",
      "b2c.timeout_after",
      "b2c.timeout_before",
      "b2c.reset_after",
      "b2b.timeout_after",
      "result.drop",
      "result.duplicate",
    ]) {
      expect(fired[name], name).toBeGreaterThan(0);
    }
  });

  it("reaches each payee with the account number unaltered", async () => {
    const { entries } = await simulatorLedger();
    const to = (payee: string) => entries.find((e) => e.to === payee);
    expect(to("254722000111")).toMatchObject({ kind: "b2c" });
    expect(to("888880")).toMatchObject({ kind: "b2b", account_reference: "ACC-001/2026" });
    expect(to("567567")).toMatchObject({ kind: "b2b" });
    expect(to("247247")).toMatchObject({ kind: "b2b", account_reference: "01234567890123" });
  });
});
