import { z } from "zod";
import { count, msisdn, succeeded, text, time } from "../../http/openapi/envelopes.ts";
import { operation, type Paths } from "../../http/openapi/operation.ts";
import { destinationSchema } from "../keys/openapi.ts";
import { payoutsQuery, withdrawalRequest } from "./contract.ts";

const summary = {
  status: z.enum(["queued", "sent", "paid", "failed"]),
  amount: z.int(),
  receipt: text.nullable(),
  reason: text.nullable().meta({ description: "Why it waits, failed, or stays in the wallet" }),
};

export const payoutSummarySchema = z.object(summary).meta({ id: "PayoutSummary" });

const payoutId = z.string().regex(/^po_[0-9a-f]{32}$/);
const times = { created_at: time, finished_at: time.nullable() };

const payoutSchema = z
  .object({
    id: payoutId,
    transaction_id: text.nullable().meta({ description: "Null for a withdrawal" }),
    destination: destinationSchema,
    ...summary,
    fee: count,
    ...times,
  })
  .meta({ id: "Payout" });

const withdrawalSchema = z
  .object({ id: payoutId, ...summary, fee: count, ...times, phone: msisdn.nullable() })
  .meta({ id: "Withdrawal" });

export const payoutPaths: Paths = {
  "/v1/payouts": {
    get: operation({
      id: "listPayouts",
      tag: "Account",
      summary: "List payouts",
      description: "What was paid out of the wallet, by destinations and by withdrawals; newest first.",
      scope: "full",
      query: payoutsQuery,
      answers: {
        200: {
          schema: succeeded({
            payouts: z.array(payoutSchema),
            count,
            has_more: z.boolean(),
            next_cursor: text.nullable(),
          }),
        },
      },
    }),
  },
  "/v1/account/withdrawals": {
    post: operation({
      id: "withdraw",
      tag: "Account",
      summary: "Withdraw from the wallet",
      description:
        "To one of your verified phones. The money is held at once, and paid or given back exactly once.",
      scope: "full",
      body: { schema: withdrawalRequest, example: { amount: 500, phone: "254712345678" } },
      idempotency: "required",
      answers: {
        201: { description: "Accepted.", schema: succeeded({ message: text, withdrawal: withdrawalSchema }) },
      },
      errors: ["INVALID_AMOUNT", "INVALID_PHONE", "INSUFFICIENT_BALANCE"],
    }),
  },
  "/v1/account/withdrawals/{id}": {
    get: operation({
      id: "getWithdrawal",
      tag: "Account",
      summary: "Get a withdrawal",
      scope: "full",
      path: z.object({ id: text.meta({ description: "The withdrawal's id" }) }),
      answers: { 200: { schema: succeeded({ withdrawal: withdrawalSchema }) } },
    }),
  },
};
