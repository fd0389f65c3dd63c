import { z } from "zod";
import { ERRORS, type ErrorCode } from "../../errors.ts";

const codes = Object.keys(ERRORS) as ErrorCode[]; // the catalogue's own keys

const failureFields = {
  success: z.literal(false),
  error_code: z.enum(codes).meta({ id: "ErrorCode" }),
  message: z.string(),
  request_id: z.string().meta({ description: "Quote it to support" }),
  errors: z
    .array(z.object({ field: z.string(), message: z.string() }))
    .optional()
    .meta({ description: "Which fields are at fault" }),
};

export const failureSchema = z.object(failureFields).meta({ id: "Error" });

export const smsFailureSchema = z
  .object({ ...failureFields, status: z.literal("error") })
  .meta({ id: "SmsError" });

export const olderFailureSchema = z
  .object({ ...failureFields, error: z.string().meta({ description: "The message again" }) })
  .meta({ id: "OlderError" });

/** For clients whose Accept names `application/problem+json`. */
export const problemSchema = z
  .object({
    ...failureFields,
    type: z.string().meta({ description: "The page that explains the code" }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    error: z.string().optional(),
  })
  .meta({ id: "Problem" });

/** The text's success envelope. */
export const succeeded = <S extends z.ZodRawShape>(shape: S) =>
  z.object({ success: z.literal(true), ...shape });

export const smsSucceeded = <S extends z.ZodRawShape>(shape: S) =>
  succeeded({ status: z.literal("success"), ...shape });

export const text = z.string();
export const count = z.int().min(0);

export const time = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
  .meta({ description: "East Africa Time", examples: ["2025-06-03 14:22:11"] });

export const msisdn = z.string().regex(/^254[17]\d{8}$/);

export const keyPath = z.object({
  id: z.string().regex(/^\d+$/).meta({ description: "The account's id", example: "4" }),
});
