import { z } from "zod";
import { count, msisdn, smsSucceeded, text, time } from "../../http/openapi/envelopes.ts";
import { operation, type Paths } from "../../http/openapi/operation.ts";
import { smsRequest } from "./contract.ts";
import { MAX_PARTS, MAX_RECIPIENTS } from "./rules.ts";

const tag = "SMS";

const measured = {
  transaction_id: z.string().regex(/^\d{19}$/),
  mobile: msisdn,
  sms_parts: z.int().min(1).max(MAX_PARTS),
  characters: count,
  cost: count,
  encoding: z.enum(["GSM-7", "UCS-2"]),
};

const singleSchema = z.object({ ...measured, remaining_balance: count }).meta({ id: "SmsSent" });

const bulkSchema = z
  .object({
    messages: z.array(z.object(measured)),
    rejected: z.array(z.object({ phone: text, error_code: z.literal("INVALID_PHONE"), message: text })),
    cost: count,
    remaining_balance: count,
  })
  .meta({ id: "SmsBulkSent" });

const messageSchema = z
  .object({
    ...measured,
    status: z.enum(["queued", "sent", "delivered", "failed"]),
    failure_reason: text.nullable(),
    created_at: time,
    sent_at: time.nullable(),
  })
  .meta({ id: "SmsMessage" });

export const smsPaths: Paths = {
  "/v1/sms/": {
    post: operation({
      id: "sendSms",
      tag,
      summary: "Send SMS",
      description: `To a number, or up to ${MAX_RECIPIENTS}. Each begun block of 160 characters costs a credit.`,
      scope: "payments",
      body: { schema: smsRequest, example: { phone: "0712345678", message: "Hello from SmartPay!" } },
      idempotency: "optional",
      hasStatus: true,
      answers: {
        200: {
          description: "One object for one number, `messages` for a list.",
          schema: smsSucceeded({ data: z.union([singleSchema, bulkSchema]) }),
          example: {
            success: true,
            status: "success",
            data: {
              transaction_id: "5713595232279350695",
              mobile: "254712345678",
              sms_parts: 1,
              characters: 20,
              cost: 1,
              encoding: "GSM-7",
              remaining_balance: 99,
            },
          },
        },
      },
      errors: ["INVALID_PHONE", "INSUFFICIENT_SMS_CREDITS"],
    }),
  },
  "/v1/sms/balance": {
    get: operation({
      id: "smsBalance",
      tag,
      summary: "Check SMS balance",
      scope: "payments",
      hasStatus: true,
      answers: {
        200: {
          schema: smsSucceeded({ data: z.object({ balance: count }) }),
          example: { success: true, status: "success", data: { balance: 99 } },
        },
      },
    }),
  },
  "/v1/sms/{id}": {
    get: operation({
      id: "getSms",
      tag,
      summary: "Get an SMS",
      scope: "payments",
      hasStatus: true,
      path: z.object({
        id: text.meta({ description: "Its transaction_id", example: "5713595232279350695" }),
      }),
      answers: { 200: { schema: smsSucceeded({ data: messageSchema }) } },
    }),
  },
};
