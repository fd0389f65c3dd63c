import { z } from "zod";
import { count, keyPath, succeeded, text } from "../../http/openapi/envelopes.ts";
import { operation, type Paths } from "../../http/openapi/operation.ts";
import { PROMPT_ERRORS, pushFields } from "../payments/openapi.ts";
import { PLANS } from "../subscriptions/plans.ts";
import { smsCreditsRequest, subscriptionRequest } from "./contract.ts";

const planSchema = z
  .object({
    name: z.enum(Object.keys(PLANS)),
    price: count.meta({ description: "Whole shillings" }),
    calls: count,
    days: count,
  })
  .meta({ id: "Plan" });

const prompt = { description: "The prompt was sent.", schema: succeeded(pushFields) };
const unclear = {
  description: "M-Pesa has not confirmed it yet. Do not send it again.",
  schema: prompt.schema,
};

export const purchasePaths: Paths = {
  "/v1/plans": {
    get: operation({
      id: "listPlans",
      tag: "Account",
      summary: "List plans",
      scope: "payments",
      answers: {
        200: {
          schema: succeeded({ plans: z.array(planSchema), count }),
          example: {
            success: true,
            plans: Object.entries(PLANS).map(([name, plan]) => ({ name, ...plan })),
            count: Object.keys(PLANS).length,
          },
        },
      },
    }),
  },
  "/v1/keys/{id}/subscription": {
    post: operation({
      id: "buyPlan",
      tag: "Keys",
      summary: "Buy a plan for a key",
      description:
        "Prompts the phone for the plan's price. `Trial` moves a running trial here, and needs no phone.",
      scope: "full",
      path: keyPath,
      body: { schema: subscriptionRequest, example: { plan: "Professional", phone: "254712345678" } },
      idempotency: "optional",
      answers: {
        200: {
          description: "The prompt was sent, or the trial was moved.",
          schema: z.union([prompt.schema, succeeded({ message: text })]),
        },
        202: unclear,
      },
      errors: [...PROMPT_ERRORS],
    }),
  },
  "/v1/sms/credits": {
    post: operation({
      id: "buySmsCredits",
      tag: "SMS",
      summary: "Buy SMS credits",
      description: "Prompts the phone for the price. The credits are there once it is paid.",
      scope: "full",
      body: { schema: smsCreditsRequest, example: { credits: 100, phone: "254712345678" } },
      idempotency: "optional",
      hasStatus: true,
      answers: {
        200: { ...prompt, schema: prompt.schema.extend({ status: z.literal("success") }) },
        202: { ...unclear, schema: prompt.schema.extend({ status: z.literal("success") }) },
      },
      errors: [...PROMPT_ERRORS],
    }),
  },
};
