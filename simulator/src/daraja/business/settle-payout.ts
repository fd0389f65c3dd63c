import { failedReceiptNumber } from "../../lib/ids.ts";
import { type Account, balanceOf } from "../../money/accounts.ts";
import { post } from "../../money/ledger.ts";
import { receiveMessage } from "../../phone/messages.ts";
import { receivedMessage } from "../../phone/mpesa-messages.ts";
import type { World } from "../../world.ts";
import { b2bResult } from "./b2b-result.ts";
import { b2cResult } from "./b2c-result.ts";
import { findPayout, type Payout } from "./payouts.ts";
import { sendResult } from "./result.ts";

/** B2C spends what customers paid in; B2B spends the working account, which only the portal can fill. */
const PAYS_FROM: Record<Payout["kind"], Account> = { b2c: "utility", b2b: "working" };

/** Ends a payout, moves its money unless it is declined, and tells the business. */
export function settlePayout(world: World, conversationId: string, declined: string | undefined): void {
  const payout = findPayout(world, conversationId);
  if (!payout || payout.result_code !== null) return;

  const from = PAYS_FROM[payout.kind];
  const code = declined ?? (balanceOf(world, payout.payer, from) < payout.amount ? "1" : "0");
  const receipt = code === "0" ? pay(world, payout, from) : failedReceiptNumber(world.now());
  world.sql.exec(
    "UPDATE payouts SET result_code = ?, receipt = ?, finished_at = ? WHERE conversation_id = ?",
    code,
    receipt,
    world.now(),
    conversationId,
  );
  const settled = { ...payout, result_code: code, receipt };
  const result = payout.kind === "b2c" ? b2cResult(world, settled) : b2bResult(world, settled);
  sendResult(world, payout.result_url, result);
}

function pay(world: World, payout: Payout, from: Account): string {
  const receipt = post(world, {
    kind: payout.kind,
    payer: payout.payer,
    payerAccount: from,
    payee: payout.payee,
    payeeAccount: payout.payee === world.config.shortcode ? "utility" : payout.payee_kind,
    amount: payout.amount,
    accountReference: payout.account_reference,
    reference: payout.originator_conversation_id,
  });
  if (payout.payee_kind === "phone") {
    const balance = balanceOf(world, payout.payee, "phone");
    const name = world.config.organisationName;
    const text = receivedMessage(receipt, payout.amount, name, balance, world.now());
    receiveMessage(world, payout.payee, "MPESA", text);
  }
  return receipt;
}
