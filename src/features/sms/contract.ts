import { z } from "zod";
import { fail, wellFormedText } from "../../http/validate.ts";
import { type Msisdn, parseMsisdn } from "../../lib/msisdn.ts";
import { countCharacters, MAX_CHARACTERS, MAX_PARTS, MAX_RECIPIENTS } from "./rules.ts";

const SPELLINGS = "Use 2547XXXXXXXX, 2541XXXXXXXX, 07XXXXXXXX or 01XXXXXXXX.";

/** A number of a bulk request to which nothing is sent, as the merchant wrote it. */
export type Rejected = { phone: string; error_code: "INVALID_PHONE"; message: string };

export type Recipients = {
  /** Whether the request named one number by itself, which decides the answer's form. */
  isBulk: boolean;
  /** Each once. */
  phones: Msisdn[];
  rejected: Rejected[];
};

/** Begins and ends where the written number does; short and well formed, whatever was sent. */
const asWritten = (value: unknown) =>
  (typeof value === "string" ? value : (JSON.stringify(value) ?? "")).trim().slice(0, 40).toWellFormed();

const SEPARATORS = /[,\r\n]/;

/** The numbers of a list or of a text with commas or line breaks between; undefined for a single one. */
function listed(phone: unknown): unknown[] | undefined {
  if (Array.isArray(phone)) return phone;
  const text = typeof phone === "string" ? phone.trim() : "";
  return SEPARATORS.test(text) ? text.split(SEPARATORS).filter((part) => part.trim() !== "") : undefined;
}

const phoneField = z
  .unknown()
  .transform((value, ctx): Recipients => {
    const list = listed(value);
    const numbers = list ?? [value];
    if (numbers.length === 0) return fail(ctx, "MISSING_FIELDS", "Name at least one number.");
    if (numbers.length > MAX_RECIPIENTS) {
      return fail(ctx, "INVALID_FIELD", `Name at most ${MAX_RECIPIENTS} numbers in one request.`);
    }
    const parsed = numbers.map((number) => ({ number, phone: parseMsisdn(number) }));
    const phones = [...new Set(parsed.flatMap(({ phone }) => phone ?? []))];
    if (phones.length === 0) {
      return fail(ctx, "INVALID_PHONE", list ? `No number is valid. ${SPELLINGS}` : SPELLINGS);
    }
    const malformed = parsed.filter(({ phone }) => phone === undefined);
    const rejected = malformed.map(({ number }): Rejected => {
      return { phone: asWritten(number), error_code: "INVALID_PHONE", message: SPELLINGS };
    });
    return { isBulk: list !== undefined, phones, rejected };
  })
  .meta({
    type: ["string", "integer", "array"],
    items: { type: ["string", "integer"] },
    description: `A number, or up to ${MAX_RECIPIENTS}: an array, or a text with commas or line breaks between; one that is named twice is sent to once. ${SPELLINGS}`,
    examples: ["0712345678", ["0712345678", "254110345678"]],
  });

const messageField = wellFormedText
  .refine(
    (text) => !/\p{Cc}/u.test(text.replace(/[\r\n]/g, "")),
    "must not contain control characters other than line breaks",
  )
  .refine(
    (text) => countCharacters(text) <= MAX_CHARACTERS,
    `must have at most ${MAX_CHARACTERS} characters, which are ${MAX_PARTS} SMS`,
  )
  .transform((text, ctx) =>
    text.trim() === "" ? fail(ctx, "MISSING_FIELDS", "The message is empty.") : text,
  )
  .meta({
    description: `The text, of 1 to ${MAX_CHARACTERS} characters (Unicode code points). Each begun 160 cost a credit.`,
    examples: ["Hello from SmartPay!"],
  });

/** `POST /v1/sms`. Unknown fields are ignored. */
export const smsRequest = z.object({ phone: phoneField, message: messageField });

export type SmsRequest = z.output<typeof smsRequest>;
