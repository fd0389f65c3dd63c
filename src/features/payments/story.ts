import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import { parseJson } from "../../lib/json.ts";
import type { PaymentResult } from "../../upstreams/daraja/port.ts";
import { translateStkCallback } from "../../upstreams/daraja/translate.ts";
import type { StoredPayout } from "../payouts/store.ts";
import { ATTEMPT_LEASE_MS, type Attempt, storedAttempts } from "../webhooks/rules.ts";
import type { StoredDelivery } from "../webhooks/store.ts";
import type { PaymentRef, StoredTransaction } from "./store.ts";
import { readStoryRows, type StoryRows } from "./story-store.ts";

/** What happened to a payment, or is to happen. `at` is null where the time is not kept. */
export type Step = { at: number | null } & (
  | { kind: "requested" }
  | { kind: "answered"; answer: "asking" | "accepted" | "unclear" | "refused" }
  /** M-Pesa was asked what became of it, so many times. */
  | { kind: "queried"; times: number; failureCode: string | null }
  | { kind: "called_back"; verdict: string; result: PaymentResult | undefined }
  | { kind: "on_statement"; receipt: string }
  | { kind: "finished" }
  | { kind: "moved"; entry: StoryRows["entries"][number] }
  | { kind: "payout"; payout: StoredPayout; state: "queued" | "sent" | "paid" | "failed" }
  | { kind: "told"; delivery: StoredDelivery; attempt: Attempt; number: number }
  /** `at` is when the next attempt begins. */
  | { kind: "to_be_told"; delivery: StoredDelivery }
  | { kind: "reversed" }
);

export type Story = {
  payment: StoredTransaction;
  key: StoryRows["key"];
  payout: StoredPayout | undefined;
  deliveries: StoredDelivery[];
  /** Oldest first. */
  steps: Step[];
};

/** The whole story of one payment. @throws NOT_FOUND, also for another merchant's. */
export async function readStory(deps: { db: Db }, ref: PaymentRef): Promise<Story> {
  const rows = await readStoryRows(deps.db, ref);
  const { payment, key, payout, deliveries } = rows;
  if (!payment) throw new ApiError("NOT_FOUND");
  return { payment, key, payout, deliveries, steps: stepsOf(payment, rows) };
}

function stepsOf(payment: StoredTransaction, rows: StoryRows): Step[] {
  const { createdAt, completedAt } = payment;
  /** Each with the time by which it stands in line; among equal ones the order here holds. */
  const line: [number, Step][] = [[createdAt, { at: createdAt, kind: "requested" }]];
  const add = (at: number, step: Step) => line.push([at, step]);

  const answer = payment.acknowledgement ?? "asking";
  add(createdAt, { at: null, kind: "answered", answer });
  const settledAt = rows.callbacks.find(({ verdict }) => verdict === "settled")?.receivedAt ?? completedAt;
  if (payment.queryCount > 0 || payment.queryFailureAt !== null) {
    const { queryCount: times, queryFailureCode: failureCode, queryFailureAt: at } = payment;
    add(at ?? settledAt ?? Number.POSITIVE_INFINITY, { at, kind: "queried", times, failureCode });
  }
  for (const { receivedAt: at, verdict, body } of rows.callbacks) {
    const result = translateStkCallback(parseJson(body))?.result;
    add(at, { at, kind: "called_back", verdict: verdict ?? "", result });
  }
  for (const { pulledAt: at, receipt } of rows.lines) add(at, { at, kind: "on_statement", receipt });
  if (completedAt !== null) add(completedAt, { at: completedAt, kind: "finished" });
  for (const entry of rows.entries) add(entry.createdAt, { at: entry.createdAt, kind: "moved", entry });
  if (rows.payout) for (const step of payoutSteps(rows.payout)) add(step.at ?? createdAt, step);
  for (const delivery of rows.deliveries) for (const step of webhookSteps(delivery)) add(step.at ?? 0, step);
  const { reversedAt } = payment;
  if (reversedAt !== null) add(reversedAt, { at: reversedAt, kind: "reversed" });
  return line.sort(([a], [b]) => a - b).map(([, step]) => step);
}

function payoutSteps(payout: StoredPayout): Step[] {
  const { createdAt, sentAt, finishedAt, status } = payout;
  const step = (at: number, state: "queued" | "sent" | "paid" | "failed"): Step => ({
    at,
    kind: "payout",
    payout,
    state,
  });
  const isKept = status === "failed" && finishedAt === createdAt;
  return [
    ...(isKept ? [] : [step(createdAt, "queued")]),
    ...(sentAt === null ? [] : [step(sentAt, "sent")]),
    ...(finishedAt === null || (status !== "paid" && status !== "failed") ? [] : [step(finishedAt, status)]),
  ];
}

function webhookSteps(delivery: StoredDelivery): Step[] {
  const kept = storedAttempts(delivery.attempts);
  const before = delivery.attemptCount - kept.length;
  const told = kept.map(
    (attempt, i): Step => ({ at: attempt.at, kind: "told", delivery, attempt, number: before + i + 1 }),
  );
  if (delivery.status !== "pending" || delivery.dueAt === null) return told;
  return [...told, { at: delivery.dueAt - ATTEMPT_LEASE_MS, kind: "to_be_told", delivery }];
}
