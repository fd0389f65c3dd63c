import { z } from "zod";
import { phoneField } from "../features/payments/contract.ts";
import type { Proposal } from "../features/rulings/propose.ts";
import { PLANS, type PlanName } from "../features/subscriptions/plans.ts";
import { pageLimit, plainText, wholeNumber } from "../http/validate.ts";
import { parseAccountNumber } from "../lib/ids.ts";

export const planNames = Object.keys(PLANS) as PlanName[]; // the table's own keys

const planField = z.enum(planNames, `must be one of ${planNames.join(", ")}`);

/** Why an operator does something: it stands in the audit log. */
export const reasonField = plainText(500).trim().min(1, "must say why");

/** Where it need not be said. */
export const optionalReason = plainText(500)
  .trim()
  .nullish()
  .transform((reason) => reason ?? "");

export const merchantRequest = z.object({
  fullname: plainText(100).refine((name) => name.trim() !== "", "must not be empty"),
  email: z.email(),
  verified_phone: phoneField.nullish(),
  plan: planField.nullish(),
  sms_credits: z
    .int()
    .min(0)
    .max(1_000_000)
    .nullish()
    .transform((credits) => credits ?? 0),
  reason: optionalReason,
});

/** M-Pesa's own receipt. */
export const receiptField = z
  .string()
  .trim()
  .toUpperCase()
  .regex(/^[A-Z0-9]{8,12}$/, "must be an M-Pesa receipt");

export const reversalRequest = z.object({ receipt: receiptField, reason: reasonField });

export const accountField = z.string().transform((account, ctx) => {
  const merchantId = parseAccountNumber(account);
  if (merchantId !== undefined) return merchantId;
  ctx.addIssue({ code: "custom", message: "must be an account number such as SP36413506" });
  return z.NEVER;
});

export const statementsQuery = z.object({
  day: z.iso.date().optional(),
  account_number: accountField.optional(),
});

export const merchantsQuery = z.object({ q: z.string().max(100).optional(), cursor: z.string().optional() });

const name = z.string().min(1).max(255);

const isOfCredits = ({ key_id, plan, account_number, sms_credits }: Record<string, unknown>) =>
  (key_id ?? plan ?? undefined) === undefined && (account_number ?? sms_credits ?? undefined) !== undefined;

/**
 * A plan for a key, or SMS credits for a merchant, as the body's members say. `id` names the grant: it is
 * given once, however often it is sent.
 */
export const grantRequest = z
  .looseObject({})
  .transform((body) => ({ ...body, kind: isOfCredits(body) ? "sms_credits" : "plan" }))
  .pipe(
    z.discriminatedUnion("kind", [
      z.object({
        kind: z.literal("plan"),
        id: name,
        key_id: z.int().positive(),
        plan: planField,
        reason: reasonField,
      }),
      z.object({
        kind: z.literal("sms_credits"),
        id: name,
        account_number: accountField,
        sms_credits: z.int().min(1).max(1_000_000),
        reason: reasonField,
      }),
    ]),
  );

const subject = z.string().max(200);

/** A ruling, as the console's form of its subject's page sends it and as a program does. */
export const rulingRequest = z.discriminatedUnion(
  "decision",
  [
    z.object({ subject, decision: z.literal("paid"), receipt: receiptField, reason: reasonField }),
    z.object({ subject, decision: z.literal("not_paid"), reason: reasonField }),
    z.object({ subject, decision: z.literal("dismiss"), reason: reasonField }),
    z.object({ subject, decision: z.literal("attach"), attach_to: z.string().trim(), reason: reasonField }),
  ],
  "Choose one.",
);

export function proposalOf(ruling: z.output<typeof rulingRequest>): Proposal {
  return ruling.decision === "attach" ? { ...ruling, attachTo: ruling.attach_to } : ruling;
}

export const dismissal = z.object({ reason: reasonField });

export const rulingsQuery = z.object({ status: z.literal("proposed").optional() });

export const auditQuery = z.object({
  limit: pageLimit(50),
  before: wholeNumber
    .refine((id) => id > 0 && Number.isSafeInteger(id), "must be the next_before of an earlier answer")
    .optional(),
  subject: z.string().max(200).optional(),
});

const emailField = z.string().trim().toLowerCase().pipe(z.email());

export const operatorRequest = z.object({
  email: emailField,
  name: plainText(100).refine((text) => text.trim() !== "", "must not be empty"),
  reset_second_factor: z
    .boolean()
    .nullish()
    .transform((isReset) => isReset ?? false),
  reason: optionalReason,
});

export const operatorRemoval = z.object({ email: emailField, reason: reasonField });
