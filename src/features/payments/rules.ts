import { ApiError } from "../../errors.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../../lib/clock.ts";
import type { PaymentResult } from "../../upstreams/daraja/port.ts";
import type { StoredKey } from "../keys/store.ts";
import type { StoredTransaction } from "./store.ts";

/** What the start's batch found: the key, whether the intent is stored, and who used the idempotency key before. */
export type StartView = {
  key: StoredKey | undefined;
  stored: StoredTransaction | undefined;
  prior: StoredTransaction | undefined;
};

/** After this a first request that never ended answers as an unclear outcome does. */
const IDEMPOTENCY_IN_PROGRESS_MS = 60 * SECOND_MS;
/** Locally, where pauses are shortened, a first request still has the time that it takes. */
const IDEMPOTENCY_IN_PROGRESS_AT_LEAST_MS = 10 * SECOND_MS;

/** What a request asks for, as a hash, and when; `scaled` shortens pauses locally. */
type Asked = { hash: string; now: number; scaled: (ms: number) => number };

/**
 * The order of the contract: authentication, idempotent replay, suspended, inactive; then the refusal
 * that the fraud rules or the phone's limit gave already, also of an intent that was stored ahead of
 * them, then the key's calls.
 * @returns the payment to go on with, or the one to answer again.
 */
export function judgeStart(
  view: StartView,
  request: Asked & { refusal?: ApiError | undefined },
): { kind: "started"; payment: StoredTransaction } | { kind: "replay"; payment: StoredTransaction } {
  const { key, stored, prior } = view;
  if (!key) throw new ApiError("INVALID_API_KEY");
  if (stored && request.refusal) throw request.refusal;
  if (stored) return { kind: "started", payment: stored };
  if (prior) return { kind: "replay", payment: assertReplay(prior, request) };
  if (key.suspendedAt !== null) throw new ApiError("KEY_SUSPENDED");
  if (key.expiresAt === null || key.expiresAt <= request.now) throw new ApiError("KEY_INACTIVE");
  if (request.refusal) throw request.refusal;
  if (key.callsLeft <= 0) throw new ApiError("LIMIT_REACHED");
  throw new ApiError("INTERNAL_ERROR", { cause: new Error("the start's guard refused for no known reason") });
}

/**
 * The payment that used the idempotency key before, to be answered again.
 * @throws IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_IN_PROGRESS
 */
export function assertReplay(prior: StoredTransaction, { hash, now, scaled }: Asked): StoredTransaction {
  if (prior.requestHash !== hash) throw new ApiError("IDEMPOTENCY_KEY_REUSED");
  if (isBeingAnswered(prior, { now, scaled })) {
    throw new ApiError("IDEMPOTENCY_IN_PROGRESS", { retryAfterSeconds: 1 });
  }
  return prior;
}

/** Whether the push may still be under way: which checkout id its answer tells is not decided yet. */
export function isBeingAnswered(
  { acknowledgement, createdAt }: Pick<StoredTransaction, "acknowledgement" | "createdAt">,
  { now, scaled }: Pick<Asked, "now" | "scaled">,
): boolean {
  const inProgressMs = Math.max(scaled(IDEMPOTENCY_IN_PROGRESS_MS), IDEMPOTENCY_IN_PROGRESS_AT_LEAST_MS);
  return acknowledgement === null && now - createdAt < inProgressMs;
}

/** Our own id for a payment whose checkout id M-Pesa's answer did not bring. */
export const provisionalCheckoutId = (id: string) => `sp_${id}`;

/**
 * The checkout request id that the merchant was told: M-Pesa's if its answer came, else our own, which
 * then stays for good, whatever is learnt later.
 */
export const publicCheckoutId = (
  t: Pick<StoredTransaction, "id" | "acknowledgement" | "checkoutRequestId">,
) =>
  t.acknowledgement === "accepted" && t.checkoutRequestId ? t.checkoutRequestId : provisionalCheckoutId(t.id);

/** What the text has on the prompt where the merchant names nothing. */
export const DEFAULT_REFERENCE = "SMARTPAY";
export const DEFAULT_DESCRIPTION = "SmartPay Payment";

/** What M-Pesa takes of a reference or description: so many letters, digits, spaces, `_` and `-`. */
export const forPrompt = (text: string, maxLength: number, fallback: string) =>
  text
    .replace(/[^A-Za-z0-9 _-]/g, "")
    .slice(0, maxLength)
    .trim() || fallback;

