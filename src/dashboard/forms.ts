import { z } from "zod";
import { ApiError, type FieldError } from "../errors.ts";
import { parseMsisdn } from "../lib/msisdn.ts";
import type { PageContext } from "./context.ts";
import { phoneIsBusy, sentenceOf } from "./words.ts";

/** What a form is shown again with: what was typed, and what is wrong with it. */
export type FormState = {
  values: Record<string, string>;
  errors: FieldError[];
  /** What is wrong with no field of its own. */
  message?: string | undefined;
};

export const EMPTY_FORM: FormState = { values: {}, errors: [] };

/** The fields as they were typed; files and repeated fields are no part of our forms. */
export async function typed(c: PageContext): Promise<Record<string, string>> {
  const body = await c.req.parseBody();
  return Object.fromEntries(
    Object.entries(body).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

/** @throws INVALID_FIELD with each field's trouble. */
export function parseForm<S extends z.ZodType>(schema: S, values: unknown): z.output<S> {
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  throw new ApiError("INVALID_FIELD", {
    message: "Something here needs another look.",
    fields: parsed.error.issues.map(({ path, message }) => ({ field: path.join("."), message })),
  });
}

/** The statuses of a page with a form: as it is asked for, and as it is shown again. */
export type FormStatus = 200 | 400 | 403 | 409 | 429 | 503;

/** Secrets are never written back into a page. */
const NEVER_SHOWN = ["password", "current_password", "code"];

/**
 * Does what a form asks for. What is refused shows the form again, with what was typed and what is wrong
 * with it, under the same name (`onceField`): what it asked for may have been done all the same. Only a
 * name that stands for something else by now is replaced. @throws again what is our own fault.
 */
export async function submitted(
  c: PageContext,
  run: (values: Record<string, string>) => Promise<Response>,
  showAgain: (form: FormState, status: FormStatus) => Response | Promise<Response>,
): Promise<Response> {
  const values = await typed(c);
  try {
    return await run(values);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code === "INTERNAL_ERROR") throw error;
    const isUsed =
      error.code === "IDEMPOTENCY_KEY_REUSED" || error.fields.some(({ field }) => field === "once");
    const kept = Object.entries(values).filter(
      ([name]) => !NEVER_SHOWN.includes(name) && !(name === "once" && isUsed),
    );
    const { status } = error;
    const errors = error.fields.map((each) => ({ ...each, message: sentenceOf(each) }));
    return showAgain(
      { values: Object.fromEntries(kept), errors, message: phoneIsBusy(error.message) ?? error.message },
      status === 429 || status === 503 || status === 403 ? status : 400,
    );
  }
}

export const emailField = z
  .string("Type your email address.")
  .trim()
  .toLowerCase()
  .pipe(z.email("This does not look like an email address."));

export const msisdnField = z.string("Type a phone number.").transform((value, ctx) => {
  const phone = parseMsisdn(value);
  if (phone) return phone;
  ctx.addIssue({ code: "custom", message: "Type a Kenyan mobile number, such as 0712 345 678." });
  return z.NEVER;
});

/** `5000` for `KES 5,000`, as people write an amount. */
export const bareAmount = (text: string) => text.replace(/^\s*(?:KES|KSh)\.?|[\s,]/gi, "");

/** Names a form as it was shown: sent twice, it acts once. */
export const onceField = z.string("Open the page again.").regex(/^[0-9a-f]{32}$/, "Open the page again.");
