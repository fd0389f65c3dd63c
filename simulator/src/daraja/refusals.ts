import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { merchantRequestId } from "../lib/ids.ts";

/** Daraja's own way of saying no: a status, and a code that means something only with its message. */
export class Refusal extends Error {
  constructor(
    readonly status: ContentfulStatusCode,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export function answerRefusal(c: Context, refusal: Refusal): Response {
  const body = { requestId: merchantRequestId(), errorCode: refusal.code, errorMessage: refusal.message };
  return c.json(body, refusal.status);
}

/** The refusals that several products share, as the portal and the wire spell them. */
export const refusals = {
  invalidField: (name: string) => new Refusal(400, "400.002.02", `Bad Request - Invalid ${name}`),
  invalidPayload: () => new Refusal(400, "400.002.05", "Invalid Request Payload"),
  invalidAuthenticationHeader: () => new Refusal(404, "404.001.04", "Invalid Authentication Header"),
  resourceNotFound: () => new Refusal(404, "404.001.01", "Resource not found"),
  methodNotAllowed: (method: string) => new Refusal(405, "405.001", `${method} Method Not Allowed`),
  merchantUnknown: () => new Refusal(500, "500.001.1001", "Merchant does not exist"),
  wrongCredentials: () => new Refusal(500, "500.001.1001", "[MerchantValidate] - Wrong credentials"),
  subscriberLocked: () =>
    new Refusal(
      500,
      "500.001.1001",
      "Unable to lock subscriber, a transaction is already in process for the current subscriber",
    ),
  stillProcessing: () => new Refusal(500, "500.001.1001", "The transaction is being processed"),
  transactionUnknown: () => new Refusal(500, "500.001.1001", "The transaction does not Exist"),
  systemBusy: () => new Refusal(500, "500.003.02", "System is busy. Please try again in few minutes."),
  spikeArrest: () => new Refusal(500, "500.003.02", "Error Occurred: Spike Arrest Violation"),
  duplicateOriginator: () => new Refusal(500, "500.002.1001", "Duplicate OriginatorConversationID."),
};
