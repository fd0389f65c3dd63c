import type { z } from "zod";
import { parseDarajaTimestamp } from "../../lib/clock.ts";
import type {
  AcknowledgementOutcome,
  PasskeyVerdict,
  PaymentResult,
  PayoutResult,
  PushOutcome,
  QueryOutcome,
  StatementAnswer,
  StatementLine,
  StkCallback,
} from "./port.ts";
import {
  acknowledgement,
  errorAnswer,
  pullAnswer,
  pullRow,
  pushAnswer,
  queryAnswer,
  resultBody,
  stkCallbackBody,
} from "./wire.ts";

/** An answer as it came over HTTP; `json` is undefined where the body was none. */
export type HttpAnswer = { status: number; json: unknown };

/** For Daraja's own words, some of which hold the token. */
export const TOKEN_REFUSED = "Invalid Access Token";
const TOKEN_CODES = new Set(["404.001.03", "400.003.01", "401.002.01"]);

/** The access token was not accepted, in the words of one product or another: the request was not looked at. */
export const isTokenRefusal = ({ status, json }: HttpAnswer) =>
  status === 401 || TOKEN_CODES.has(errorAnswer.safeParse(json).data?.errorCode ?? "");

/**
 * The messages of `500.001.1001` that say that nothing was sent; the code itself means nothing.
 * With the lock of the subscriber another prompt is on the phone, not ours.
 */
const NOTHING_SENT = /Merchant does not exist|Wrong credentials|Unable to lock subscriber/i;
/** Shortcode or passkey, in the words of a refusal. */
const WRONG_SETTINGS = /Merchant does not exist|Wrong credentials/i;
const RATE_REFUSAL = /Spike Arrest|Quota Violation/i;

/** Tells a refusal from an answer that leaves open whether the prompt was sent. */
export function translatePush(answer: HttpAnswer): PushOutcome {
  const accepted = pushAnswer.safeParse(answer.json);
  if (answer.status === 200 && accepted.success && accepted.data.ResponseCode === "0") {
    const { CheckoutRequestID: checkoutRequestId, MerchantRequestID: merchantRequestId } = accepted.data;
    return { kind: "accepted", checkoutRequestId, merchantRequestId };
  }
  const isRefusal = [400, 404, 405].includes(answer.status);
  const error =
    errorAnswer.safeParse(answer.json).data ??
    apigeeFault(answer.json) ??
    (isRefusal && answer.json !== undefined ? unknownForm(answer) : undefined);
  if (!error) return { kind: "unclear", detail: `HTTP ${answer.status} and no answer we know` };
  const { errorCode: code, errorMessage: message } = error;
  const refused =
    isRefusal || RATE_REFUSAL.test(message) || (code === "500.001.1001" && NOTHING_SENT.test(message));
  const fault = WRONG_SETTINGS.test(message) ? "ours" : "payment";
  if (refused) return { kind: "refused", code, message, fault };
  return { kind: "unclear", detail: `HTTP ${answer.status} ${code} ${message}` };
}

/** Daraja looks at shortcode and passkey before it looks for the payment, and names which of them is wrong. */
export function passkeyVerdict(answer: HttpAnswer): PasskeyVerdict {
  const { status, json } = answer;
  if (isTokenRefusal(answer)) return { kind: "no_answer", detail: TOKEN_REFUSED };
  const message = errorAnswer.safeParse(json).data?.errorMessage;
  if (message === undefined) {
    return status === 200
      ? { kind: "right", detail: "Daraja took shortcode and passkey" }
      : { kind: "no_answer", detail: `HTTP ${status} and no answer we know` };
  }
  if (WRONG_SETTINGS.test(message)) return { kind: "wrong", detail: message };
  if (/transaction does not exist|Invalid CheckoutRequestID/i.test(message)) {
    return { kind: "right", detail: "Daraja took shortcode and passkey" };
  }
  return { kind: "no_answer", detail: `HTTP ${status}: ${message}` };
}

