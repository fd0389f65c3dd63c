import type { Db } from "../../db/client.ts";
import type { Config } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { newPayoutId, storedMerchantId } from "../../lib/ids.ts";
import { claimOf, firstAnswer } from "../idempotency/claim.ts";
import { holdPosting } from "../ledger/rules.ts";
import type { WithdrawalRequest } from "./contract.ts";
import type { PayoutMessage } from "./message.ts";
import { presentWithdrawal } from "./present.ts";
import { targetOf } from "./rules.ts";
import { readForWithdrawal, type StoredPayout, storeWithdrawal } from "./store.ts";

export type WithdrawDeps = {
  db: Db;
  now: Clock;
  config: Pick<Config, "payoutFees">;
  payoutQueue: Pick<Queue<PayoutMessage>, "send">;
  background: (work: Promise<unknown>) => void;
};

/**
 * Takes money out of the wallet to one of the merchant's verified phones. It is held at once, in the
 * write that stores the withdrawal, and paid or given back exactly once.
 * @throws MISSING_FIELDS without an Idempotency-Key, INVALID_PHONE for a phone that is not verified,
 * INSUFFICIENT_BALANCE, IDEMPOTENCY_KEY_REUSED
 */
export async function withdraw(
  deps: WithdrawDeps,
  merchant: number,
  request: WithdrawalRequest,
  idempotencyKey: string | null,
): Promise<{ answer: object; isReplay: boolean }> {
  if (idempotencyKey === null) {
    throw new ApiError("MISSING_FIELDS", {
      message: "Send an Idempotency-Key header with a withdrawal, so that it is never made twice.",
      fields: [{ field: "Idempotency-Key", message: "This header is required." }],
    });
  }
  const merchantId = storedMerchantId(merchant);
  const claim = await claimOf(`merchant:${merchant} withdrawals`, idempotencyKey, request);
  const before = await readForWithdrawal(deps.db, merchantId, request.phone, claim);
  if (before.prior && claim) return { answer: firstAnswer(before.prior, claim), isReplay: true };
  if (!before.isVerified) {
    throw new ApiError("INVALID_PHONE", {
      message: "Money is paid out to your verified phones only. Verify this number in the dashboard first.",
      fields: [{ field: "phone", message: "must be one of your verified phones" }],
    });
  }

  const now = deps.now();
  const destination = { method: "phone", phone: request.phone } as const;
  const fee = deps.config.payoutFees.b2c;
  const payout: StoredPayout = {
    ...UNTOUCHED,
    merchantId,
    id: newPayoutId(now),
    destination: JSON.stringify(destination),
    target: targetOf(destination),
    amount: request.amount,
    fee,
    dueAt: now,
    createdAt: now,
  };
  const answer = { withdrawal: presentWithdrawal(payout) };
  const postings = [holdPosting(merchantId, request.amount + fee)];
  const view = await storeWithdrawal(deps.db, payout, postings, claim && { claim, body: answer });
  if (view.prior && claim && !view.isStored)
    return { answer: firstAnswer(view.prior, claim), isReplay: true };
  if (!view.isStored) throw new ApiError("INSUFFICIENT_BALANCE");
  deps.background(deps.payoutQueue.send({ merchantId, id: payout.id }));
  return { answer, isReplay: false };
}

const UNTOUCHED = {
  transactionId: null,
  channel: "b2c",
  status: "queued",
  attempt: 0,
  originatorId: null,
  conversationId: null,
  darajaOriginatorId: null,
  receipt: null,
  reason: null,
  absentCount: 0,
  absentSince: null,
  statusQueryCount: 0,
  heldUpAt: null,
  sentAt: null,
  finishedAt: null,
} as const;
