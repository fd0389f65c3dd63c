import { z } from "zod";
import { succeeded, text } from "../../http/openapi/envelopes.ts";
import { operation, type Paths } from "../../http/openapi/operation.ts";
import { resultSchema } from "../webhooks/openapi.ts";
import { olderPushRequest, olderStatusRequest } from "./compat-contract.ts";
import { PUSH_ERRORS, pushFields, transactionSchema } from "./openapi.ts";

const tag = "Older calls";

const sent = { ...pushFields, checkoutRequestID: text, merchantRequestID: text.nullable() };

const olderPush = (id: string) =>
  operation({
    id,
    tag,
    summary: "Send a payment prompt, as in earlier days",
    description:
      "As `POST /v1/stk/push`, also with `accountReference` and `transactionDesc`. Takes the key without `Bearer` too.",
    scope: "payments",
    isOlder: true,
    body: {
      schema: olderPushRequest,
      example: { phone: "254712345678", amount: 150, accountReference: "ORDER_101" },
    },
    idempotency: "optional",
    canWait: true,
    answers: {
      200: { schema: succeeded({ ...sent, transaction: transactionSchema.optional() }) },
      202: { description: "Not confirmed yet. Do not send it again.", schema: succeeded(sent) },
    },
    errors: PUSH_ERRORS,
  });

export const compatPaths: Paths = {
  "/v1/initiatestk": { post: olderPush("initiateStk") },
  "/v1/stkpush": { post: olderPush("olderStkPush") },
  "/v1/transactionstatus": {
    post: operation({
      id: "transactionStatus",
      tag,
      summary: "Ask for a payment's result, as in earlier days",
      description: "`status: pending` until the payment is final, then what its webhook says.",
      scope: "payments",
      isOlder: true,
      body: {
        schema: olderStatusRequest,
        example: { CheckoutRequestID: "ws_CO_03062025160832822727856009" },
      },
      answers: {
        200: {
          schema: z.union([
            succeeded({ status: z.literal("pending") }),
            succeeded({ Body: resultSchema.shape.Body }),
          ]),
        },
      },
      errors: ["NOT_FOUND"],
    }),
  },
};
