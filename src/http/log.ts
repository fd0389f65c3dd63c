import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { maskMsisdn } from "../lib/msisdn.ts";
import type { AppEnv } from "./context.ts";

const KEY = /\b[0-9a-f]{64}\b/gi;
const MSISDN = /(?:\+?254|\b0)[17]\d{8}/g;

/** Takes keys and whole phone numbers out of a text that goes to the log. */
export const redact = (text: string) =>
  text.replace(KEY, "[key]").replace(MSISDN, (number) => maskMsisdn(number.replace("+", "")));

export const logEvent = (event: string, fields: Record<string, unknown> = {}) =>
  console.log(redact(JSON.stringify({ event, ...fields })));

/** A fault of ours or of our storage, with the request or job that met it. */
export const logFault = (where: string, error: unknown) =>
  console.error(redact(JSON.stringify({ event: "fault", where, detail: describe(error) })));

/** An error with where it came from and its causes. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : ` ${describe(error.cause)}`;
  const stack = error.stack ?? error.message;
  if (!isFailedQuery(error)) return `${stack}${cause}`;
  const frames = stack.includes(error.message) ? stack.split(error.message).at(-1) : "";
  return `Failed query: ${error.query}${frames}${cause}`;
}

/** The database client's error says in its message what was to be stored: names, emails, whole bodies. */
const isFailedQuery = (error: Error): error is Error & { query: string } =>
  "query" in error && typeof error.query === "string" && "params" in error;

/** One line a request. The route's pattern stands for the path, since paths hold references and tokens. */
export const requestLog: MiddlewareHandler<AppEnv> = async (c, next) => {
  c.set("logFields", {});
  const startedAt = Date.now();
  await next();
  logEvent("request", {
    request_id: c.get("requestId"),
    method: c.req.method,
    route: routePath(c),
    status: c.res.status,
    ms: Date.now() - startedAt,
    ...c.get("logFields"),
  });
};
