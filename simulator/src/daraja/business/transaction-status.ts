import type { Context } from "hono";
import { schedule } from "../../jobs/queue.ts";
import { compactTime, SECOND } from "../../lib/clock.ts";
import { conversationId, failedReceiptNumber, merchantRequestId } from "../../lib/ids.ts";
import { findEntry, type LedgerEntry } from "../../money/ledger.ts";
import type { World } from "../../world.ts";
import * as fields from "../fields.ts";
import { readFields } from "../fields.ts";
import { refusals } from "../refusals.ts";
import { acknowledge, initiatorIsValid } from "./acknowledge.ts";
import { findPayout, findPayoutByReceipt, type Payout } from "./payouts.ts";
import { type Parameter, sendResult } from "./result.ts";

/** A question about a transaction, to be answered a second later. */
export type StatusQuestion = {
  conversationId: string;
  originatorConversationId: string;
  resultUrl: string;
  validInitiator: boolean;
  receipt: string;
  originalConversationId: string;
};

const checks = {
  Initiator: fields.present,
  SecurityCredential: fields.present,
  CommandID: fields.oneOf("TransactionStatusQuery"),
  PartyA: fields.shortcode,
  IdentifierType: fields.oneOf("4"),
  ResultURL: fields.callbackUrl,
  QueueTimeOutURL: fields.callbackUrl,
  Remarks: fields.present,
  // The right name here; OriginatorConversationID is refused.
  OriginatorConversationID: (text: unknown) => text === undefined,
  TransactionID: fields.notNull,
  OriginalConversationID: fields.notNull,
};

/** `POST /mpesa/transactionstatus/v1/query`, by exactly one of receipt and original conversation id. */
export async function transactionStatus(world: World, c: Context): Promise<Response> {
  const request = await readFields(c, checks);
  const body: object = await c.req.json();
  const named = ["TransactionID", "OriginalConversationID"].filter((name) => name in body);
  // Naming both, even one of them as "", is acknowledged with nothing in it and never answered.
  if (named.length === 2) return emptyAcknowledgement(c);
  if (!request.TransactionID && !request.OriginalConversationID) throw refusals.invalidField("TransactionID");

  const question: StatusQuestion = {
    conversationId: conversationId(world.now()),
    originatorConversationId: merchantRequestId(),
    resultUrl: request.ResultURL,
    validInitiator: initiatorIsValid(world, request.Initiator, request.SecurityCredential),
    receipt: request.TransactionID,
    originalConversationId: request.OriginalConversationID,
  };
  schedule(world, SECOND, { kind: "answer_status", question });
  return acknowledge(c, question.conversationId, question.originatorConversationId);
}

function emptyAcknowledgement(c: Context): Response {
  const nothing = {
    ConversationID: "",
    OriginatorConversationID: "",
    ResponseCode: "",
    ResponseDescription: "",
  };
  return c.json(nothing);
}

/** Sends what M-Pesa knows about the transaction, under the question's own ids. */
export function answerStatus(world: World, question: StatusQuestion): void {
  const parameters = question.validInitiator ? findTransaction(world, question) : undefined;
  sendResult(world, question.resultUrl, {
    code: question.validInitiator ? (parameters ? "0" : "2033") : "2001",
    conversationId: question.conversationId,
    originatorConversationId: question.originatorConversationId,
    transactionId: failedReceiptNumber(world.now()),
    parameters,
    references: { Key: "Occasion" },
    codesAs: "number",
  });
}

function findTransaction(world: World, question: StatusQuestion): Parameter[] | undefined {
  const { receipt, originalConversationId } = question;
  const payout = originalConversationId
    ? findPayout(world, originalConversationId)
    : findPayoutByReceipt(world, receipt);
  if (payout) return payoutParameters(world, payout);
  const entry = findEntry(world, receipt);
  return entry && entryParameters(entry);
}

function payoutParameters(world: World, payout: Payout): Parameter[] {
  const finished = payout.finished_at ?? world.now();
  return [
    { Key: "DebitPartyName", Value: `${payout.payer} - ${world.config.organisationName}` },
    { Key: "DebitPartyName", Value: `${payout.payer} - ${world.config.organisationName}` },
    { Key: "OriginatorConversationID", Value: payout.originator_conversation_id },
    { Key: "ConversationID", Value: payout.conversation_id },
    { Key: "InitiatedTime", Value: Number(compactTime(payout.started_at)) },
    { Key: "DebitAccountType", Value: payout.kind === "b2c" ? "Utility Account" : "Working Account" },
    { Key: "DebitPartyCharges" },
    { Key: "TransactionReason" },
    { Key: "ReasonType", Value: payout.kind === "b2c" ? "Business Payment to Customer via API" : "Pay Bill" },
    { Key: "TransactionStatus", Value: statusOf(payout) },
    { Key: "FinalisedTime", Value: Number(compactTime(finished)) },
    { Key: "Amount", Value: payout.amount },
    { Key: "ReceiptNo", Value: payout.receipt ?? "" },
  ];
}

function statusOf({ result_code }: Payout): string {
  if (result_code === null) return "Initiated";
  return result_code === "0" ? "Completed" : "Declined";
}

const entryParameters = (entry: LedgerEntry): Parameter[] => [
  { Key: "DebitPartyName", Value: `${entry.payer} - Practice Customer` },
  { Key: "OriginatorConversationID", Value: "" },
  { Key: "ConversationID", Value: "" },
  { Key: "InitiatedTime", Value: Number(compactTime(entry.at)) },
  { Key: "DebitAccountType", Value: "MMF Account For Customer" },
  { Key: "DebitPartyCharges" },
  { Key: "TransactionReason" },
  { Key: "ReasonType", Value: "Pay Bill Online" },
  { Key: "TransactionStatus", Value: "Completed" },
  { Key: "FinalisedTime", Value: Number(compactTime(entry.at)) },
  { Key: "Amount", Value: entry.amount },
  { Key: "ReceiptNo", Value: entry.receipt },
];
