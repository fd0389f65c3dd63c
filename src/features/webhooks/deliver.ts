import { Webhook } from "standardwebhooks";
import type { Db } from "../../db/client.ts";
import type { Config } from "../../env.ts";
import { logEvent } from "../../http/log.ts";
import { jittered } from "../../lib/backoff.ts";
import { type Clock, SECOND_MS } from "../../lib/clock.ts";
import type { Metrics } from "../../upstreams/metrics/port.ts";
import type { Outgoing } from "../../upstreams/outgoing.ts";
import { type CallbackCheckDeps, isCallable } from "../keys/callback-check.ts";
import { announceNotices, type NotifyDeps } from "../notices/notify.ts";
import type { WebhookMessage } from "./message.ts";
import {
  ATTEMPT_LEASE_MS,
  ATTEMPT_TIMEOUT_MS,
  type Attempt,
  givenUpEmail,
  judgeAttempt,
  RESPONSE_KEPT,
  withAttempt,
} from "./rules.ts";
import { type Deliverable, leaseDelivery, readSecrets, recordAttempt, recordGivenUp } from "./store.ts";

export type DeliverDeps = {
  db: Db;
  now: Clock;
  outgoing: Outgoing;
  config: Pick<Config, "webhookRetryMs"> & CallbackCheckDeps["config"];
  dns: CallbackCheckDeps["dns"];
  webhookQueue: Pick<Queue<WebhookMessage>, "send">;
  noticeQueue: NotifyDeps["noticeQueue"];
  metrics: Metrics;
};

/** Takes a delivery that is due, and makes one attempt; does nothing if somebody else has it. */
export async function deliverDue(deps: DeliverDeps, seen: WebhookMessage): Promise<void> {
  const delivery = await leaseDelivery(deps.db, seen, deps.now() + ATTEMPT_LEASE_MS);
  if (delivery) await deliver(deps, delivery);
}

/**
 * One attempt of a delivery that the caller holds: sent, signed, recorded, and the next one scheduled.
 * The queue brings the next attempt on time; the row's due time lets the sweep do it if the queue loses it.
 */
export async function deliver(deps: DeliverDeps, delivery: Deliverable): Promise<void> {
  const attempt = await send(deps, delivery);
  const attemptCount = delivery.attemptCount + 1;
  const made = attemptCount - (delivery.attemptsBeforeReplay ?? 0);
  const verdict = judgeAttempt(attempt.status, made, deps.config.webhookRetryMs);
  deps.metrics({
    kind: "webhook",
    name: verdict.kind,
    detail: attempt.status === null ? "no_answer" : `http_${attempt.status}`,
    ms: attempt.durationMs,
  });
  const attempts = withAttempt(delivery.attempts, attempt);
  if (verdict.kind === "retry") {
    const afterMs = jittered(verdict.afterMs);
    const dueAt = deps.now() + afterMs + ATTEMPT_LEASE_MS;
    await recordAttempt(deps.db, delivery, { status: "pending", attempts, dueAt, deliveredAt: null });
    const message = { merchantId: delivery.merchantId, id: delivery.id, dueAt };
    await deps.webhookQueue.send(message, { delaySeconds: Math.round(afterMs / SECOND_MS) });
  } else if (verdict.kind === "delivered") {
    const deliveredAt = deps.now();
    await recordAttempt(deps.db, delivery, { status: "delivered", attempts, dueAt: null, deliveredAt });
  } else {
    const email = givenUpEmail({ ...delivery, attemptCount, last: attempt });
    await recordGivenUp(deps.db, delivery, attempts, { ...email, now: deps.now() });
    logEvent("webhook_given_up", { delivery: delivery.id, attempts: attemptCount });
    await announceNotices(deps, [email.id]);
  }
}

async function send(deps: DeliverDeps, delivery: Deliverable): Promise<Attempt> {
  let at = deps.now();
  try {
    if (!(await isCallable(deps, delivery.url))) throw new Error("The callback URL is not allowed.");
    return await deps.outgoing(async () => {
      at = deps.now();
      const response = await fetch(delivery.url, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...(await signatures(deps, delivery, at)) },
        body: delivery.body,
        redirect: "manual",
        signal: AbortSignal.timeout(ATTEMPT_TIMEOUT_MS),
      });
      // The status has told already; what the body says, or whether it ends, changes nothing.
      const text = await beginningOf(response).catch(() => "");
      return { at, status: response.status, durationMs: deps.now() - at, response: text, error: null };
    });
  } catch (error) {
    return { at, status: null, durationMs: deps.now() - at, response: "", error: String(error) };
  }
}

/** The headers of Standard Webhooks 1.0, by the key's secret, and for a day after a rotation by the old one too. */
async function signatures(deps: DeliverDeps, delivery: Deliverable, at: number) {
  const secrets = await readSecrets(deps.db, delivery.keyId);
  const isPreviousValid = secrets?.previous && (secrets.previousUntil ?? 0) > at;
  const signing = [secrets?.current, isPreviousValid ? secrets.previous : undefined].filter((s) => s != null);
  const date = new Date(at);
  return {
    "webhook-id": delivery.id,
    ...(delivery.transactionId === null ? { "webhook-test": "true" } : {}),
    "webhook-timestamp": String(Math.floor(at / SECOND_MS)),
    "webhook-signature": signing
      .map((secret) => new Webhook(secret).sign(delivery.id, date, delivery.body))
      .join(" "),
  };
}

/** Reads no more of the answer than is kept, however much a server sends. */
async function beginningOf(response: Response): Promise<string> {
  if (!response.body) return "";
  const decoder = new TextDecoder();
  let text = "";
  const reader = response.body.getReader();
  while (text.length < RESPONSE_KEPT) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel().catch(() => undefined); // whatever is left is of no interest
  return text.slice(0, RESPONSE_KEPT);
}
