import { faultFires, faultValue } from "../../faults/faults.ts";
import { deliverAll, jsonDelivery } from "../../jobs/deliver.ts";
import type { World } from "../../world.ts";
import { describe } from "./result-codes.ts";

/** One parameter of a result. M-Pesa sends some keys twice and some without a value. */
export type Parameter = { Key: string; Value?: string | number };

export type Result = {
  code: string;
  conversationId: string;
  originatorConversationId: string;
  transactionId: string;
  /** Several parameters travel in an array, a lone one as a bare object. */
  parameters?: Parameter[] | Parameter;
  references: Parameter[] | Parameter;
  /** B2C and reversals write their codes as numbers, B2B and balances as text. */
  codesAs: "number" | "text";
};

/** Posts a result to a business's ResultURL, once, unless a fault says otherwise. */
export function sendResult(world: World, url: string, result: Result): void {
  if (faultFires(world, "result", "drop")) return;
  const delayMs = faultValue(world, "result", "delay_ms") ?? 0;
  const copies = faultValue(world, "result", "duplicate") ?? 1;
  const delivery = jsonDelivery(url, envelope(result));
  deliverAll(
    world,
    Array.from({ length: copies }, () => ({ delayMs, delivery })),
  );
}

function envelope({ code, parameters, references, codesAs, ...ids }: Result) {
  const asNumbers = codesAs === "number" && /^\d+$/.test(code);
  return {
    Result: {
      ResultType: codesAs === "number" ? 0 : "0",
      ResultCode: asNumbers ? Number(code) : code,
      ResultDesc: describe(code),
      OriginatorConversationID: ids.originatorConversationId,
      ConversationID: ids.conversationId,
      TransactionID: ids.transactionId,
      ...(parameters && { ResultParameters: { ResultParameter: parameters } }),
      ReferenceData: { ReferenceItem: references },
    },
  };
}

/** The address inside Safaricom's network that every result mentions. */
export const queueTimeoutReference = (product: string): Parameter => ({
  Key: "QueueTimeoutURL",
  Value: `https://internalapi.safaricom.co.ke/mpesa/${product}results/v1/submit`,
});
