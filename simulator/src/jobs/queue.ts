import type { BalanceQuestion } from "../daraja/business/account-balance.ts";
import type { ReversalRequest } from "../daraja/business/reversal.ts";
import type { StatusQuestion } from "../daraja/business/transaction-status.ts";
import { first, type World } from "../world.ts";

/** One POST to the gateway. It is tried once: M-Pesa does not deliver a callback again. */
export type Delivery = {
  url: string;
  headers: Record<string, string>;
  body: string;
};

/** Work that the alarm does later. */
export type Job =
  | { kind: "deliver"; delivery: Delivery }
  | { kind: "settle_prompt"; checkoutRequestId: string; resultCode: number }
  | { kind: "settle_payout"; conversationId: string; resultCode?: string }
  | { kind: "settle_reversal"; request: ReversalRequest }
  | { kind: "answer_status"; question: StatusQuestion }
  | { kind: "answer_balance"; question: BalanceQuestion };

/** Puts a job on the table; `delayMs` is shortened by TIME_SCALE. */
export function schedule(world: World, delayMs: number, job: Job): void {
  scheduleExactly(world, delayMs * world.config.timeFactor, job);
}

/** As `schedule`, for a delay that someone named in real milliseconds. */
export function scheduleExactly(world: World, delayMs: number, job: Job): void {
  const dueAt = Math.ceil(world.now() + delayMs);
  world.sql.exec("INSERT INTO jobs (due_at, job) VALUES (?, ?)", dueAt, JSON.stringify(job));
  wakeForNextJob(world);
}

/** Sets the alarm to the earliest job. */
export function wakeForNextJob(world: World): void {
  const next = first<{ due_at: number | null }>(world, "SELECT min(due_at) AS due_at FROM jobs");
  if (next?.due_at != null) world.wakeAt(next.due_at);
}
