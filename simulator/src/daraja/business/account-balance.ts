import type { Context } from "hono";
import { schedule } from "../../jobs/queue.ts";
import { compactTime, SECOND } from "../../lib/clock.ts";
import { conversationId, failedReceiptNumber, merchantRequestId } from "../../lib/ids.ts";
import { balanceOf } from "../../money/accounts.ts";
import type { World } from "../../world.ts";
import * as fields from "../fields.ts";
import { readFields } from "../fields.ts";
import { refusals } from "../refusals.ts";
import { acknowledge, initiatorIsValid } from "./acknowledge.ts";
import { queueTimeoutReference, sendResult } from "./result.ts";

/** A question about the balance, to be answered a second later. */
export type BalanceQuestion = {
  conversationId: string;
  originatorConversationId: string;
  resultUrl: string;
  validInitiator: boolean;
};

const checks = {
  Initiator: fields.present,
  SecurityCredential: fields.present,
  CommandID: fields.oneOf("AccountBalance"),
  PartyA: fields.shortcode,
  IdentifierType: fields.oneOf("4"),
  Remarks: fields.present,
  QueueTimeOutURL: fields.callbackUrl,
  ResultURL: fields.callbackUrl,
};

/** `POST /mpesa/accountbalance/v1/query` */
export async function accountBalance(world: World, c: Context): Promise<Response> {
  const request = await readFields(c, checks);
  if (request.PartyA !== world.config.shortcode) throw refusals.invalidField("PartyA");
  const question: BalanceQuestion = {
    conversationId: conversationId(world.now()),
    originatorConversationId: merchantRequestId(),
    resultUrl: request.ResultURL,
    validInitiator: initiatorIsValid(world, request.Initiator, request.SecurityCredential),
  };
  schedule(world, SECOND, { kind: "answer_balance", question });
  return acknowledge(c, question.conversationId, question.originatorConversationId);
}

/** Sends the balances as one line: `Working Account|KES|1000000.00|1000000.00|0.00|0.00&Utility Account|…`. */
export function answerBalance(world: World, question: BalanceQuestion): void {
  const { validInitiator, resultUrl, ...ids } = question;
  sendResult(world, resultUrl, {
    ...ids,
    code: validInitiator ? "0" : "2001",
    transactionId: failedReceiptNumber(world.now()),
    parameters: validInitiator
      ? [
          { Key: "AccountBalance", Value: balances(world) },
          { Key: "BOCompletedTime", Value: Number(compactTime(world.now())) },
        ]
      : undefined,
    references: queueTimeoutReference("ab"),
    codesAs: "text",
  });
}

function balances(world: World): string {
  const { shortcode } = world.config;
  const accounts: [string, number][] = [
    ["Working Account", balanceOf(world, shortcode, "working")],
    ["Utility Account", balanceOf(world, shortcode, "utility")],
    ["Charges Paid Account", 0],
    ["Organization Settlement Account", 0],
  ];
  return accounts.map(([name, amount]) => `${name}|KES|${amount}.00|${amount}.00|0.00|0.00`).join("&");
}
