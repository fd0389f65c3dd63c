import { dottedTime } from "../../lib/clock.ts";
import { balanceOf } from "../../money/accounts.ts";
import type { World } from "../../world.ts";
import type { Payout } from "./payouts.ts";
import { queueTimeoutReference, type Result } from "./result.ts";

export type SettledPayout = Payout & { result_code: string; receipt: string };

/** A B2C result: numbers for codes and amounts, one bare reference, no parameters on failure. */
export function b2cResult(world: World, payout: SettledPayout): Result {
  return {
    code: payout.result_code,
    conversationId: payout.conversation_id,
    originatorConversationId: payout.originator_conversation_id,
    transactionId: payout.receipt,
    parameters: payout.result_code === "0" ? parameters(world, payout) : undefined,
    references: queueTimeoutReference("b2c"),
    codesAs: "number",
  };
}

const parameters = (world: World, payout: SettledPayout) => [
  { Key: "TransactionAmount", Value: payout.amount },
  { Key: "TransactionReceipt", Value: payout.receipt },
  { Key: "B2CRecipientIsRegisteredCustomer", Value: "Y" },
  { Key: "B2CChargesPaidAccountAvailableFunds", Value: 0 },
  { Key: "ReceiverPartyPublicName", Value: `${payout.payee} - Practice Customer` },
  { Key: "TransactionCompletedDateTime", Value: dottedTime(world.now()) },
  { Key: "B2CUtilityAccountAvailableFunds", Value: balanceOf(world, payout.payer, "utility") },
  { Key: "B2CWorkingAccountAvailableFunds", Value: balanceOf(world, payout.payer, "working") },
];
