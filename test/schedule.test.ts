import { createExecutionContext, env, waitOnExecutionContext } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createDeps } from "../src/deps.ts";
import type { WebhookMessage } from "../src/features/webhooks/message.ts";
import { runSchedule } from "../src/schedule.ts";
import { bringWebhooks, type Merchant, newMerchant, newPhone, push, rows } from "./support/gateway.ts";
import { freshNetwork, type Network, queryResult } from "./support/network.ts";
import { PAYING } from "./support/payouts.ts";

const MINUTE = 60_000;

let network: Network;
let webhooks: WebhookMessage[];
beforeEach(async () => {
  network = freshNetwork();
  webhooks = [];
  // What earlier tests left would be worked on too.
  await rows("UPDATE transactions SET due_at = NULL");
  await rows("UPDATE webhook_deliveries SET due_at = NULL");
});

/** What the gateway runs with: queues that only remember. */
const bindings = () => ({
  ...PAYING,
  WEBHOOK_QUEUE: {
    send: async (message: WebhookMessage) => void webhooks.push(message),
  } as unknown as Queue<WebhookMessage>, // nothing else of it is used
});

async function run(cron: string) {
  const ctx = createExecutionContext();
  await runSchedule(cron, createDeps({ ...env, ...bindings() }, ctx));
  await waitOnExecutionContext(ctx);
}

/** As many more rows like the one with that id, each with what is its own. */
async function copies(table: string, id: string, count: number, own: (i: number) => Record<string, string>) {
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

/** So many payments of a new merchant's, whose callbacks never come. */
async function pending(host: string, count: number): Promise<Merchant> {
  const merchant = await newMerchant({ callbackUrl: `https://${host}/callback` });
  const { body } = await push(merchant.key);
  const idOf = (i: number) => body.transaction_id.slice(0, -4) + i.toString(16).padStart(4, "0");
  await copies("transactions", body.transaction_id, count - 1, (i) => ({
    id: idOf(i),
    phone: newPhone(),
    checkout_request_id: `${body.checkout_request_id}-${i}`,
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
