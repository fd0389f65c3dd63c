import { createExecutionContext, env, waitOnExecutionContext } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createDeps } from "../src/deps.ts";
import type { WebhookMessage } from "../src/features/webhooks/message.ts";
import { CRONS, runSchedule } from "../src/schedule.ts";
import { interceptedDatabase } from "./support/database.ts";
import { bringWebhooks, type Merchant, newMerchant, newPhone, paid, push, rows } from "./support/gateway.ts";
import {
  darajaError,
  freshNetwork,
  html,
  mpesaStatement,
  type Network,
  queryResult,
  said,
  smsAnswer,
} from "./support/network.ts";
import { PAYING, queuedPayout } from "./support/payouts.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** D1's, for one invocation of a Worker. */
const CALLS_ALLOWED = 1_000;

let network: Network;
let webhooks: WebhookMessage[];
beforeEach(async () => {
  network = freshNetwork();
  webhooks = [];
  // What earlier tests left would be worked on too.
  for (const table of ["transactions", "webhook_deliveries", "payouts", "sms_messages", "notices"]) {
    await rows(`UPDATE ${table} SET due_at = NULL`);
  }
});

/** What the gateway runs with: queues that only remember. */
const bindings = () => ({
  ...PAYING,
  WEBHOOK_QUEUE: {
    send: async (message: WebhookMessage) => void webhooks.push(message),
  } as unknown as Queue<WebhookMessage>, // nothing else of it is used
});

/** Answers how often it called D1, of which a batch is one call. */
async function run(cron: string): Promise<number> {
  let calls = 0;
  const DB = interceptedDatabase((_, call) => {
    calls++;
    return call();
  });
  const ctx = createExecutionContext();
  await runSchedule(cron, createDeps({ ...env, ...bindings(), DB }, ctx));
  await waitOnExecutionContext(ctx);
  return calls;
}

type Own = Record<string, string | number | null>;

/** As many more rows like the one with that id, each with what is its own. */
async function copies(table: string, id: string, count: number, own: (i: number) => Own) {
  const [original] = await rows(`SELECT * FROM ${table} WHERE id = ?`, id);
  const inserts = Array.from({ length: count }, (_, i) => {
    const row = { ...original, ...own(i) };
    const columns = Object.keys(row);
    return env.DB.prepare(
      `INSERT INTO ${table} (${columns.join()}) VALUES (${columns.map(() => "?").join()})`,
    ).bind(...Object.values(row));
  });
  await env.DB.batch(inserts);
}

const withSerial = (id: string, i: number) => id.slice(0, -4) + i.toString(16).padStart(4, "0");

/** So many payments of a new merchant's, whose callbacks never come. */
async function pending(host: string, count: number, own: (i: number) => Own = () => ({})): Promise<Merchant> {
  const merchant = await newMerchant({ callbackUrl: `https://${host}/callback` });
  const { body } = await push(merchant.key);
  await copies("transactions", body.transaction_id, count - 1, (i) => ({
    id: withSerial(body.transaction_id, i),
    phone: newPhone(),
    checkout_request_id: `${body.checkout_request_id}-${i}`,
    ...own(i),
  }));
  return merchant;
}

const answeredQueries = () => network.count("/stkpushquery/");

describe("a merchant's silent server", () => {
  it("keeps no query of M-Pesa waiting, nor another merchant's webhook", async () => {
    await pending("silent.co.ke", 25);
    const other = await pending("duka.co.ke", 20);
    network.query = queryResult("0", "The service request is processed successfully.");
    let askedBeforeItGaveUp: number | undefined;
    network.merchant = ({ url, signal }) => {
      if (!url.includes("silent")) return new Response("OK");
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          askedBeforeItGaveUp ??= answeredQueries();
          reject(signal.reason);
        });
      });
    };
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + MINUTE });
    await run("* * * * *");
    expect(askedBeforeItGaveUp ?? answeredQueries()).toBe(45);
    expect(webhooks).toHaveLength(45);

    await bringWebhooks(webhooks.filter(({ merchantId }) => merchantId === other.merchantId));
    expect(network.count("duka.co.ke")).toBe(20);
  });
});

it("has its jobs at the crons of wrangler.toml, and at no other", () => {
  const files = import.meta.glob<string>("../wrangler.toml", {
    query: "?raw",
    import: "default",
    eager: true,
  });
  const [, crons = ""] = /^crons = (.*)$/m.exec(files["../wrangler.toml"] ?? "") ?? [];
  expect(JSON.parse(crons)).toEqual(CRONS);
});

