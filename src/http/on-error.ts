import { HTTPException } from "hono/http-exception";
import { ApiError } from "../errors.ts";
import type { AppContext } from "./context.ts";
import { failure } from "./envelope.ts";
import { logFault } from "./log.ts";

/** The one place where what was thrown becomes an answer. */
export function onError(error: Error, c: AppContext): Response {
  const answer = toApiError(error);
  c.get("logFields").error_code = answer.code;
  if (answer.status >= 500 && answer.code !== "PAYMENT_FAILURE") {
    logFault(c.get("requestId"), answer.cause ?? error);
  }
  return failure(c, answer);
}

/** D1 and Durable Objects that cannot be reached now; the caller may try again. */
const STORAGE_FAULT =
  /D1_ERROR|D1 DB|Network connection lost|storage caused object to be reset|overloaded|Durable Object/;
/** What the database says of a statement that is wrong is our own fault, and stays wrong. */
const STATEMENT_FAULT = /SQLITE_(?:ERROR|CONSTRAINT|MISMATCH|RANGE)/;

export function toApiError(error: Error): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof HTTPException && error.status < 500) return new ApiError("INVALID_JSON");
  const text = `${error.message} ${String(error.cause ?? "")}`;
  const isStorageFault =
    (STORAGE_FAULT.test(text) && !STATEMENT_FAULT.test(text)) ||
    ("retryable" in error && error.retryable === true);
  return isStorageFault
    ? new ApiError("SERVICE_UNAVAILABLE", { cause: error, retryAfterSeconds: 2 })
    : new ApiError("INTERNAL_ERROR", { cause: error });
}
