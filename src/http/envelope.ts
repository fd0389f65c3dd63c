import type { MiddlewareHandler } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { ApiError } from "../errors.ts";
import type { AppContext, AppEnv } from "./context.ts";

/** In front of the text's SMS endpoints, whose answers have `status` beside `success`. */
export const withStatus: MiddlewareHandler<AppEnv> = async (c, next) => {
  c.set("hasStatus", true);
  await next();
};

/** In front of the older calls, whose clients read `error`. */
export const withErrorText: MiddlewareHandler<AppEnv> = async (c, next) => {
  c.set("hasErrorText", true);
  await next();
};

const statusMember = <S extends "success" | "error">(c: AppContext, status: S) =>
  c.get("hasStatus") ? { status } : {};

/** `{"success": true, …}`, the text's success envelope. */
export const success = <T extends object>(c: AppContext, body: T, status: 200 | 201 | 202 = 200) =>
  c.json({ success: true as const, ...statusMember(c, "success"), ...body }, status);

export const PROBLEM_JSON = "application/problem+json";

/**
 * The text's failure envelope; for clients whose Accept names `application/problem+json` with the
 * members of RFC 9457 beside it, whose `status` is the HTTP status.
 */
export function failure(c: AppContext, error: ApiError): Response {
  const requestId = c.get("requestId");
  const body = {
    success: false as const,
    ...statusMember(c, "error"),
    error_code: error.code,
    message: error.message,
    ...(c.get("hasErrorText") ? { error: error.message } : {}),
    request_id: requestId,
    ...(error.fields.length > 0 ? { errors: error.fields } : {}),
  };
  if (error.retryAfterSeconds !== undefined) c.header("Retry-After", String(error.retryAfterSeconds));
  const status = error.status as ContentfulStatusCode; // the catalogue has only such statuses
  if (!c.req.header("Accept")?.includes(PROBLEM_JSON)) return c.json(body, status);
  const problem = {
    ...body,
    type: `/docs/errors#${error.code}`,
    title: error.code,
    status: error.status,
    detail: error.message,
    instance: `urn:request:${requestId}`,
  };
  return c.body(JSON.stringify(problem), status, { "Content-Type": PROBLEM_JSON });
}
