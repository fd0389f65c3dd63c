import { eastAfricaTime, eastAfricaTimeOrNull } from "../../lib/clock.ts";
import type { Recipients } from "./contract.ts";
import { countCharacters, publicStatus } from "./rules.ts";
import type { Order, StoredSms } from "./store.ts";

/** The `data` of an answer to a sending: the text's object for one number, a list of them for more. */
export function presentOrder(order: Order, asked: Recipients, remainingBalance: number) {
  const { parts, characters, encoding } = order.measure;
  const messages = order.recipients.map(({ id, phone }) => ({
    transaction_id: id,
    mobile: phone,
    sms_parts: parts,
    characters,
    cost: parts,
    encoding,
  }));
  const [single] = messages;
  if (!asked.isBulk) return { ...single, remaining_balance: remainingBalance };
  return {
    messages,
    rejected: asked.rejected,
    cost: parts * messages.length,
    remaining_balance: remainingBalance,
  };
}

/** `GET /v1/sms/{transaction_id}`. */
export const presentMessage = (sms: StoredSms) => ({
  transaction_id: sms.id,
  mobile: sms.phone,
  status: publicStatus(sms.status),
  sms_parts: sms.parts,
  characters: countCharacters(sms.message),
  cost: sms.cost,
  encoding: sms.encoding,
  failure_reason: sms.failureReason,
  created_at: eastAfricaTime(sms.createdAt),
  sent_at: eastAfricaTimeOrNull(sms.sentAt),
});
