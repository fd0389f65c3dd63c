import { z } from "zod";
import { count, keyPath, succeeded, text, time } from "../../http/openapi/envelopes.ts";
import { operation, type Paths } from "../../http/openapi/operation.ts";
import { listQuery, replayRequest } from "./contract.ts";
import { ATTEMPTS_KEPT } from "./rules.ts";

const tag = "Webhooks";

const item = <S extends z.ZodType>(name: string, value: S) =>
  z.object({ Name: z.literal(name), Value: value });

/** The body that a merchant's server is sent. */
export const resultSchema = z
  .object({
    Body: z.object({
      stkCallback: z.object({
        MerchantRequestID: text,
        CheckoutRequestID: text,
        ResultCode: z
          .int()
          .meta({ description: "0 alone means paid. A number; a transaction's result_code is a string" }),
        ResultDesc: text,
        CallbackMetadata: z
          .object({
            Item: z.array(
              z.union([
                item("Amount", z.int()),
                item("MpesaReceiptNumber", text),
                item("TransactionDate", z.int()),
                item("PhoneNumber", z.int()),
              ]),
            ),
          })
          .optional()
          .meta({ description: "Only where it was paid" }),
      }),
    }),
  })
  .meta({ id: "PaymentResult" });

export const resultExample = {
  Body: {
    stkCallback: {
      MerchantRequestID: "aea5-4f44-b4a1-d9044446ee463545184",
      CheckoutRequestID: "ws_CO_17062025005554749727856009",
      ResultCode: 0,
      ResultDesc: "The service request is processed successfully.",
      CallbackMetadata: {
        Item: [
          { Name: "Amount", Value: 150 },
          { Name: "MpesaReceiptNumber", Value: "TFH774CBH1" },
          { Name: "TransactionDate", Value: 20250617005603 },
          { Name: "PhoneNumber", Value: 254712345678 },
        ],
      },
    },
  },
};

const deliverySchema = z
  .object({
    id: text.meta({ description: "The `webhook-id` of every attempt" }),
    transaction_id: text.nullable().meta({ description: "Null for a test event" }),
    url: text,
    status: z.enum(["pending", "delivered", "failed"]),
    attempts: z
      .array(
        z.object({
          at: time,
          status: z.int().nullable().meta({ description: "Your server's; null where no answer came" }),
          duration_ms: count,
          response: text.meta({ description: "The first 2,000 characters of your server's answer" }),
          error: text.nullable(),
        }),
      )
      .meta({ description: `The last ${ATTEMPTS_KEPT}, oldest first` }),
    next_attempt_at: time.nullable(),
    created_at: time,
    delivered_at: time.nullable(),
    body: resultSchema,
  })
  .meta({ id: "Delivery" });

const deliveryPath = z.object({ id: text.meta({ description: "The delivery's id" }) });
const page = { has_more: z.boolean(), next_cursor: text.nullable() };

export const webhookPaths: Paths = {
  "/v1/webhooks": {
    get: operation({
      id: "listWebhooks",
      tag,
      summary: "List deliveries",
      scope: "payments",
      query: listQuery,
      answers: { 200: { schema: succeeded({ webhooks: z.array(deliverySchema), count, ...page }) } },
    }),
  },
  "/v1/webhooks/{id}": {
    get: operation({
      id: "getWebhook",
      tag,
      summary: "Get a delivery",
      scope: "payments",
      path: deliveryPath,
      answers: { 200: { schema: succeeded({ webhook: deliverySchema }) } },
    }),
  },
  "/v1/webhooks/replay": {
    post: operation({
      id: "replayFailedWebhooks",
      tag,
      summary: "Send again all that failed",
      description: "Some at a time: while `has_more` is true, ask again with `next_cursor` as `cursor`.",
      scope: "full",
      body: { schema: replayRequest, example: { status: "failed", since: "2025-06-17 00:00:00" } },
      answers: {
        202: { description: "Under way.", schema: succeeded({ message: text, replayed: count, ...page }) },
      },
    }),
  },
  "/v1/webhooks/{id}/replay": {
    post: operation({
      id: "replayWebhook",
      tag,
      summary: "Send a delivery again",
      scope: "full",
      path: deliveryPath,
      answers: {
        202: { description: "Under way.", schema: succeeded({ message: text, webhook: deliverySchema }) },
      },
    }),
  },
  "/v1/keys/{id}/test-webhook": {
    post: operation({
      id: "testWebhook",
      tag,
      summary: "Send a test event",
      description: "Signed and retried like a payment's result, and marked as a test. It pays for nothing.",
      scope: "full",
      path: keyPath,
      answers: {
        202: { description: "Under way.", schema: succeeded({ message: text, webhook: deliverySchema }) },
      },
      errors: ["INVALID_CALLBACK_URL"],
    }),
  },
};
