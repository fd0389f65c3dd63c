import { ApiError } from "../../errors.ts";
import { logFault } from "../../http/log.ts";
import { claimOf } from "../idempotency/claim.ts";
import type { SmsRequest } from "./contract.ts";
import { type DispatchDeps, dispatch } from "./dispatch.ts";
import type { SmsMessage } from "./message.ts";
import { orderSms } from "./order.ts";
import { presentOrder } from "./present.ts";
import type { Order } from "./store.ts";

export type SendDeps = DispatchDeps & {
  smsQueue: Pick<Queue<SmsMessage>, "sendBatch">;
  background: (work: Promise<unknown>) => void;
};

/** So many are sent at once right after the answer; the queue has the others. */
const AT_ONCE = 5;

/**
 * Sends a message to one number or more: stored with the credits it takes before the answer, handed to
 * the gateway right after it.
 * @returns the answer's body beside `success`, the first one again for a request that was made before.
 * @throws SERVICE_UNAVAILABLE, INSUFFICIENT_SMS_CREDITS, IDEMPOTENCY_KEY_REUSED
 */
export async function sendSms(
  deps: SendDeps,
  key: { id: number; merchantId: number },
  request: SmsRequest,
  idempotencyKey: string | null,
): Promise<{ answer: object; isReplay: boolean }> {
  if (!deps.sms) {
    throw new ApiError("SERVICE_UNAVAILABLE", {
      message: "SMS is not set up on this gateway. Nothing was sent; ask its operator.",
      retryAfterSeconds: 300,
    });
  }
  const { phone: asked, message } = request;
  const answer = (order: Order, credits: number) => ({ data: presentOrder(order, asked, credits) });
  const claim = await claimOf(`key:${key.id} sms`, idempotencyKey, request);
  const ordered = await orderSms(
    deps,
    { merchantId: key.merchantId, keyId: key.id, message, phones: asked.phones },
    claim && { claim, answer: (order) => answer(order, 0) },
  );
  if (ordered.kind === "replay") return { answer: ordered.answer, isReplay: true };
  deps.background(sendAll(deps, ordered.order));
  return { answer: answer(ordered.order, ordered.credits), isReplay: false };
}

/** Whatever fails here is sent by the sweep. */
async function sendAll(deps: SendDeps, { merchantId, recipients }: Order): Promise<void> {
  const refs = recipients.map(({ id }) => ({ merchantId, id }));
  const queued = refs.slice(AT_ONCE).map((ref) => ({ body: { kind: "send" as const, ...ref } }));
  const works = refs.slice(0, AT_ONCE).map((ref) => dispatch(deps, ref));
  if (queued.length > 0) works.push(deps.smsQueue.sendBatch(queued).then(() => undefined));
  for (const outcome of await Promise.allSettled(works)) {
    if (outcome.status === "rejected") logFault("sending of SMS", outcome.reason);
  }
}
