import { createExecutionContext, createMessageBatch, env, waitOnExecutionContext } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { createDeps } from "../../src/deps.ts";
import { handleQueue } from "../../src/queues.ts";
import { createOutgoing } from "../../src/upstreams/outgoing.ts";
import { newMerchant, rows, tick } from "../support/gateway.ts";
import { freshNetwork, type Network } from "../support/network.ts";

const AT_ONCE = 5;

let network: Network;
let openNow: number;
let openAtMost: number;

beforeEach(async () => {
  network = freshNetwork();
  openNow = 0;
  openAtMost = 0;
  // What earlier tests left undelivered would be swept up too.
  await rows("UPDATE webhook_deliveries SET due_at = NULL");
  network.merchant = async () => {
    openNow++;
    openAtMost = Math.max(openAtMost, openNow);
    await scheduler.wait(20);
    openNow--;
    return new Response("OK");
  };
});

/** So many webhooks that are due, and their messages. */
async function dueWebhooks(count: number) {
  const { merchantId, keyId } = await newMerchant({ callbackUrl: "https://duka.co.ke/callback" });
  const ids = Array.from({ length: count }, () => `wh_${crypto.randomUUID().replaceAll("-", "")}`);
  for (const id of ids) {
    await rows(
      `INSERT INTO webhook_deliveries (merchant_id, id, key_id, url, body, status, attempt_count, attempts, due_at, created_at)
       VALUES (?, ?, ?, 'https://duka.co.ke/callback', '{}', 'pending', 0, '[]', 1, 1)`,
      merchantId,
      id,
      keyId,
    );
  }
  return ids.map((id) => ({ merchantId, id, dueAt: 1 }));
}

describe("calls over HTTP", () => {
  it("go out five at once, whatever one batch of a queue brings", async () => {
    const messages = await dueWebhooks(12);
    const batch = createMessageBatch(
      "smartpay-webhooks",
      messages.map((body, i) => ({ id: `m${i}`, timestamp: new Date(), attempts: 1, body })),
    );
    const ctx = createExecutionContext();
    await handleQueue(batch, createDeps(env, ctx));
    await waitOnExecutionContext(ctx);
    expect(network.to("duka.co.ke")).toHaveLength(12);
    expect(openAtMost).toBe(AT_ONCE);
  });

  it("go out five at once, whatever is due when the cron comes", async () => {
    await dueWebhooks(12);
    await tick();
    expect(network.to("duka.co.ke")).toHaveLength(12);
    expect(openAtMost).toBe(AT_ONCE);
  });

  it("begin when one before them ends, also by failing, in the order in which they came", async () => {
    const outgoing = createOutgoing();
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    const calls = Array.from({ length: 7 }, (_, i) =>
      outgoing(async () => {
        begun.push(i);
        await new Promise<void>((end) => ends.push(end));
        if (i === 1) throw new Error("no answer");
        return "answered";
      }).catch(() => "failed"),
    );
    expect(begun).toEqual([0, 1, 2, 3, 4]);
    ends[1]?.();
    expect(await calls[1]).toBe("failed");
    expect(begun).toEqual([0, 1, 2, 3, 4, 5]);
    ends[0]?.();
    expect(await calls[0]).toBe("answered");
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });
});
