import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { isObject, type JsonObject, parseJson } from "../lib/json.ts";
import { readMsisdn } from "../lib/msisdn.ts";

/** A call of the control API that cannot be done; its message tells the caller why. */
export class Unfit extends Error {
  constructor(
    readonly status: ContentfulStatusCode,
    message: string,
  ) {
    super(message);
  }
}

/** The phone named in the path, in any of the usual spellings. */
export function phoneInPath(c: Context): string {
  const text = c.req.param("msisdn") ?? "";
  const msisdn = readMsisdn(text);
  if (!msisdn) throw new Unfit(400, `${text} is not a Kenyan mobile number.`);
  return msisdn;
}

export async function jsonBody(c: Context): Promise<JsonObject> {
  const body = parseJson(await c.req.text());
  if (!isObject(body)) throw new Unfit(400, "The body must be a JSON object.");
  return body;
}

/** An amount of whole shillings where the body names it. */
export function amountIn(body: JsonObject, name: string): number | undefined {
  const value = body[name];
  if (value === undefined) return undefined;
  if (!Number.isSafeInteger(value) || Number(value) < 0) {
    throw new Unfit(400, `${name} must be a whole number of shillings.`);
  }
  return Number(value);
}

/** Answers every failure of the control API and the pages. */
export function answerUnfit(error: Error, c: Context): Response {
  if (error instanceof Unfit) return c.json({ error: error.message }, error.status);
  console.error(error);
  return c.json({ error: "The simulator itself has failed; its log says why." }, 500);
}
