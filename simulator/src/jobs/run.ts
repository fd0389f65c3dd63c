import { answerBalance } from "../daraja/business/account-balance.ts";
import { settleReversal } from "../daraja/business/reversal.ts";
import { settlePayout } from "../daraja/business/settle-payout.ts";
import { answerStatus } from "../daraja/business/transaction-status.ts";
import { settlePrompt } from "../daraja/stk/settle.ts";
import { rows, type World } from "../world.ts";
import { deliver, deliverAll } from "./deliver.ts";
import { type Job, wakeForNextJob } from "./queue.ts";

/** Does every job that is due. A job leaves the table before it runs, so nothing is ever sent twice. */
export function runDueJobs(world: World): void {
  const due = rows<{ id: number; due_at: number; job: string }>(
    world,
    "DELETE FROM jobs WHERE due_at <= ? RETURNING id, due_at, job",
    world.now(),
  );
  due.sort((a, b) => a.due_at - b.due_at || a.id - b.id);
  for (const { job } of due) {
    try {
      run(world, JSON.parse(job));
    } catch (error) {
      console.error(`A scheduled job failed: ${job}`, error);
    }
  }
  wakeForNextJob(world);
}

function run(world: World, job: Job): void {
  switch (job.kind) {
    case "deliver":
      world.background(deliver(job.delivery));
      return;
    case "settle_prompt":
      deliverAll(world, settlePrompt(world, job.checkoutRequestId, job.resultCode));
      return;
    case "settle_payout":
      settlePayout(world, job.conversationId, job.resultCode);
      return;
    case "settle_reversal":
      settleReversal(world, job.request);
      return;
    case "answer_status":
      answerStatus(world, job.question);
      return;
    case "answer_balance":
      answerBalance(world, job.question);
      return;
  }
}