describe("whatever is due at once", () => {
  const countOf = async (table: string, condition: string, { merchantId }: Merchant) =>
    (
      await rows<{ count: number }>(
        `SELECT count(*) AS count FROM ${table} WHERE merchant_id = ? AND ${condition}`,
        merchantId,
      )
    )[0]?.count;

  it("takes no cron more calls of D1 than it has, and is all worked on within the next runs", async () => {
    const now = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now });
    await rows("DELETE FROM progress");

    // A day's payments that M-Pesa never told of are given up, and the operator is told of each.
    const merchant = await pending("duka.co.ke", 201, () => ({ created_at: now - DAY, due_at: 1 }));
    // M-Pesa's statement proves others, of which a query could not tell the receipt.
    const receipts: { receipt: string; phone: string }[] = [];
    const unproved = await pending("nyanya.co.ke", 201, (i) => {
      const phone = newPhone();
      receipts.push({ phone, receipt: `UKR${String(i).padStart(7, "0")}` });
      return { phone, status: "completed", due_at: null };
    });
    const reference = "SMARTPAY";
    network.pull = (sent) => {
      const from = Number(said(sent).OffSetValue);
      const page = receipts.slice(from, from + 100);
      return mpesaStatement(page.map((line) => ({ ...line, amount: 150, reference, at: now })))();
    };
    // Payouts that M-Pesa refuses because of a setting of ours.
    const payout = await queuedPayout(network);
    await copies("payouts", payout.id, 120, (i) => ({
      id: withSerial(payout.id, i),
      transaction_id: null,
      target: newPhone(),
    }));
    network.b2c = darajaError(400, "400.002.02", "Bad Request - Invalid InitiatorName");
    const { merchantId, keyId } = merchant;
    const numbered = (count: number, insert: string, ...values: unknown[]) =>
      rows(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) ${insert}`,
        ...values,
      );
    await numbered(
      60,
      `INSERT INTO inbound_callbacks (reference, id, merchant_id, body, verdict, open, received_at)
       SELECT printf('tx_%032x', i), 'a1', ?, ?, 'not_processed', 1, 1 FROM n`,
      merchantId,
      JSON.stringify(paid({ checkout_request_id: "ws_CO_of_nobody" })),
    );
    await numbered(
      120,
      `INSERT INTO sms_messages (merchant_id, id, phone, message, parts, cost, encoding, status, due_at, created_at)
       SELECT ?, printf('%019d', i), '254712345678', 'Hello', 1, 1, 'GSM-7', 'queued', 1, 1 FROM n`,
      merchantId,
    );
    network.sms = () => smsAnswer(405, "InsufficientBalance", "None");
    await numbered(
      60,
      `INSERT INTO webhook_deliveries (merchant_id, id, key_id, url, body, status, attempt_count, attempts, due_at, created_at)
       SELECT ?, printf('wh_%032x', i), ?, 'https://duka.co.ke/callback', '{}', 'pending', 3, '[]', 1, 1 FROM n`,
      merchantId,
      keyId,
    );
    network.merchant = html(500);
    await numbered(
      60,
      `INSERT INTO notices (id, merchant_id, channel, recipient, subject, body, due_at, created_at)
       SELECT 'worst:' || i, ?, 'email', 'john@duka.co.ke', 'News', 'News', 1, ? FROM n`,
      merchantId,
      now,
    );

    // A busy minute's entries that are not sealed yet.
    await numbered(
      10_000,
      `INSERT INTO ledger_entries (reference, kind, merchant_id, debit, credit, amount, created_at)
       SELECT 'worst:' || i, 'payout_fee', ?, 'mpesa', 'fees', 1, ? FROM n`,
      merchantId,
      now,
    );

    const calls: Record<string, number> = {};
    for (const cron of CRONS) calls[cron] = await run(cron);
    for (const cron of CRONS) expect(calls[cron], cron).toBeLessThan(CALLS_ALLOWED);

    for (let i = 0; i < 3; i++) {
      vi.setSystemTime(Date.now() + 5 * MINUTE);
      for (const cron of CRONS) expect(await run(cron), cron).toBeLessThan(CALLS_ALLOWED);
    }
    expect(await countOf("transactions", "status = 'failed'", merchant)).toBe(200);
    expect(await countOf("transactions", "mpesa_receipt LIKE 'UKR%'", unproved)).toBe(200);
    expect(await countOf("payouts", "attempt > 0", payout.merchant)).toBe(121);
    expect(await countOf("inbound_callbacks", "verdict = 'unknown_payment'", merchant)).toBe(60);
    expect(await countOf("sms_messages", "status = 'failed'", merchant)).toBe(120);
    expect(await countOf("webhook_deliveries", "id LIKE 'wh_0%' AND status = 'failed'", merchant)).toBe(60);
    expect(await countOf("notices", "id LIKE 'worst:%' AND status = 'sent'", merchant)).toBe(60);
  });
});