export type Evidence =
  | { source: "callback"; checkoutRequestId: string; merchantRequestId: string; result: PaymentResult }
  /** `silence`: a day without a result. `pull`: M-Pesa's own statement shows it as paid. `ruling`: the operator's word. */
  | { source: "query" | "silence" | "pull" | "ruling"; result: PaymentResult };

export type SettlementPlan =
  /** The payment changes from the status it was read in; the write's guard holds the same conditions. */
  | { kind: "complete"; verdict: "settled"; receipt: string | null; paidAt: number | undefined; desc: string }
  | { kind: "fail"; verdict: "settled"; code: string; desc: string }
  /** It was completed by a query, which knows no receipt. */
  | { kind: "fill_receipt"; verdict: "receipt_filled"; receipt: string }
  | { kind: "none"; verdict: string; needsOperator: boolean };

/** What M-Pesa's success says in its own words. */
export const SUCCESS_DESC = "The service request is processed successfully.";

const nothing = (verdict: string, needsOperator = false): SettlementPlan => ({
  kind: "none",
  verdict,
  needsOperator,
});

/**
 * What M-Pesa's word about a payment changes. A callback credits only if its checkout id (once known),
 * the amount and a receipt agree; a query's success is for the amount that was asked for.
 * A success is never undone, a failure is when a success is proved later.
 */
export function planSettlement(payment: StoredTransaction, evidence: Evidence): SettlementPlan {
  const { result } = evidence;
  if (evidence.source === "callback") {
    const known = payment.checkoutRequestId;
    if (known !== null && known !== evidence.checkoutRequestId) return nothing("wrong_checkout_id", true);
    if (result.kind === "paid" && result.amount !== payment.amount) return nothing("wrong_amount", true);
    if (result.kind === "paid" && !result.receipt) return nothing("no_receipt", true);
  }
  if (result.kind === "failed") {
    if (payment.status === "pending") return { ...result, kind: "fail", verdict: "settled" };
    return nothing(payment.status === "completed" ? "failure_after_success" : "duplicate");
  }
  const receipt = result.receipt ?? null;
  if (payment.status !== "completed") {
    return { kind: "complete", verdict: "settled", receipt, paidAt: result.paidAt, desc: result.desc };
  }
  if (receipt === null || receipt === payment.mpesaReceipt) return nothing("duplicate");
  if (payment.mpesaReceipt === null) return { kind: "fill_receipt", verdict: "receipt_filled", receipt };
  return nothing("second_receipt", true);
}

/** M-Pesa is asked about a payment from this age on. */
export const FIRST_QUERY_MS = 45 * SECOND_MS;
const QUERY_FAILURES_APART_MS = 30 * SECOND_MS;
const QUERY_FAILURE_NOT_BEFORE_MS = 180 * SECOND_MS;
const LONGEST_QUERY_PAUSE_MS = 30 * MINUTE_MS;
/** A payment without any proof is given up after this. */
export const GIVE_UP_MS = DAY_MS;

export const NO_RESULT = { code: "9999", desc: "No result from M-Pesa within 24 hours." };

/** How long one run has a payment to itself that it asks M-Pesa about. */
export const ASKING_LEASE_MS = MINUTE_MS;

/** 30 s, 45 s, 67 s … up to half an hour. */
export const queryPauseMs = (queriesSent: number) =>
  Math.min(Math.round(QUERY_FAILURES_APART_MS * 1.5 ** queriesSent), LONGEST_QUERY_PAUSE_MS);

/**
 * Whether a failure that a query reports is final: it takes two agreeing answers at least 30 s apart,
 * and never comes before 180 s, since a query has called paid payments failed.
 * Otherwise when to ask again. `scaled` shortens the pauses locally.
 */
export function judgeQueryFailure(
  payment: Pick<StoredTransaction, "createdAt" | "queryFailureCode" | "queryFailureAt">,
  code: string,
  now: number,
  scaled: (ms: number) => number,
): { final: true } | { final: false; askAgainAt: number; since: number } {
  const agrees = payment.queryFailureCode === code && payment.queryFailureAt !== null;
  const since = agrees && payment.queryFailureAt !== null ? payment.queryFailureAt : now;
  const notBefore = payment.createdAt + scaled(QUERY_FAILURE_NOT_BEFORE_MS);
  const secondAnswer = since + scaled(QUERY_FAILURES_APART_MS);
  if (agrees && now >= notBefore && now >= secondAnswer) return { final: true };
  return { final: false, askAgainAt: Math.max(secondAnswer, notBefore), since };
}
