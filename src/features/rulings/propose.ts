import { ApiError } from "../../errors.ts";
import { isPayoutId, isTransactionId, timeOrderedHex } from "../../lib/ids.ts";
import type { Act } from "../audit/store.ts";
import { type EffectDeps, effectOf } from "./effect.ts";
import { type Effect, parseCallbackSubject } from "./rules.ts";
import { findCallback, findPaymentById, findPayoutById, type StoredRuling, storeProposal } from "./store.ts";

export type Proposal =
  /** `subject`: a payment's or a payout's id. */
  | { subject: string; decision: "paid"; receipt: string }
  | { subject: string; decision: "not_paid" }
  /** `subject`: the callback, `cb:`, the payment or payout that its URL named, `:`, and its own id. */
  | { subject: string; decision: "dismiss" }
  | { subject: string; decision: "attach"; attachTo: string };

/**
 * The first of a ruling's two steps: stores what an operator means to rule, and answers what that would do.
 * Nothing is changed by it but the log.
 * @throws NOT_FOUND, INVALID_FIELD, RULING_CONFLICT where the rules do not allow it, or another waits.
 */
export async function propose(
  deps: EffectDeps,
  proposal: Proposal,
  act: Act,
): Promise<{ ruling: StoredRuling; effect: Effect }> {
  const ruling = await rulingOf(deps, proposal, act);
  const effect = await effectOf(deps, ruling);
  if (!effect.possible) throw new ApiError("RULING_CONFLICT", { message: effect.why });
  if (!(await storeProposal(deps.db, ruling, act))) {
    throw new ApiError("RULING_CONFLICT", { message: "A ruling on this is proposed already." });
  }
  return { ruling, effect };
}

async function rulingOf(deps: EffectDeps, proposal: Proposal, act: Act): Promise<StoredRuling> {
  const { subject, decision } = proposal;
  const now = deps.now();
  const base = {
    id: `ru_${timeOrderedHex(now)}`,
    subject,
    decision,
    receipt: proposal.decision === "paid" ? proposal.receipt : null,
    callbackId: null,
    attachTo: null,
    attachToMerchantId: null,
    attempt: null,
    reason: act.reason,
    status: "proposed" as const,
    outcome: null,
    proposedBy: act.actor,
    proposedAt: now,
    decidedBy: null,
    decidedAt: null,
  };
  const isOnCallback = decision === "dismiss" || decision === "attach";
  const named = parseCallbackSubject(subject);
  if (named && isOnCallback) {
    const { reference, id: callbackId } = named;
    const callback = await findCallback(deps.db, reference, callbackId);
    if (!callback) throw noSubject();
    const target = proposal.decision === "attach" ? await payment(deps, proposal.attachTo) : undefined;
    return {
      ...base,
      kind: "callback",
      reference,
      callbackId,
      merchantId: callback.merchantId,
      attachTo: target?.id ?? null,
      attachToMerchantId: target?.merchantId ?? null,
    };
  }
  if (isTransactionId(subject) && !isOnCallback) {
    const { merchantId } = await payment(deps, subject);
    return { ...base, kind: "payment", reference: subject, merchantId };
  }
  if (isPayoutId(subject) && !isOnCallback) {
    const payout = await findPayoutById(deps.db, subject);
    if (!payout) throw noSubject();
    const { merchantId, attempt } = payout;
    return { ...base, kind: "payout", reference: subject, merchantId, attempt };
  }
  throw new ApiError("INVALID_FIELD", {
    message: "Payments and payouts are ruled paid or not_paid, callbacks are attached or dismissed.",
    fields: [{ field: "subject", message: "must be a payment's, payout's or callback's id" }],
  });
}

async function payment(deps: EffectDeps, id: string) {
  const found = isTransactionId(id) ? await findPaymentById(deps.db, id) : undefined;
  if (!found) throw noSubject();
  return found;
}

const noSubject = () =>
  new ApiError("NOT_FOUND", { message: "There is no payment, payout or callback with this id." });
