import { faultFires, faultValue } from "../../faults/faults.ts";
import { jsonDelivery, type PlannedDelivery } from "../../jobs/deliver.ts";
import type { Delivery } from "../../jobs/queue.ts";
import { compactTime, SECOND } from "../../lib/clock.ts";
import { receiptNumber } from "../../lib/ids.ts";
import type { World } from "../../world.ts";
import type { Prompt } from "./prompts.ts";
import { describe } from "./result-codes.ts";
import { selfAnswer } from "./self-answering.ts";

type Outcome = Pick<Prompt, "result_code" | "receipt">;

const BETWEEN_CALLBACKS_MS = 0.5 * SECOND;
const LATE_CALLBACK_MS = 45 * SECOND;

/** Every callback that a settled prompt leads to: one, but for the special numbers and the faults. */
export function planCallbacks(world: World, prompt: Prompt): PlannedDelivery[] {
  const usual = () => ({ delayMs: 0, delivery: callback(world, prompt, prompt) });
  const apart = BETWEEN_CALLBACKS_MS * world.config.timeFactor;
  switch (selfAnswer(prompt.msisdn)?.manner) {
    case "no_callback":
      return [];
    case "three_callbacks":
      return [0, 1, 2].map((n) => ({ ...usual(), delayMs: n * apart }));
    case "failure_first": {
      const failure = callback(world, prompt, { result_code: 1037, receipt: null });
      return [
        { delayMs: 0, delivery: failure },
        { ...usual(), delayMs: apart },
      ];
    }
    case "forged_success_first":
      return [
        { delayMs: 0, delivery: forgedSuccess(world, prompt) },
        { ...usual(), delayMs: apart },
      ];
    case "late_callback":
      return [{ ...usual(), delayMs: LATE_CALLBACK_MS * world.config.timeFactor }];
    default:
      return withFaults(world, usual());
  }
}

function withFaults(world: World, planned: PlannedDelivery): PlannedDelivery[] {
  if (faultFires(world, "callback", "drop")) return [];
  const delayMs = planned.delayMs + (faultValue(world, "callback", "delay_ms") ?? 0);
  const copies = faultValue(world, "callback", "duplicate") ?? 1;
  return Array.from({ length: copies }, () => ({ ...planned, delayMs }));
}

function callback(world: World, prompt: Prompt, outcome: Outcome): Delivery {
  const body = {
    Body: {
      stkCallback: {
        MerchantRequestID: prompt.merchant_request_id,
        CheckoutRequestID: prompt.checkout_request_id,
        ...result(world, outcome.result_code ?? 0),
        ...metadata(world, prompt, outcome.receipt),
      },
    },
  };
  return jsonDelivery(prompt.callback_url, body, { Businessshortcode: prompt.shortcode });
}

/** `string_code` writes the code as text, and a failure's as SFC_IC0003, which real callbacks have carried. */
function result(world: World, code: number) {
  if (!faultFires(world, "callback", "string_code")) return { ResultCode: code, ResultDesc: describe(code) };
  if (code === 0) return { ResultCode: "0", ResultDesc: describe(0) };
  return { ResultCode: "SFC_IC0003", ResultDesc: "The operator does not exist." };
}

/** CallbackMetadata is there only on success. */
function metadata(world: World, prompt: Prompt, receipt: string | null) {
  if (receipt === null) return {};
  const amount = prompt.amount + (faultFires(world, "callback", "wrong_amount") ? 1 : 0);
  const balance = faultFires(world, "callback", "balance_item") ? [{ Name: "Balance" }] : [];
  return {
    CallbackMetadata: {
      Item: [
        { Name: "Amount", Value: amount },
        { Name: "MpesaReceiptNumber", Value: receipt },
        ...balance,
        { Name: "TransactionDate", Value: Number(compactTime(prompt.finished_at ?? world.now())) },
        { Name: "PhoneNumber", Value: Number(prompt.msisdn) },
      ],
    },
  };
}

/** What someone would send who knows all about the payment but its secret address. */
function forgedSuccess(world: World, prompt: Prompt): Delivery {
  const receipt = receiptNumber(world.now());
  const delivery = callback(world, prompt, { result_code: 0, receipt });
  return { ...delivery, url: withWrongToken(delivery.url) };
}

function withWrongToken(url: string): string {
  const forged = new URL(url);
  const segments = forged.pathname.split("/");
  const token = segments.pop() ?? "";
  segments.push((token.startsWith("a") ? "b" : "a") + token.slice(1));
  forged.pathname = segments.join("/");
  return forged.href;
}
