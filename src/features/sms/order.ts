import { type Db, isBrokenConstraint } from "../../db/client.ts";
import type { Config } from "../../env.ts";
import type { Clock } from "../../lib/clock.ts";
import { newSmsIds } from "../../lib/ids.ts";
import type { Msisdn } from "../../lib/msisdn.ts";
import type { Claim } from "../idempotency/claim.ts";
import { judgeBrokenOrder, measure, SWEEP_AFTER_MS } from "./rules.ts";
import { type Order, readBrokenOrder, storeOrder } from "./store.ts";

export type OrderDeps = { db: Db; now: Clock; config: Pick<Config, "scaled"> };

/** How often ids are drawn again because another request took them in the same millisecond. */
const MAX_TRIES = 10;

export type Ordered = { kind: "ordered"; order: Order; credits: number } | { kind: "replay"; answer: object };

/**
 * Takes the credits of a message to these phones and stores it for sending, all together or not at all.
 * `answer` makes what a later request with the same claim is answered.
 * @throws INSUFFICIENT_SMS_CREDITS, IDEMPOTENCY_KEY_REUSED
 */
export async function orderSms(
  deps: OrderDeps,
  sms: { merchantId: number; keyId: number | null; message: string; phones: Msisdn[] },
  idempotency?: { claim: Claim; answer: (order: Order) => object },
): Promise<Ordered> {
  const { phones, ...rest } = sms;
  for (let attempt = 1; ; attempt++) {
    const now = deps.now();
    const ids = newSmsIds(now, phones.length);
    const order: Order = {
      ...rest,
      measure: measure(sms.message),
      recipients: phones.map((phone, i) => ({ id: ids[i] ?? "", phone })),
      now,
      dueAt: now + deps.config.scaled(SWEEP_AFTER_MS),
    };
    const kept = idempotency && { claim: idempotency.claim, body: idempotency.answer(order) };
    try {
      return { kind: "ordered", order, credits: await storeOrder(deps.db, order, kept) };
    } catch (error) {
      if (!isBrokenConstraint(error) || attempt === MAX_TRIES) throw error;
      const view = await readBrokenOrder(deps.db, order, idempotency?.claim);
      const reason = judgeBrokenOrder(view, order, idempotency?.claim);
      if (reason.kind === "stored") return { kind: "ordered", order, credits: view.credits };
      if (reason.kind === "replay") return reason;
    }
  }
}
