import type { Context } from "hono";
import { faultFires } from "../../faults/faults.ts";
import type { World } from "../../world.ts";
import * as fields from "../fields.ts";
import { readFields } from "../fields.ts";
import { Refusal, refusals } from "../refusals.ts";
import { passwordIsRight } from "./password.ts";
import { findPrompt, type Prompt } from "./prompts.ts";
import { describeInQuery } from "./result-codes.ts";

const STILL_PROCESSING = 4999;
const UNREACHABLE = 1037;

const checks = {
  BusinessShortCode: fields.shortcode,
  Password: fields.present,
  Timestamp: fields.timestamp,
  CheckoutRequestID: fields.matches(/^ws_CO_\w+$/),
};

/** `POST /mpesa/stkpushquery/v1/query`: tells the result code, never a receipt, an amount or a phone. */
export async function stkQuery(world: World, c: Context): Promise<Response> {
  const request = await readFields(c, checks);
  if (request.BusinessShortCode !== world.config.shortcode) throw refusals.merchantUnknown();
  if (!passwordIsRight(world, request)) throw refusals.wrongCredentials();
  const prompt = findPrompt(world, request.CheckoutRequestID);
  if (!prompt) throw refusals.transactionUnknown();
  if (faultFires(world, "stk_query", "processing_500")) throw refusals.stillProcessing();
  if (faultFires(world, "stk_query", "noise_500")) {
    throw new Refusal(500, "500.001.1001", "Unable to process the request at the moment");
  }

  const code = resultCode(world, prompt);
  return c.json({
    ResponseCode: "0",
    // The wire's own spelling.
    ResponseDescription: "The service request has been accepted successsfully",
    MerchantRequestID: prompt.merchant_request_id,
    CheckoutRequestID: prompt.checkout_request_id,
    ResultCode: String(code),
    ResultDesc: describeInQuery(code),
  });
}

function resultCode(world: World, prompt: Prompt): number {
  if (prompt.result_code === null || faultFires(world, "stk_query", "processing_4999"))
    return STILL_PROCESSING;
  const paid = prompt.result_code === 0;
  return paid && faultFires(world, "stk_query", "wrong_failed") ? UNREACHABLE : prompt.result_code;
}
