import { z } from "zod";
import { fail } from "../../http/validate.ts";
import { phoneField } from "../payments/contract.ts";
import { PLANS, type PlanName } from "../subscriptions/plans.ts";

const planNames = Object.keys(PLANS) as PlanName[]; // the table's own keys

/** `POST /v1/keys/{id}/subscription`. `Trial` moves the running trial to this key, and needs no phone. */
export const subscriptionRequest = z
  .object({
    plan: z.enum(planNames, `must be one of ${planNames.join(", ")}`),
    phone: phoneField.nullish(),
  })
  .superRefine((request, ctx) => {
    if (request.plan !== "Trial" && !request.phone) {
      ctx.addIssue({ code: "custom", path: ["phone"], message: "is required" });
    }
  });

export const MAX_SMS_CREDITS = 100_000;

/** `POST /v1/sms/credits`. */
export const smsCreditsRequest = z.object({
  credits: z
    .unknown()
    .transform((value, ctx) =>
      typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= MAX_SMS_CREDITS
        ? value
        : fail(ctx, "INVALID_FIELD", "must be a whole number from 1 to 100,000"),
    )
    .meta({ type: "integer", minimum: 1, maximum: MAX_SMS_CREDITS }),
  phone: phoneField,
});
