import { zValidator } from "@hono/zod-validator";
import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import { ApiError, type ErrorCode } from "../errors.ts";
import { parseJson } from "../lib/json.ts";
import type { AppContext, AppEnv } from "./context.ts";

export const MAX_BODY_BYTES = 64 * 1024;

/**
 * Authentication and the key's windows come before validation, but a valid push asks for them in the
 * same trip as for its other needs. So only an invalid request asks here, and is told about them first.
 */
async function refuse(c: AppContext, error: ApiError): Promise<never> {
  await c.get("caller")?.admit();
  throw error;
}

export const limitBody: MiddlewareHandler<AppEnv> = bodyLimit({
  maxSize: MAX_BODY_BYTES,
  onError: (c) => refuse(c, new ApiError("PAYLOAD_TOO_LARGE")),
});

/** JSON is UTF-8; another encoding would be stored with its characters replaced. */
function parseUtf8(bytes: ArrayBuffer): unknown {
  try {
    return parseJson(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** Refuses what is not a JSON object sent as JSON: the validator alone would read such a body as `{}`. */
export const requireJsonObject: MiddlewareHandler<AppEnv> = async (c, next) => {
  const isJson = /^application\/([a-z.-]+\+)?json\s*(;|$)/i.test(c.req.header("Content-Type") ?? "");
  const body = isJson ? parseUtf8(await c.req.arrayBuffer()) : undefined;
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    return refuse(c, new ApiError("INVALID_JSON"));
  }
  await next();
};

/** The body, parsed by `schema`; otherwise the error that the text names for what is wrong. */
export const jsonBody = <S extends z.ZodType>(schema: S) =>
  zValidator("json", schema, async (result, c) => {
    // The hook's context is typed for any app; these validators are mounted in ours alone.
    if (!result.success) await refuse(c as unknown as AppContext, invalidInput(result.error, result.data));
  });

export const queryString = <S extends z.ZodType>(schema: S) =>
  zValidator("query", schema, async (result, c) => {
    // As above.
    if (!result.success) await refuse(c as unknown as AppContext, invalidInput(result.error, result.data));
  });

/**
 * Fails a schema's transform with one of the catalogue's codes: `message` is told of the field, and
 * `sentence` of the whole request where the catalogue's own does not fit.
 */
export function fail(ctx: z.RefinementCtx, errorCode: ErrorCode, message: string, sentence?: string): never {
  ctx.addIssue({ code: "custom", params: { errorCode, sentence }, message });
  return z.NEVER;
}

function invalidInput(error: z.core.$ZodError, input: unknown): ApiError {
  const isMissing = (issue: z.core.$ZodIssue) => {
    let value = input;
    for (const step of issue.path) {
      value = typeof value === "object" && value !== null ? Reflect.get(value, step) : undefined;
    }
    // Null stands for an absent member of the body; inside one it is a value, and a wrong one.
    return value === undefined || (value === null && issue.path.length === 1);
  };
  const paramsOf = (issue: z.core.$ZodIssue | undefined) =>
    issue?.code === "custom" ? issue.params : undefined;
  const missing = error.issues.filter(
    (issue) => isMissing(issue) || paramsOf(issue)?.errorCode === "MISSING_FIELDS",
  );
  const fields = error.issues.map((issue) => ({
    field: issue.path.join("."),
    message: isMissing(issue) ? "This field is required." : issue.message,
  }));
  if (missing.length > 0) {
    const names = missing.map((issue) => issue.path.join(".")).join(", ");
    return new ApiError("MISSING_FIELDS", { message: `Required fields are missing: ${names}.`, fields });
  }
  const first = error.issues[0];
  const { errorCode = "INVALID_FIELD", sentence } = paramsOf(first) ?? {};
  if (errorCode !== "INVALID_FIELD") return new ApiError(errorCode, { message: sentence, fields });
  return new ApiError("INVALID_FIELD", { message: `${first?.path.join(".")}: ${first?.message}`, fields });
}

/** Text that can be stored and sent as UTF-8. */
export const wellFormedText = z
  .string()
  .refine((text) => text.isWellFormed(), "must not contain half of a surrogate pair (\\ud800 to \\udfff)");

/** Text of 0 to `max` characters (code points) that can be stored and shown: no control characters, well formed. */
export const plainText = (max: number) =>
  wellFormedText
    .refine((text) => !/\p{Cc}/u.test(text), "must not contain control characters")
    .refine((text) => [...text].length <= max, `must have at most ${max} characters`)
    .meta({ maxLength: max });

/** A whole number in a query string, written as one. */
export const wholeNumber = z
  .string()
  .regex(/^[+-]?\d+$/, "must be a whole number")
  .transform(Number);

/** How many records a page has. */
export const pageLimit = (byDefault: number, what = "Records") =>
  wholeNumber
    .transform((limit) => Math.min(Math.max(limit, 1), 100))
    .default(byDefault)
    .meta({ type: "integer", description: `${what} per page, 1 to 100` });
