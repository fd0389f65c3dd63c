import { ApiError } from "../../errors.ts";
import type { Msisdn } from "../../lib/msisdn.ts";
import { claimOf } from "../idempotency/claim.ts";
import { type DispatchDeps, dispatch } from "./dispatch.ts";
import { orderSms } from "./order.ts";
import { MAX_CHARACTERS } from "./rules.ts";

export type NoticeSms = {
  merchantId: number;
  phone: Msisdn;
  /** What is over four SMS is cut off. */
  message: string;
  /** Names the occasion: a second SMS of it is not sent. */
  id: string;
};

/**
 * Sends a merchant a notification at the cost of its own credits, once an occasion. Where it has too few,
 * or no SMS gateway is configured, nothing is sent.
 */
export async function sendNoticeSms(deps: DispatchDeps, notice: NoticeSms): Promise<"sent" | "skipped"> {
  if (!deps.sms) return "skipped";
  const { merchantId, phone, id } = notice;
  const message = [...notice.message].slice(0, MAX_CHARACTERS).join("");
  const claim = await claimOf(`merchant:${merchantId} notices`, id, { phone, message });
  try {
    const sms = { merchantId, keyId: null, message, phones: [phone] };
    const ordered = await orderSms(deps, sms, claim && { claim, answer: () => ({ data: {} }) });
    if (ordered.kind === "replay") return "sent";
    for (const recipient of ordered.order.recipients) {
      await dispatch(deps, { merchantId, id: recipient.id });
    }
    return "sent";
  } catch (error) {
    if (error instanceof ApiError && error.code === "INSUFFICIENT_SMS_CREDITS") return "skipped";
    throw error;
  }
}
