import { compactTime } from "../../lib/clock.ts";
import { balanceOf } from "../../money/accounts.ts";
import { payeeName } from "../../money/payees.ts";
import type { World } from "../../world.ts";
import type { SettledPayout } from "./b2c-result.ts";
import { queueTimeoutReference, type Result } from "./result.ts";

/** A B2B result: everything as text, and on failure one bare parameter. */
export function b2bResult(world: World, payout: SettledPayout): Result {
  return {
    code: payout.result_code,
    conversationId: payout.conversation_id,
    originatorConversationId: payout.originator_conversation_id,
    transactionId: payout.receipt,
    parameters:
      payout.result_code === "0"
        ? parameters(world, payout)
        : { Key: "BOCompletedTime", Value: compactTime(world.now()) },
    references: [
      { Key: "BillReferenceNumber", Value: payout.account_reference },
      queueTimeoutReference("b2b"),
    ],
    codesAs: "text",
  };
}

function parameters(world: World, payout: SettledPayout) {
  const balance = `${balanceOf(world, payout.payer, "working")}.00`;
  const structured = `{Amount={CurrencyCode=KES, MinimumAmount=${balance.replace(".", "")}, BasicAmount=${balance}}}`;
  return [
    { Key: "DebitAccountBalance", Value: structured },
    { Key: "Amount", Value: `${payout.amount}.00` },
    {
      Key: "DebitPartyAffectedAccountBalance",
      Value: `Working Account|KES|${balance}|${balance}|0.00|0.00`,
    },
    { Key: "TransCompletedTime", Value: compactTime(world.now()) },
    { Key: "DebitPartyCharges" },
    { Key: "ReceiverPartyPublicName", Value: `${payout.payee} - ${receiver(world, payout)}` },
    { Key: "Currency", Value: "KES" },
    { Key: "InitiatorAccountCurrentBalance", Value: structured },
  ];
}

const receiver = (world: World, { payee, payee_kind }: SettledPayout) =>
  payeeName(world, payee, payee_kind === "till" ? "till" : "paybill");
