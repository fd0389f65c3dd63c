import { eastAfricaTime, eastAfricaTimeOrNull } from "../../lib/clock.ts";
import type { StoredCallback } from "../callbacks/store.ts";
import type { StoredTransaction } from "../payments/store.ts";
import type { StoredPayout } from "../payouts/store.ts";
import { callbackSubject, type Effect } from "./rules.ts";
import type { StoredRuling } from "./store.ts";

export const presentRuling = (ruling: StoredRuling, effect?: Effect) => ({
  id: ruling.id,
  subject: ruling.subject,
  decision: ruling.decision,
  receipt: ruling.receipt,
  attach_to: ruling.attachTo,
  reason: ruling.reason,
  status: ruling.status,
  outcome: ruling.outcome,
  proposed_by: ruling.proposedBy,
  proposed_at: eastAfricaTime(ruling.proposedAt),
  decided_by: ruling.decidedBy,
  decided_at: eastAfricaTimeOrNull(ruling.decidedAt),
  ...(effect ? { effect } : {}),
});

export const presentUnclearCallback = (callback: StoredCallback) => ({
  subject: callbackSubject(callback),
  reference: callback.reference,
  source: callback.source,
  verdict: callback.verdict,
  body: callback.body,
  received_at: eastAfricaTime(callback.receivedAt),
});

export const presentUnclearPayment = (payment: StoredTransaction) => ({
  subject: payment.id,
  merchant_id: payment.merchantId,
  phone: payment.phone,
  amount: payment.amount,
  account_reference: payment.accountReference,
  acknowledgement: payment.acknowledgement,
  created_at: eastAfricaTime(payment.createdAt),
});

export const presentUnclearPayout = (payout: StoredPayout) => ({
  subject: payout.id,
  merchant_id: payout.merchantId,
  channel: payout.channel,
  target: payout.target,
  amount: payout.amount,
  fee: payout.fee,
  status: payout.status,
  sent_at: eastAfricaTimeOrNull(payout.sentAt),
});
