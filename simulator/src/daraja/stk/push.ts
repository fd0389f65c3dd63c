import type { Context } from "hono";
import { faultFires } from "../../faults/faults.ts";
import { deliver } from "../../jobs/deliver.ts";
import { schedule } from "../../jobs/queue.ts";
import { MINUTE, SECOND } from "../../lib/clock.ts";
import { payeeName } from "../../money/payees.ts";
import { first, type World } from "../../world.ts";
import * as fields from "../fields.ts";
import { readFields } from "../fields.ts";
import { refusals } from "../refusals.ts";
import { passwordIsRight } from "./password.ts";
import { MAX_PROMPT_LENGTH, promptText } from "./prompt-text.ts";
import { type NewPrompt, type Prompt, promptsOn, storePrompt } from "./prompts.ts";
import { type SelfAnswer, selfAnswer } from "./self-answering.ts";
import { settlePrompt } from "./settle.ts";

const PROMPT_LIFETIME_MS = 60 * SECOND;
const ANSWER_AFTER_MS = SECOND;
const MAX_AMOUNT = 250_000;

const checks = {
  BusinessShortCode: fields.shortcode,
  Password: fields.present,
  Timestamp: fields.timestamp,
  TransactionType: fields.oneOf("CustomerPayBillOnline", "CustomerBuyGoodsOnline"),
  Amount: fields.wholeShillings,
  PartyA: fields.msisdn,
  PartyB: fields.shortcode,
  PhoneNumber: fields.msisdn,
  CallBackURL: fields.callbackUrl,
  AccountReference: fields.present,
  TransactionDesc: fields.notNull,
};

/** `POST /mpesa/stkpush/v1/processrequest`: accepts a push and brings its prompt to the phone. */
export async function stkPush(world: World, c: Context): Promise<Response> {
  const request = await readFields(c, checks);
  if (request.BusinessShortCode !== world.config.shortcode) throw refusals.merchantUnknown();
  if (!passwordIsRight(world, request)) throw refusals.wrongCredentials();

  const msisdn = request.PhoneNumber;
  const automatic = selfAnswer(msisdn);
  if (!automatic && promptsOn(world, msisdn).length > 0) throw refusals.subscriberLocked();

  const prompt = openPrompt(world, automatic, {
    msisdn,
    shortcode: request.BusinessShortCode,
    payee: request.PartyB,
    payee_kind: request.TransactionType === "CustomerBuyGoodsOnline" ? "till" : "paybill",
    amount: Number(request.Amount),
    account_reference: request.AccountReference,
    callback_url: request.CallBackURL,
  });
  await callBackBeforeAnswering(world, prompt, automatic);
  return c.json({
    MerchantRequestID: prompt.merchant_request_id,
    CheckoutRequestID: prompt.checkout_request_id,
    ResponseCode: "0",
    ResponseDescription: "Success. Request accepted for processing",
    CustomerMessage: "Success. Request accepted for processing",
  });
}

function openPrompt(world: World, automatic: SelfAnswer | undefined, prompt: NewPrompt): Prompt {
  const decline = declineUnseen(world, prompt);
  const stored = storePrompt(
    world,
    prompt,
    decline === undefined,
    PROMPT_LIFETIME_MS * world.config.timeFactor,
  );
  const resultCode = decline ?? automatic?.resultCode ?? 1037;
  const answersBySelf = decline !== undefined || automatic !== undefined;
  schedule(world, answersBySelf ? ANSWER_AFTER_MS : PROMPT_LIFETIME_MS, {
    kind: "settle_prompt",
    checkoutRequestId: stored.checkout_request_id,
    resultCode,
  });
  world.phoneChanged(stored.msisdn);
  return stored;
}

/** The result of a push that M-Pesa accepts and then declines without the phone ever showing it. */
function declineUnseen(world: World, prompt: NewPrompt): number | undefined {
  if (prompt.amount > MAX_AMOUNT) return 3;
  if (promptText(prompt, payeeName(world, prompt.payee, prompt.payee_kind)).length > MAX_PROMPT_LENGTH)
    return 1025;
  if (repeatsRecentPush(world, prompt) && faultFires(world, "stk_push", "rule_17")) return 17;
  return undefined;
}

function repeatsRecentPush(world: World, { msisdn, amount }: NewPrompt): boolean {
  const since = world.now() - 2 * MINUTE * world.config.timeFactor;
  const recent = "SELECT 1 AS found FROM prompts WHERE msisdn = ? AND amount = ? AND opened_at > ? LIMIT 1";
  return first(world, recent, msisdn, amount, since) !== undefined;
}

/** The fault `before_ack`: the payment is over, and told, before the push itself is answered. */
async function callBackBeforeAnswering(world: World, prompt: Prompt, automatic: SelfAnswer | undefined) {
  if (!prompt.shown || !faultFires(world, "callback", "before_ack")) return;
  const planned = settlePrompt(world, prompt.checkout_request_id, automatic?.resultCode ?? 0);
  await Promise.all(planned.map(({ delivery }) => deliver(delivery)));
}
