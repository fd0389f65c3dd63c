import type { Context } from "hono";
import { schedule } from "../../jobs/queue.ts";
import { compactTime, SECOND } from "../../lib/clock.ts";
import { conversationId, failedReceiptNumber, merchantRequestId } from "../../lib/ids.ts";
import { balanceOf } from "../../money/accounts.ts";
import { findEntry, findReversalOf, post } from "../../money/ledger.ts";
import type { World } from "../../world.ts";
import * as fields from "../fields.ts";
import { readFields } from "../fields.ts";
import { acknowledge, initiatorIsValid } from "./acknowledge.ts";
import { type Parameter, queueTimeoutReference, sendResult } from "./result.ts";

/** A reversal to be decided a second later. */
export type ReversalRequest = {
  conversationId: string;
  originatorConversationId: string;
  resultUrl: string;
  validInitiator: boolean;
  receipt: string;
  amount: number;
};

const checks = {
  Initiator: fields.present,
  SecurityCredential: fields.present,
  CommandID: fields.oneOf("TransactionReversal"),
  TransactionID: fields.present,
  Amount: fields.wholeShillings,
  ReceiverParty: fields.shortcode,
  RecieverIdentifierType: fields.oneOf("11"),
  ResultURL: fields.callbackUrl,
  QueueTimeOutURL: fields.callbackUrl,
  Remarks: fields.matches(/^.{2,100}$/s),
};

/** `POST /mpesa/reversal/v1/request`: gives a customer's payment back. Payouts cannot be reversed. */
export async function reversal(world: World, c: Context): Promise<Response> {
  const fieldsOf = await readFields(c, checks);
  const request: ReversalRequest = {
    conversationId: conversationId(world.now()),
    originatorConversationId: merchantRequestId(),
    resultUrl: fieldsOf.ResultURL,
    validInitiator: initiatorIsValid(world, fieldsOf.Initiator, fieldsOf.SecurityCredential),
    receipt: fieldsOf.TransactionID,
    amount: Number(fieldsOf.Amount),
  };
  schedule(world, SECOND, { kind: "settle_reversal", request });
  return acknowledge(c, request.conversationId, request.originatorConversationId);
}

/** Moves the money back out of the utility account, and tells the business. */
export function settleReversal(world: World, request: ReversalRequest): void {
  const code = request.validInitiator ? decide(world, request) : "2001";
  const receipt = code === "0" ? giveBack(world, request) : failedReceiptNumber(world.now());
  sendResult(world, request.resultUrl, {
    code,
    conversationId: request.conversationId,
    originatorConversationId: request.originatorConversationId,
    transactionId: receipt,
    parameters: code === "0" ? parameters(world, request) : undefined,
    references: queueTimeoutReference("reversal"),
    codesAs: "number",
  });
}

function decide(world: World, { receipt, amount }: ReversalRequest): string {
  const { shortcode } = world.config;
  const entry = findEntry(world, receipt);
  if (entry?.kind !== "stk" || entry.payee !== shortcode || amount > entry.amount) return "R000002";
  if (findReversalOf(world, receipt)) return "R000001";
  return balanceOf(world, shortcode, "utility") < amount ? "1" : "0";
}

function giveBack(world: World, { receipt, amount }: ReversalRequest): string {
  const entry = findEntry(world, receipt);
  return post(world, {
    kind: "reversal",
    payer: world.config.shortcode,
    payerAccount: "utility",
    payee: entry?.payer ?? "",
    payeeAccount: "phone",
    amount,
    accountReference: entry?.account_reference ?? "",
    reference: receipt,
  });
}

const parameters = (world: World, { receipt, amount }: ReversalRequest): Parameter[] => [
  { Key: "Amount", Value: amount },
  { Key: "TransCompletedTime", Value: Number(compactTime(world.now())) },
  { Key: "OriginalTransactionID", Value: receipt },
  { Key: "Charge", Value: 0 },
  { Key: "CreditPartyPublicName", Value: `${findEntry(world, receipt)?.payer} - Practice Customer` },
  { Key: "DebitPartyPublicName", Value: `${world.config.shortcode} - ${world.config.organisationName}` },
];
