import type { Context } from "hono";
import { conversationId, merchantRequestId } from "../../lib/ids.ts";
import type { World } from "../../world.ts";
import * as fields from "../fields.ts";
import { readFields } from "../fields.ts";
import { refusals } from "../refusals.ts";
import { acknowledge, initiatorIsValid } from "./acknowledge.ts";
import { findPayout, repeatsRecentPayout, startPayout } from "./payouts.ts";

const MIN_AMOUNT = 10;
const MAX_AMOUNT = 250_000;

const checksOfV1 = {
  InitiatorName: fields.present,
  SecurityCredential: fields.present,
  CommandID: fields.oneOf("BusinessPayment", "SalaryPayment", "PromotionPayment"),
  Amount: fields.wholeShillings,
  PartyA: fields.shortcode,
  PartyB: fields.msisdn,
  Remarks: fields.matches(/^.{2,100}$/s),
  QueueTimeOutURL: fields.callbackUrl,
  ResultURL: fields.callbackUrl,
  Occassion: fields.optional(fields.matches(/^.{1,100}$/s)),
};
const checksOfV3 = { OriginatorConversationID: fields.present, ...checksOfV1 };

/** `POST /mpesa/b2c/v3/paymentrequest`: pays a customer, once for each OriginatorConversationID. */
export async function b2cV3(world: World, c: Context): Promise<Response> {
  const request = await readFields(c, checksOfV3);
  if (findPayout(world, request.OriginatorConversationID)) throw refusals.duplicateOriginator();
  return payCustomer(world, c, request, request.OriginatorConversationID);
}

/** `POST /mpesa/b2c/v1/paymentrequest`: the older form, in which Daraja gives the id. */
export async function b2cV1(world: World, c: Context): Promise<Response> {
  return payCustomer(world, c, await readFields(c, checksOfV1), merchantRequestId());
}

type Request = Record<keyof typeof checksOfV1, string>;

function payCustomer(world: World, c: Context, request: Request, originator: string): Response {
  if (request.PartyA !== world.config.shortcode) throw refusals.invalidField("PartyA");
  const conversation = conversationId(world.now());
  const declined = declinedBeforehand(world, request);
  startPayout(
    world,
    {
      conversation_id: conversation,
      originator_conversation_id: originator,
      kind: "b2c",
      payer: request.PartyA,
      payee: request.PartyB,
      payee_kind: "phone",
      amount: Number(request.Amount),
      account_reference: request.Occassion,
      result_url: request.ResultURL,
    },
    declined,
  );
  return acknowledge(c, conversation, originator);
}

function declinedBeforehand(world: World, request: Request): string | undefined {
  const amount = Number(request.Amount);
  if (!initiatorIsValid(world, request.InitiatorName, request.SecurityCredential)) return "2001";
  if (amount < MIN_AMOUNT) return "2";
  if (amount > MAX_AMOUNT) return "3";
  return repeatsRecentPayout(world, request.PartyB, amount) ? "17" : undefined;
}
