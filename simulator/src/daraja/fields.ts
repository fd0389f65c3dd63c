import type { Context } from "hono";
import { isObject, type JsonObject, parseJson } from "../lib/json.ts";
import { isDarajaMsisdn } from "../lib/msisdn.ts";
import { refusals } from "./refusals.ts";

/** A field as text; undefined where it is absent or neither a text nor a number. */
type FieldText = string | null | undefined;

/** A check on one field's text, or on its absence. */
export type Check = (text: FieldText) => boolean;

/** Fields in the order in which Daraja looks at them. The first that fails names the refusal. */
type FieldChecks<Name extends string> = Record<Name, Check>;

/** Daraja calls one field by another name when it refuses it. */
const NAMES_IN_REFUSALS: Record<string, string> = { TransactionDesc: "Remarks" };

/**
 * Reads a request's fields as text: Daraja takes numbers and strings alike.
 * Without a JSON content type nothing is parsed, so that the first field is called invalid.
 */
export async function readFields<Name extends string>(
  c: Context,
  checks: FieldChecks<Name>,
): Promise<Record<Name, string>> {
  const body = await readBody(c);
  const fields: Partial<Record<Name, string>> = {};
  for (const [name, check] of entries(checks)) {
    const text = fieldText(body[name]);
    if (!check(text)) throw refusals.invalidField(NAMES_IN_REFUSALS[name] ?? name);
    fields[name] = text ?? "";
  }
  return fields as Record<Name, string>; // the loop above has filled every name of the checks
}

async function readBody(c: Context): Promise<JsonObject> {
  if (!c.req.header("Content-Type")?.toLowerCase().includes("json")) return {};
  const body = parseJson(await c.req.text());
  if (!isObject(body)) throw refusals.invalidPayload();
  return body;
}

function fieldText(value: unknown): FieldText {
  if (typeof value === "string" || value === null) return value;
  return typeof value === "number" ? String(value) : undefined;
}

/** Object.entries, with the names kept. */
function entries<Name extends string>(checks: FieldChecks<Name>): [Name, Check][] {
  return Object.entries(checks) as [Name, Check][]; // the type of Object.entries forgets the key's type
}

export const matches =
  (pattern: RegExp): Check =>
  (text) =>
    typeof text === "string" && pattern.test(text);
export const oneOf =
  (...values: string[]): Check =>
  (text) =>
    typeof text === "string" && values.includes(text);
export const optional =
  (check: Check): Check =>
  (text) =>
    text === undefined || text === "" || check(text);
export const notNull: Check = (text) => text !== null;

export const present: Check = (text) => typeof text === "string" && text.trim() !== "";
export const shortcode = matches(/^\d{5,7}$/);
export const wholeShillings = matches(/^[1-9]\d{0,8}$/);
export const msisdn: Check = (text) => typeof text === "string" && isDarajaMsisdn(text);
export const party: Check = (text) => shortcode(text) || msisdn(text);

/** YYYYMMDDHHmmss with a possible date; how old it is does not seem to matter. */
export const timestamp: Check = (text) => {
  const parts = /^(20\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text ?? "");
  if (!parts) return false;
  const [, year, month, day, hour, minute, second] = parts;
  return !Number.isNaN(Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`));
};

/** An absolute address without spaces. Production wants https; a local run calls back over http. */
export const callbackUrl: Check = (text) =>
  typeof text === "string" && /^https?:\/\/\S+$/i.test(text) && URL.canParse(text);
