import type { AppContext } from "../../http/context.ts";
import { readIdempotencyKey } from "../../http/idempotency-key.ts";
import type { PushRequest } from "./contract.ts";
import { presentPush, presentTransaction } from "./present.ts";
import { push } from "./push.ts";
import { preferredWaitMs, waitForResult } from "./wait.ts";

/** What HTTP adds to a push, whichever path asked for it: idempotency, a client that hangs up, and waiting. */
export async function answerPush(c: AppContext, request: PushRequest) {
  const { deps, caller } = c.var;
  const idempotencyKey = await readIdempotencyKey(c);
  const work = push(deps, caller, request, idempotencyKey);
  deps.background(work.catch(() => undefined)); // whoever hung up, the push still records its outcome
  const answer = await work;
  c.var.logFields.transaction = answer.transactionId;
  if (answer.replayed) c.header("Idempotent-Replayed", "true");
  const waitMs = preferredWaitMs(c.req.header("Prefer"));
  const settled = waitMs > 0 ? await waitForResult(deps, caller, answer.transactionId, waitMs) : undefined;
  if (waitMs > 0) c.header("Preference-Applied", `wait=${waitMs / 1_000}`);
  const transaction = settled && { transaction: presentTransaction(settled.payment, settled.payout) };
  const status: 200 | 202 = settled || answer.accepted ? 200 : 202;
  return { body: { ...presentPush(answer, settled?.payment.status), ...transaction }, status };
}