/** Apigee, in front of Daraja, has a form of its own: `{fault: {faultstring, detail: {errorcode}}}`. */
function apigeeFault(json: unknown): { errorCode: string; errorMessage: string } | undefined {
  if (typeof json !== "object" || json === null || !("fault" in json)) return undefined;
  return { errorCode: "fault", errorMessage: JSON.stringify(json.fault).slice(0, 200) };
}

/** A refusal in JSON of a form that nobody has described. */
const unknownForm = ({ status, json }: HttpAnswer) => ({
  errorCode: String(status),
  errorMessage: JSON.stringify(json).slice(0, 200),
});

const UNKNOWN_DETAILS = { amount: undefined, receipt: undefined, paidAt: undefined };

/** 4999 is "still under processing"; any error answer, whatever its text, is no answer at all. */
export function translateQuery(answer: HttpAnswer): QueryOutcome {
  if (isTokenRefusal(answer)) return { kind: "no_answer", detail: TOKEN_REFUSED };
  const parsed = queryAnswer.safeParse(answer.json);
  if (answer.status !== 200 || !parsed.success || parsed.data.ResponseCode !== "0") {
    const error = errorAnswer.safeParse(answer.json).data;
    return {
      kind: "no_answer",
      detail: error ? `${error.errorCode} ${error.errorMessage}` : `HTTP ${answer.status}`,
    };
  }
  const { ResultCode: code, ResultDesc: desc } = parsed.data;
  if (code === "4999") return { kind: "no_answer", detail: desc };
  if (code !== "0") return { kind: "answered", result: { kind: "failed", code, desc } };
  return { kind: "answered", result: { ...UNKNOWN_DETAILS, kind: "paid", desc } };
}

/** Items are read by name, since their order and number vary. Undefined for what is no STK callback. */
export function translateStkCallback(json: unknown): StkCallback | undefined {
  const parsed = stkCallbackBody.safeParse(json);
  if (!parsed.success) return undefined;
  const callback = parsed.data.Body.stkCallback;
  const items = new Map(callback.CallbackMetadata?.Item.map((item) => [item.Name, item.Value]));
  const receipt = items.get("MpesaReceiptNumber");
  const result: PaymentResult =
    callback.ResultCode === "0"
      ? {
          kind: "paid",
          amount: items.has("Amount") ? Number(items.get("Amount")) : undefined,
          receipt: receipt ? String(receipt) : undefined,
          paidAt: parseDarajaTimestamp(String(items.get("TransactionDate") ?? "")),
          desc: callback.ResultDesc,
        }
      : { kind: "failed", code: callback.ResultCode, desc: callback.ResultDesc };
  return {
    checkoutRequestId: callback.CheckoutRequestID,
    merchantRequestId: callback.MerchantRequestID,
    result,
  };
}

/** Tells what was surely not begun from what may be under way: money must never be sent again on a guess. */
export function translateAcknowledgement(answer: HttpAnswer): AcknowledgementOutcome {
  const accepted = acknowledgement.safeParse(answer.json);
  if (answer.status === 200 && accepted.success && accepted.data.ResponseCode === "0") {
    const { ConversationID: conversationId, OriginatorConversationID: originatorId } = accepted.data;
    return { kind: "accepted", conversationId, originatorId };
  }
  const error = errorAnswer.safeParse(answer.json).data ?? apigeeFault(answer.json);
  if (!error) return { kind: "unclear", detail: `HTTP ${answer.status} and no answer we know` };
  const { errorCode: code, errorMessage: message } = error;
  if (/Duplicate OriginatorConversationID/i.test(message)) return { kind: "duplicate" };
  const refused = [400, 401, 404, 405].includes(answer.status) || RATE_REFUSAL.test(message);
  if (!refused) return { kind: "unclear", detail: `HTTP ${answer.status} ${code} ${message}` };
  return { kind: "refused", code, message, fault: faultOf(code, message) };
}

/** The fields of a payout request that hold the operator's settings, in the words of a refusal. */
const OUR_FIELDS =
  /Initiator|SecurityCredential|PartyA|Shortcode|CommandID|IdentifierType|ResultURL|QueueTimeOut/i;

function faultOf(code: string, message: string): "payment" | "ours" | "busy" {
  if (RATE_REFUSAL.test(message)) return "busy";
  return code.startsWith("400.002") && !OUR_FIELDS.test(message) ? "payment" : "ours";
}

