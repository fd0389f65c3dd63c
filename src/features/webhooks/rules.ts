import { darajaTimestamp, eastAfricaTime } from "../../lib/clock.ts";

export type Attempt = {
  at: number;
  status: number | null;
  durationMs: number;
  /** The first 2,000 characters of what the merchant's server answered. */
  response: string;
  error: string | null;
};

export const ATTEMPT_TIMEOUT_MS = 5_000;
export const RESPONSE_KEPT = 2_000;
/** Of a delivery's attempts, replays' too, the last so many: a row holds 2 MB at most. */
export const ATTEMPTS_KEPT = 20;

/** How long an attempt under way keeps its delivery from the sweep. */
export const ATTEMPT_LEASE_MS = 60_000;

/** The id of a delivery: `wh_`, the hex of what it tells of, so that ids sort by its age, and the result. */
export const isDeliveryId = (text: string) => /^wh_[0-9a-f]{32}_(?:completed|failed|test)$/.test(text);

/** The deliveries that the results of this payment can have. */
export const deliveryIdsOf = (payment: string) =>
  (["failed", "completed"] as const).map((result) => deliveryIdOf(payment, result));

export const deliveryIdOf = (payment: string, result: "completed" | "failed") =>
  `wh_${payment.slice("tx_".length)}_${result}`;

/** The id of the delivery whose success overtakes a failure's; undefined for what nothing overtakes. */
export const overtakerOf = (id: string) =>
  id.endsWith("_failed") ? id.replace(/_failed$/, "_completed") : undefined;

/** The attempts in a row of ours: the last, oldest first. */
export const storedAttempts = (text: string) => JSON.parse(text) as Attempt[];

/** The attempts of a row and one more, as they are stored. */
export const withAttempt = (text: string, attempt: Attempt) =>
  JSON.stringify([...storedAttempts(text), attempt].slice(-ATTEMPTS_KEPT));

/** Whose deliveries a call is about: all of the merchant's, or one key's own. */
export type Owner = { merchantId: number; keyId: number | undefined };

/** Who reads deliveries: a key, or a merchant by itself, who sees all of them. */
export type DeliveryReader = { id: number; merchantId: number; scope: "full" | "payments" };

export const ownerOf = (key: DeliveryReader): Owner => ({
  merchantId: key.merchantId,
  keyId: key.scope === "full" ? undefined : key.id,
});

/** Whether an attempt is being made now, or is about to be. A retry that waits is due later than a lease from now. */
export const isUnderWay = ({ status, dueAt }: { status: string; dueAt: number | null }, now: number) =>
  status === "pending" && dueAt !== null && dueAt > now && dueAt <= now + ATTEMPT_LEASE_MS;

export type PaymentEvent = {
  merchantRequestId: string;
  checkoutRequestId: string;
  resultCode: string;
  resultDesc: string;
  /** Only where it was paid. */
  payment?: { amount: number; receipt: string; paidAt: number; phone: string };
};

/**
 * The text's webhook body. `ResultCode` is always a number: a code that is none, such as SFC_IC0003,
 * becomes 9999 and stands in `ResultDesc`. `CallbackMetadata` is there only on success.
 */
export function webhookBody(event: PaymentEvent) {
  const isNumber = /^\d+$/.test(event.resultCode);
  const { payment } = event;
  return {
    Body: {
      stkCallback: {
        MerchantRequestID: event.merchantRequestId,
        CheckoutRequestID: event.checkoutRequestId,
        ResultCode: isNumber ? Number(event.resultCode) : 9999,
        ResultDesc: isNumber ? event.resultDesc : `${event.resultCode}: ${event.resultDesc}`,
        ...(payment
          ? {
              CallbackMetadata: {
                Item: [
                  { Name: "Amount", Value: payment.amount },
                  { Name: "MpesaReceiptNumber", Value: payment.receipt },
                  { Name: "TransactionDate", Value: Number(darajaTimestamp(payment.paidAt)) },
                  { Name: "PhoneNumber", Value: Number(payment.phone) },
                ],
              },
            }
          : {}),
      },
    },
  };
}

/** An event of the text's form that pays for nothing: it fails, with ids that no payment has and no metadata. */
export const testEventBody = (id: string) =>
  webhookBody({
    merchantRequestId: id,
    checkoutRequestId: id,
    resultCode: "9999",
    resultDesc: "Test event. No payment was made.",
  });

export type AttemptVerdict =
  | { kind: "delivered" }
  | { kind: "retry"; afterMs: number }
  | { kind: "given_up" };

/**
 * Any 2xx is a success; a redirect is a failure; 410 ends the retries.
 * `retryMs` holds the pauses before the second and later attempts.
 */
export function judgeAttempt(status: number | null, attemptsMade: number, retryMs: number[]): AttemptVerdict {
  if (status !== null && status >= 200 && status < 300) return { kind: "delivered" };
  const pause = retryMs[attemptsMade - 1];
  return status === 410 || pause === undefined ? { kind: "given_up" } : { kind: "retry", afterMs: pause };
}

export type GivenUp = {
  id: string;
  transactionId: string | null;
  url: string;
  attemptCount: number;
  last: Attempt;
};

/** What the merchant is told of a delivery that is given up: once, however often its replays fail too. */
export function givenUpEmail({ id, transactionId, url, attemptCount, last }: GivenUp) {
  const answer = last.status === null ? (last.error ?? "no answer") : `HTTP ${last.status}`;
  const what = transactionId === null ? "The test event" : `The result of the payment ${transactionId}`;
  return {
    id: `webhook_given_up:${id}`,
    subject: `SmartPay: a webhook could not be delivered (${transactionId ?? "test event"})`,
    body: [
      `${what} could not be delivered to ${url}, and is not tried again.`,
      `Attempts: ${attemptCount}\nLast attempt: ${eastAfricaTime(last.at)} EAT\nLast answer: ${answer}`,
      `The payment itself is not affected. When your server is in order, send this webhook again by POST /v1/webhooks/${id}/replay, or all that failed by POST /v1/webhooks/replay.\n`,
    ].join("\n\n"),
  };
}
