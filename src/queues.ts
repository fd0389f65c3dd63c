import { connect } from "./db/client.ts";
import { createDeps, type Deps, isConfigured } from "./deps.ts";
import type { Env } from "./env.ts";
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

/** A queue's messages, as the runtime brings them. */
export function bringMessages(
  batch: MessageBatch<unknown>,
  env: Env,
  ctx: Pick<ExecutionContext, "waitUntil">,
): Promise<void> {
  return isConfigured(env) ? handleQueue(batch, createDeps(env, ctx)) : postpone(batch, env);
}

/**
 * While a setting is wrong no message can be worked with: each waits as after a fault of its own, and one
 * that has waited too long is kept in the database, which takes no setting.
 */
async function postpone(batch: MessageBatch<unknown>, env: Env): Promise<void> {
  const db = connect(env.DB, () => undefined);
  const isDead = batch.queue.split("-").at(-1) === "dead";
  await Promise.all(
    batch.messages.map(async (message) => {
      try {
        if (!isDead) throw new Error("a setting is missing or wrong");
        await consumeDead({ db, now: Date.now }, message.body, message.id);
        message.ack();
      } catch (error) {
        logFault(`queue ${batch.queue}`, error);
        message.retry({ delaySeconds: pauseSeconds(message.attempts) });
      }
    }),
  );
}

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