/** Parameters are read by name: a name may come twice, and a value may be missing. */
export function translateResult(json: unknown): PayoutResult | undefined {
  const parsed = resultBody.safeParse(json);
  if (!parsed.success) return undefined;
  const { Result: result } = parsed.data;
  const list = [result.ResultParameters?.ResultParameter ?? []].flat();
  const parameters = new Map(list.map(({ Key, Value }) => [Key, Value]));
  const text = (...names: string[]) => {
    const values = names.map((name) => parameters.get(name));
    const value = values.find((v) => typeof v === "number" || (typeof v === "string" && v !== ""));
    return value === undefined ? undefined : String(value);
  };
  const amount = text("TransactionAmount", "Amount");
  return {
    conversationId: result.ConversationID,
    originatorId: result.OriginatorConversationID,
    code: result.ResultCode,
    desc: result.ResultDesc,
    receipt: text("TransactionReceipt", "ReceiptNo"),
    transactionId: result.TransactionID || undefined,
    amount: amount === undefined ? undefined : Number(amount),
    transactionStatus: text("TransactionStatus"),
    funds: fundsIn(text),
  };
}

/**
 * Of the account that the payout was made from: B2C tells of Working too, from which a gateway that pays
 * phones alone never pays. B2B's is `Working Account|KES|current|available|…`.
 */
function fundsIn(text: (...names: string[]) => string | undefined): PayoutResult["funds"] {
  const affected = /^Working Account\|KES\|[^|]*\|([^|]*)/.exec(
    text("DebitPartyAffectedAccountBalance") ?? "",
  )?.[1];
  const told = {
    utility: text("B2CUtilityAccountAvailableFunds"),
    working: affected,
  };
  return Object.fromEntries(
    Object.entries(told).flatMap(([account, amount]) => {
      const whole = Math.floor(Number(amount ?? Number.NaN));
      return Number.isSafeInteger(whole) ? [[account, whole]] : [];
    }),
  );
}

/** In the words of whichever system of theirs answers, with HTTP 200, 404 or 500. */
const NO_PAYMENTS =
  /\bno (transactions|records)\b|\bno (transaction|record|data) found|(transactions?|records?|data) not found/i;

/** An empty period is an answer, in whatever form it comes; only silence and refusals are none. */
export function translatePull(answer: HttpAnswer): StatementAnswer {
  const { status, json } = answer;
  if (isTokenRefusal(answer)) return { kind: "no_answer", detail: TOKEN_REFUSED };
  const { ResponseCode: code, ResponseMessage: message, Response } = pullAnswer.safeParse(json).data ?? {};
  const rows = (Response ?? []).flat();
  const error = errorAnswer.safeParse(json).data?.errorMessage ?? message ?? "";
  const isTold = status === 200 && (code === "1000" || code === "1001" || rows.length > 0);
  if (!isTold && !NO_PAYMENTS.test(error)) {
    return { kind: "no_answer", detail: `HTTP ${status}: ${error || "no answer we know"}` };
  }
  const read = rows.map((row) => pullRow.safeParse(row));
  return {
    kind: "told",
    rows: rows.length,
    lines: read.flatMap(({ data }) => (data ? [statementLine(data)] : [])),
    leftOut: read.flatMap(({ error }) => (error ? [error.issues.map(({ path }) => path.join("."))] : [])),
  };
}

const statementLine = (row: z.output<typeof pullRow>): StatementLine => ({
  receipt: row.transactionId,
  phone: statementPhone(row.msisdn ?? ""),
  amount: row.amount,
  reference: row.billreference ?? "",
  paidAt: row.trxDate,
});

/** A statement shows phones in full or masked, as 254…, 0… or without either: `722000000`, `2547 ***** 126`. */
function statementPhone(text: string): string {
  const digits = text.replace(/[+\s-]/g, "").replace(/[^\d]/g, "*");
  const [, subscriber] = /^(?:254|0)?([17*][\d*]{8})$/.exec(digits) ?? [];
  return subscriber ? `254${subscriber}` : digits;
}
