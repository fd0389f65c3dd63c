import { eastAfricaTime, eastAfricaTimeOrNull } from "../../lib/clock.ts";
import { storedDestination } from "../keys/destination.ts";
import { presentPayoutSummary } from "../payouts/present.ts";
import type { StoredPayout } from "../payouts/store.ts";
import { webhookBody } from "../webhooks/rules.ts";
import { publicCheckoutId } from "./rules.ts";
import type { PushAnswer } from "./send.ts";
import type { StoredTransaction } from "./store.ts";

/** The one form in which a merchant sees a payment. */
export function presentTransaction(t: StoredTransaction, payout: StoredPayout | undefined) {
  return {
    id: t.id,
    checkout_request_id: publicCheckoutId(t),
    merchant_request_id: t.merchantRequestId,
    phone: t.phone,
    amount: t.amount,
    account_reference: t.accountReference,
    description: t.description,
    status: t.status,
    result_code: t.resultCode,
    result_desc: t.resultDesc,
    mpesa_receipt: t.mpesaReceipt,
    destination: storedDestination(t.destination),
    payout: payout ? presentPayoutSummary(payout) : null,
    metadata: t.metadata === null ? null : (JSON.parse(t.metadata) as Record<string, string>), // checked when stored
    created_at: eastAfricaTime(t.createdAt),
    completed_at: eastAfricaTimeOrNull(t.completedAt),
  };
}

/** A final payment in the form in which a webhook tells it. */
export const presentResult = (t: StoredTransaction) =>
  webhookBody({
    merchantRequestId: t.merchantRequestId ?? "",
    checkoutRequestId: publicCheckoutId(t),
    resultCode: t.resultCode ?? "",
    resultDesc: t.resultDesc ?? "",
    ...(t.status === "completed"
      ? {
          payment: {
            amount: t.amount,
            receipt: t.mpesaReceipt ?? t.id,
            paidAt: t.paidAt ?? t.completedAt ?? t.createdAt,
            phone: t.phone,
          },
        }
      : {}),
  });

const SENT = "STK Push initiated successfully.";
const UNCLEAR =
  "M-Pesa has not confirmed the STK Push yet. Do not send it again: wait for the webhook, or query this transaction.";

const SETTLED: Record<StoredTransaction["status"], string> = {
  pending: UNCLEAR,
  completed: "The payment is completed.",
  failed: "The payment has failed: `transaction` says why.",
};

/** The answer to a push, of a payment as well as of a purchase; `status` is what it came to while it was waited for. */
export const presentPush = (answer: PushAnswer, status: StoredTransaction["status"] = "pending") => ({
  message: answer.accepted ? SENT : SETTLED[status],
  checkout_request_id: answer.checkoutRequestId,
  merchant_request_id: answer.merchantRequestId,
  transaction_id: answer.transactionId,
});
