import type { Context } from "hono";
import { conversationId, merchantRequestId } from "../../lib/ids.ts";
import type { World } from "../../world.ts";
import * as fields from "../fields.ts";
import { readFields } from "../fields.ts";
import { refusals } from "../refusals.ts";
import { acknowledge, initiatorIsValid } from "./acknowledge.ts";
import { startPayout } from "./payouts.ts";

const TILL = "2";
const SHORTCODE = "4";

const checks = {
  Initiator: fields.present,
  SecurityCredential: fields.present,
  CommandID: fields.oneOf("BusinessPayBill", "BusinessBuyGoods", "BusinessTransferFromMMFToUtility"),
  SenderIdentifierType: fields.oneOf(SHORTCODE),
  // Daraja's own spelling; the right one is refused.
  RecieverIdentifierType: fields.oneOf(TILL, SHORTCODE),
  Amount: fields.wholeShillings,
  PartyA: fields.shortcode,
  PartyB: fields.shortcode,
  AccountReference: fields.optional(fields.present),
  Requester: fields.optional(fields.msisdn),
  Remarks: fields.matches(/^.{1,100}$/s),
  QueueTimeOutURL: fields.callbackUrl,
  ResultURL: fields.callbackUrl,
};

/** `POST /mpesa/b2b/v1/paymentrequest`: pays a paybill or a till. Daraja alone gives its ids. */
export async function b2b(world: World, c: Context): Promise<Response> {
  const request = await readFields(c, checks);
  const toTill = request.CommandID === "BusinessBuyGoods";
  if (request.PartyA !== world.config.shortcode) throw refusals.invalidField("PartyA");
  if (request.CommandID === "BusinessPayBill" && !request.AccountReference) {
    throw refusals.invalidField("AccountReference");
  }
  const conversation = conversationId(world.now());
  const originator = merchantRequestId();
  startPayout(
    world,
    {
      conversation_id: conversation,
      originator_conversation_id: originator,
      kind: "b2b",
      payer: request.PartyA,
      payee: request.PartyB,
      payee_kind: toTill ? "till" : "paybill",
      amount: Number(request.Amount),
      account_reference: request.AccountReference,
      result_url: request.ResultURL,
    },
    declinedBeforehand(world, request),
  );
  return acknowledge(c, conversation, originator);
}

/** A till is told by type 2 and a paybill by type 4, whatever the documentation says of tills. */
function declinedBeforehand(world: World, request: Record<keyof typeof checks, string>): string | undefined {
  if (!initiatorIsValid(world, request.Initiator, request.SecurityCredential)) return "2001";
  if (request.CommandID === "BusinessTransferFromMMFToUtility") return "21";
  const expected = request.CommandID === "BusinessBuyGoods" ? TILL : SHORTCODE;
  return request.RecieverIdentifierType === expected ? undefined : "SFC_IC0003";
}
