import { z } from "zod";
import { fail, pageLimit } from "../../http/validate.ts";
import { parseKes } from "../../lib/kes.ts";
import { parseMsisdn } from "../../lib/msisdn.ts";
import { B2C_MINIMUM, PAYOUT_MAXIMUM } from "./rules.ts";

/** `POST /v1/account/withdrawals`: KES 10 to 250,000, to a phone that the merchant has verified. */
export const withdrawalRequest = z.object({
  amount: z
    .unknown()
    .transform(
      (value, ctx) =>
        parseKes(value, { min: B2C_MINIMUM, max: PAYOUT_MAXIMUM }) ??
        fail(
          ctx,
          "INVALID_AMOUNT",
          "Use a whole number of shillings from 10 to 250,000.",
          "The amount must be a whole number of shillings from 10 to 250,000.",
        ),
    )
    .meta({
      type: ["integer", "string"],
      minimum: B2C_MINIMUM,
      maximum: PAYOUT_MAXIMUM,
      description: "Whole shillings",
    }),
  phone: z
    .unknown()
    .transform(
      (value, ctx) =>
        parseMsisdn(value) ?? fail(ctx, "INVALID_PHONE", "Use a Kenyan number such as 254712345678."),
    )
    .meta({ type: ["string", "integer"], description: "One of your verified phones" }),
});

export type WithdrawalRequest = z.output<typeof withdrawalRequest>;

/** `GET /v1/payouts`: newest first; `cursor` is the `next_cursor` of the page before. */
export const payoutsQuery = z.object({
  limit: pageLimit(20),
  cursor: z
    .string()
    .regex(/^po_[0-9a-f]{32}$/, "must be the next_cursor of an earlier answer")
    .optional()
    .meta({ description: "The next_cursor of the page before" }),
});
