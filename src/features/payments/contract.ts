import { z } from "zod";
import { fail, pageLimit, plainText, wholeNumber } from "../../http/validate.ts";
import { eastAfricaSpan } from "../../lib/clock.ts";
import { isTransactionId, parseKeyId } from "../../lib/ids.ts";
import { parseKes } from "../../lib/kes.ts";
import { parseMsisdn } from "../../lib/msisdn.ts";
import { DEFAULT_DESCRIPTION, DEFAULT_REFERENCE } from "./rules.ts";

/** The text's range; M-Pesa itself declines what is over 250,000. */
export const AMOUNT_RANGE = { min: 1, max: 300_000 };

/** Characters that are stored of each, and that M-Pesa takes. */
export const REFERENCE_LENGTH = { stored: 64, onPrompt: 12 };
export const DESCRIPTION_LENGTH = { stored: 128, onPrompt: 13 };

export const MAX_METADATA = 20;

export const phoneField = z
  .unknown()
  .transform(
    (value, ctx) =>
      parseMsisdn(value) ??
      fail(ctx, "INVALID_PHONE", "Use 2547XXXXXXXX, 2541XXXXXXXX, 07XXXXXXXX or 01XXXXXXXX."),
  )
  .meta({
    type: ["string", "integer"],
    description: "2547XXXXXXXX, 2541XXXXXXXX, 07XXXXXXXX or 01XXXXXXXX",
    examples: ["254712345678"],
  });

const amountField = z
  .unknown()
  .transform(
    (value, ctx) =>
      parseKes(value, AMOUNT_RANGE) ??
      fail(ctx, "INVALID_AMOUNT", "Use a whole number of shillings from 1 to 300,000."),
  )
  .meta({
    type: ["integer", "string"],
    minimum: AMOUNT_RANGE.min,
    maximum: AMOUNT_RANGE.max,
    description: "Whole shillings",
    examples: [150],
  });

const orDefault = (text: string) => (value: string | null | undefined) => value?.trim() || text;

/** `POST /v1/stk/push`. Unknown fields are ignored. */
export const pushRequest = z.object({
  phone: phoneField,
  amount: amountField,
  account_reference: plainText(REFERENCE_LENGTH.stored)
    .nullish()
    .transform(orDefault(DEFAULT_REFERENCE))
    .meta({
      description: `Shown on the prompt, which takes ${REFERENCE_LENGTH.onPrompt} characters of it; no control characters or line breaks; ${DEFAULT_REFERENCE} by default`,
    }),
  description: plainText(DESCRIPTION_LENGTH.stored)
    .nullish()
    .transform(orDefault(DEFAULT_DESCRIPTION))
    .meta({
      description: `M-Pesa takes ${DESCRIPTION_LENGTH.onPrompt} characters of it; no control characters or line breaks; "${DEFAULT_DESCRIPTION}" by default`,
    }),
  callback_url: z
    .string()
    .nullish()
    .transform((url) => url?.trim() || null)
    .meta({ description: "Where this payment's result is sent; wins over the key's callback URL." }),
  metadata: z
    .record(plainText(40), plainText(500))
    .refine(
      (entries) => Object.keys(entries).length <= MAX_METADATA,
      `must have at most ${MAX_METADATA} entries`,
    )
    .meta({ maxProperties: MAX_METADATA })
    .nullish()
    .transform((entries) => (entries && Object.keys(entries).length > 0 ? entries : null))
    .meta({ description: `Up to ${MAX_METADATA} texts of your own, given back with the transaction.` }),
});

export type PushRequest = z.output<typeof pushRequest>;

const MAX_OFFSET = 1_000_000_000;

const moment = z
  .string()
  .transform(
    (text, ctx) =>
      eastAfricaSpan(text) ??
      fail(ctx, "INVALID_FIELD", "must be a date or time in East Africa: YYYY-MM-DD or YYYY-MM-DD HH:MM:SS"),
  );

/** `GET /v1/transactions`. */
export const listQuery = z
  .object({
    limit: pageLimit(20),
    offset: wholeNumber
      .refine((offset) => offset >= 0 && offset <= MAX_OFFSET, "must be 0 to 1,000,000,000")
      .optional()
      .meta({ type: "integer", description: "Skip so many records; for deep pages use cursor" }),
    cursor: z
      .string()
      .refine(isTransactionId, "must be the next_cursor of an earlier answer")
      .optional()
      .meta({ description: "The next_cursor of the page before; not with offset" }),
    status: z.enum(["pending", "completed", "failed"]).optional(),
    key_id: z
      .string()
      .transform((text, ctx) => parseKeyId(text) ?? fail(ctx, "INVALID_FIELD", "must be a key's id"))
      .optional()
      .meta({ description: "Of this account alone" }),
    phone: phoneField.optional(),
    reference: z
      .string()
      .trim()
      .min(1, "must not be empty")
      .pipe(plainText(REFERENCE_LENGTH.stored))
      .optional()
      .meta({ description: "The whole account_reference" }),
    receipt: z
      .string()
      .trim()
      .regex(/^[A-Za-z0-9]{1,20}$/, "must be 1 to 20 letters and digits")
      .toUpperCase()
      .optional(),
    from: moment.optional().meta({ description: "Begun at or after this date or time, East Africa Time" }),
    to: moment
      .optional()
      .meta({ description: "Begun up to the end of this date, minute or second, East Africa Time" }),
  })
  .refine(({ cursor, offset }) => cursor === undefined || offset === undefined, {
    path: ["cursor"],
    message: "cannot be used together with offset",
  });

export type ListQuery = z.output<typeof listQuery>;
