import type { Deps } from "./deps.ts";
import { consumeDead } from "./features/dead-letters/consumer.ts";
import { takeProbe } from "./features/health/probe.ts";
import { consumeNotice } from "./features/notices/consumer.ts";
import { consumePayout } from "./features/payouts/consumer.ts";
import { consumeCallback } from "./features/reconciliation/consumer.ts";
import { consumeSms } from "./features/sms/consumer.ts";
import { consumeWebhook } from "./features/webhooks/consumer.ts";
import { logFault } from "./http/log.ts";

type Consume = (deps: Deps, body: unknown, messageId: string) => Promise<void>;

/** By the last part of the queue's name, since each environment has queues of its own: `smartpay-sandbox-sms`. */
const CONSUMERS: Record<string, Consume> = {
  webhooks: consumeWebhook,
  payouts: consumePayout,
  sms: consumeSms,
  notices: consumeNotice,
  callbacks: consumeCallback,
  dead: consumeDead,
};

const RETRY_SECONDS = 10;
const LONGEST_RETRY_SECONDS = 900;

/** Each message is acknowledged or retried by itself: a throw out of here would redeliver its neighbours. */
export async function handleQueue(batch: MessageBatch<unknown>, deps: Deps): Promise<void> {
  const name = batch.queue.split("-").at(-1) ?? "";
  const consume = CONSUMERS[name];
  if (!consume) throw new Error(`no consumer for the queue ${batch.queue}`);
  const startedAt = deps.now();
  let retried = 0;
  await Promise.all(
    batch.messages.map(async (message) => {
      try {
        const isProbe = await takeProbe(deps.db, name, message.body);
        if (!isProbe) await consume(deps, message.body, message.id);
        message.ack();
      } catch (error) {
        retried++;
        logFault(`queue ${batch.queue}`, error);
        message.retry({ delaySeconds: pauseSeconds(message.attempts) });
      }
    }),
  );
  const ms = deps.now() - startedAt;
  deps.metrics({ kind: "queue", name, detail: "done", ms, count: batch.messages.length - retried });
  if (retried > 0) deps.metrics({ kind: "queue", name, detail: "retried", ms, count: retried });
}

/** Doubles from 10 s to a quarter of an hour. */
const pauseSeconds = (attempts: number) =>
  Math.min(RETRY_SECONDS * 2 ** (attempts - 1), LONGEST_RETRY_SECONDS);
