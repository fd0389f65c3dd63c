import { z } from "zod";
import { count, succeeded, text, time } from "../../http/openapi/envelopes.ts";
import { operation, type Paths } from "../../http/openapi/operation.ts";

const schema = succeeded({
  account: z.object({
    account_number: z.string().regex(/^SP\d{8}$/),
    fullname: text,
    verified: z.boolean(),
    wallet_balance: z.int().meta({ description: "Whole shillings" }),
    sms_balance: count,
  }),
  active_key: z.object({
    id: z.int(),
    name: text,
    plan: text.nullable(),
    limit_remaining: count,
    fraud_suspended: z.boolean(),
  }),
  subscription: z.object({
    plan: text.nullable(),
    status: z.enum(["none", "active", "expired"]),
    expires_at: time.nullable(),
    api_calls: count,
  }),
  transaction_stats: z.object({ total: count, completed: count, pending: count, failed: count }),
});

const example = {
  success: true,
  account: {
    account_number: "SP36413506",
    fullname: "John Kamau",
    verified: true,
    wallet_balance: 44_700,
    sms_balance: 99,
  },
  active_key: {
    id: 4,
    name: "Production App",
    plan: "Professional",
    limit_remaining: 4850,
    fraud_suspended: false,
  },
  subscription: {
    plan: "Professional",
    status: "active",
    expires_at: "2025-07-01 00:00:00",
    api_calls: 5000,
  },
  transaction_stats: { total: 312, completed: 298, pending: 4, failed: 10 },
};

export const accountPaths: Paths = {
  "/v1/account": {
    get: operation({
      id: "getAccount",
      tag: "Account",
      summary: "Get account",
      scope: "full",
      answers: { 200: { schema, example } },
    }),
  },
};
