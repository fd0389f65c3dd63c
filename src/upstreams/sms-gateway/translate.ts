import { parseJson } from "../../lib/json.ts";
import { parseMsisdn } from "../../lib/msisdn.ts";
import type { DeliveryReport, SmsOutcome } from "./port.ts";
import { type Messaging, messagingAnswer, reportBody } from "./wire.ts";

/** Processed, sent, queued. */
const ACCEPTED = new Set([100, 101, 102]);

/** The codes by which a recipient is refused, as a merchant should read them. */
const REFUSALS: Record<number, string> = {
  401: "The SMS gateway holds this message back as a risk.",
  402: "The SMS gateway does not accept the sender id.",
  403: "The SMS gateway does not know this phone number.",
  404: "The SMS gateway does not send to this type of number.",
  405: "The SMS service has run out of funds. The operator has to top it up.",
  406: "The recipient has blocked messages from this sender.",
  407: "The SMS gateway has no route to this number.",
  500: "The SMS gateway failed before it sent the message.",
  501: "The SMS gateway failed before it sent the message.",
  502: "The SMS gateway rejected the message.",
};

/** The sender id and the gateway's account are the operator's: no other message would go either. */
const OPERATORS_TROUBLES = new Set([402, 405]);

const beginningOf = (text: string) => text.trim().slice(0, 200);

/** Tells a refusal from an answer that leaves open whether the message was sent. */
export function translateSending({ status, text }: { status: number; text: string }): SmsOutcome {
  const detail = `HTTP ${status} ${beginningOf(text)}`;
  if (status >= 200 && status < 300) {
    const parsed = messagingAnswer.safeParse(parseJson(text));
    return parsed.success ? translateRecipient(parsed.data.SMSMessageData) : { kind: "unclear", detail };
  }
  // Its refusals are plain text, such as a 401's "The supplied authentication is invalid"; HTML is
  // somebody else's on the way, and a 408 may have come after the message was taken.
  const isItsOwn = !/^\s*</.test(text);
  if (status >= 400 && status < 500 && status !== 408 && isItsOwn) {
    return { kind: "refused", reason: "The SMS gateway refused the request.", detail, isOperators: true };
  }
  return { kind: "unclear", detail };
}

/** We send to one number a request, so the first recipient is the only one. */
function translateRecipient({ Message, Recipients }: Messaging): SmsOutcome {
  const recipient = Recipients[0];
  if (!recipient) {
    const reason = (Message === "InvalidSenderId" && REFUSALS[402]) || "The SMS gateway refused the request.";
    return { kind: "refused", reason, detail: beginningOf(Message), isOperators: true };
  }
  const { statusCode, status, messageId } = recipient;
  if (ACCEPTED.has(statusCode)) {
    return { kind: "accepted", providerId: messageId && messageId !== "None" ? messageId : null };
  }
  const reason = REFUSALS[statusCode];
  const detail = `${statusCode} ${beginningOf(status)}`;
  if (!reason) return { kind: "unclear", detail };
  return { kind: "refused", reason, detail, isOperators: OPERATORS_TROUBLES.has(statusCode) };
}

/** Why a network did not deliver, as a merchant should read it. */
const FAILURES: Record<string, string> = {
  InsufficientCredit: "The recipient has not enough airtime for this message.",
  InvalidLinkId: "The network did not accept the message.",
  UserIsInactive: "The recipient's line is not active.",
  UserInBlackList: "The recipient has blocked messages from this sender.",
  UserAccountSuspended: "The recipient's line is suspended.",
  UserDoesNotExist: "No line has this number.",
  NotNetworkSubscriber: "This number does not belong to the network it was sent to.",
  DeliveryFailure: "The network could not deliver the message.",
};

/**
 * A delivery report: undefined for what is none, `interim` while nothing is final. Only these three
 * statuses are; whatever else may be added one day is no reason to change anything.
 */
export function translateReport(body: unknown): DeliveryReport | "interim" | undefined {
  const parsed = reportBody.safeParse(body);
  if (!parsed.success) return undefined;
  const { id: providerId, status, phoneNumber, failureReason } = parsed.data;
  const known = { providerId, phone: parseMsisdn(phoneNumber) };
  switch (status) {
    case "Success":
      return { ...known, result: { kind: "delivered" } };
    case "Failed":
    case "Rejected": {
      const reason = FAILURES[failureReason ?? ""] ?? "The network could not deliver the message.";
      return { ...known, result: { kind: "failed", reason } };
    }
    default:
      return "interim";
  }
}
