import { z } from "zod";
import type { ErrorCode } from "../../errors.ts";
import { count, msisdn, succeeded, text, time } from "../../http/openapi/envelopes.ts";
import { operation, type Paths } from "../../http/openapi/operation.ts";
import { destinationSchema } from "../keys/openapi.ts";
import { payoutSummarySchema } from "../payouts/openapi.ts";
import { listQuery, pushRequest } from "./contract.ts";

const tag = "Payments";

export const transactionSchema = z
  .object({
    id: z.string().regex(/^tx_[0-9a-f]{32}$/),
    checkout_request_id: text,
    merchant_request_id: text.nullable(),
    phone: msisdn,
    amount: z.int(),
    account_reference: text,
    description: text,
    status: z.enum(["pending", "completed", "failed"]),
    result_code: text.nullable().meta({
      description: "M-Pesa's, as a string (a webhook's ResultCode is a number); null while pending",
    }),
    result_desc: text.nullable(),
    mpesa_receipt: text.nullable(),
    destination: destinationSchema,
    payout: payoutSummarySchema.nullable(),
    metadata: z.record(z.string(), z.string()).nullable(),
    created_at: time,
    completed_at: time.nullable(),
  })
  .meta({ id: "Transaction" });

export const pushFields = {
  message: text,
  checkout_request_id: text.meta({ description: "Save it: it matches webhooks and finds the transaction" }),
  merchant_request_id: text.nullable(),
  transaction_id: text,
};

const pushed = {
  success: true,
  message: "STK Push initiated successfully.",
  checkout_request_id: "ws_CO_03062025160832822727856009",
  merchant_request_id: "aea5-4f44-b4a1-d9044446ee461957335",
  transaction_id: "tx_019731f5c2a04be1f0c94d7b8e3a2c61",
};

const settled = {
  id: pushed.transaction_id,
  checkout_request_id: pushed.checkout_request_id,
  merchant_request_id: pushed.merchant_request_id,
  phone: "254712345678",
  amount: 150,
  account_reference: "ORDER_101",
  description: "SmartPay Payment",
  status: "completed",
  result_code: "0",
  result_desc: "The service request is processed successfully.",
  mpesa_receipt: "TFH774CBH1",
  destination: { method: "wallet" },
  payout: null,
  metadata: null,
  created_at: "2025-06-03 16:08:32",
  completed_at: "2025-06-03 16:08:41",
};

/** The errors of whatever sends a prompt. */
export const PROMPT_ERRORS = ["INVALID_PHONE", "PHONE_RATE_LIMIT", "PAYMENT_FAILURE"] as const;

export const PUSH_ERRORS: ErrorCode[] = [
  ...PROMPT_ERRORS,
  "INVALID_AMOUNT",
  "INVALID_CALLBACK_URL",
  "KEY_SUSPENDED",
  "KEY_INACTIVE",
  "LIMIT_REACHED",
  "FRAUD_BLOCK_BURST",
  "FRAUD_BLOCK_CANCEL_RATE",
  "FRAUD_BLOCK_FAILURE_RATE",
  "FRAUD_BLOCK_PHONE_DIVERSITY",
];

export const paymentPaths: Paths = {
  "/v1/stk/push": {
    post: operation({
      id: "stkPush",
      tag,
      summary: "Send an M-Pesa payment prompt",
      description:
        "The customer's phone asks for the PIN. The result is told to the callback URL; `Prefer: wait=N` waits for it.",
      scope: "payments",
      body: {
        schema: pushRequest,
        example: { phone: "254712345678", amount: 150, account_reference: "ORDER_101" },
      },
      idempotency: "optional",
      canWait: true,
      answers: {
        200: {
          description: "The prompt was sent. With `Prefer: wait=N`, `transaction` is there once it is final.",
          schema: succeeded({ ...pushFields, transaction: transactionSchema.optional() }),
          example: pushed,
        },
        202: {
          description:
            "M-Pesa has not confirmed it yet. Do not send it again: its result comes to the callback URL.",
          schema: succeeded(pushFields),
        },
      },
      errors: PUSH_ERRORS,
    }),
  },
  "/v1/transactions": {
    get: operation({
      id: "listTransactions",
      tag: "Transactions",
      summary: "List transactions",
      description:
        "Newest first. With a filter a page may be short, even empty, while `has_more` is true: go on with `next_cursor`.",
      scope: "payments",
      query: listQuery,
      answers: {
        200: {
          schema: succeeded({
            transactions: z.array(transactionSchema),
            count,
            total: count.nullable().meta({ description: "Null with filters other than status" }),
            limit: z.int(),
            offset: count,
            has_more: z.boolean(),
            next_cursor: text.nullable(),
          }),
          example: {
            success: true,
            transactions: [settled],
            count: 1,
            total: 1,
            limit: 20,
            offset: 0,
            has_more: false,
            next_cursor: null,
          },
        },
      },
      errors: ["INVALID_PHONE", "FORBIDDEN_SCOPE", "NOT_FOUND"],
    }),
  },
  "/v1/transactions/{ref}": {
    get: operation({
      id: "getTransaction",
      tag: "Transactions",
      summary: "Get a transaction",
      scope: "payments",
      path: z.object({
        ref: text.meta({
          description: "Its checkout_request_id or its id",
          example: "ws_CO_03062025142200123456789",
        }),
      }),
      answers: {
        200: {
          schema: succeeded({ transaction: transactionSchema }),
          example: { success: true, transaction: settled },
        },
      },
    }),
  },
};
