import type { Context } from "hono";
import { faultFires } from "../faults/faults.ts";
import { HOUR, isoTime, readSpacedTime } from "../lib/clock.ts";
import { merchantRequestId } from "../lib/ids.ts";
import { customerPayments, type LedgerEntry } from "../money/ledger.ts";
import { first, type World } from "../world.ts";
import * as fields from "./fields.ts";
import { readFields } from "./fields.ts";
import { Refusal, refusals } from "./refusals.ts";

const REACHES_BACK_MS = 48 * HOUR;
const PAGE = 100;

const spacedTime: fields.Check = (text) => readSpacedTime(text ?? "") !== undefined;

const registerChecks = {
  ShortCode: fields.shortcode,
  RequestType: fields.oneOf("Pull"),
  NominatedNumber: fields.msisdn,
  CallBackURL: fields.callbackUrl,
};

/** `POST /pulltransactions/v1/register`: 1000 the first time, 1001 from then on. */
export async function registerPull(world: World, c: Context): Promise<Response> {
  const request = await readFields(c, registerChecks);
  if (request.ShortCode !== world.config.shortcode) throw refusals.invalidField("ShortCode");
  const known = first(world, "SELECT shortcode FROM pull_urls WHERE shortcode = ?", request.ShortCode);
  world.sql.exec(
    "INSERT OR IGNORE INTO pull_urls (shortcode, callback_url) VALUES (?, ?)",
    request.ShortCode,
    request.CallBackURL,
  );
  return c.json({
    ResponseRefID: merchantRequestId(),
    ResponseStatus: known ? "1001" : "1000",
    ShortCode: request.ShortCode,
    ResponseDescription: known ? "ShortCode already Registered" : "ShortCode Registered Successfully",
  });
}

const queryChecks = {
  ShortCode: fields.shortcode,
  StartDate: spacedTime,
  EndDate: spacedTime,
  OffSetValue: fields.matches(/^\d{1,9}$/),
};

/**
 * `POST /pulltransactions/v1/query`: what customers paid to the shortcode within the last 48 hours, a
 * hundred from the given row on. Nothing found is 1001. It answers unregistered shortcodes too.
 */
export async function queryPull(world: World, c: Context): Promise<Response> {
  const request = await readFields(c, queryChecks);
  if (request.ShortCode !== world.config.shortcode) throw refusals.invalidField("ShortCode");
  const from = Math.max(readSpacedTime(request.StartDate) ?? 0, world.now() - REACHES_BACK_MS);
  // The end is given in whole seconds and includes the last one.
  const to = (readSpacedTime(request.EndDate) ?? 0) + 999;
  const found = customerPayments(world, request.ShortCode, {
    from,
    to,
    limit: PAGE,
    offset: Number(request.OffSetValue),
  });
  if (found.length === 0 && faultFires(world, "pull", "error_when_empty")) {
    throw new Refusal(500, "500.003.1001", "No transactions found");
  }
  return c.json({
    ResponseRefID: merchantRequestId(),
    ResponseCode: found.length > 0 ? "1000" : "1001",
    ResponseMessage: found.length > 0 ? "Success" : "No transactions found",
    Response: [found.map((entry) => pulled(world, entry))],
  });
}

/** The list's own style: lower-case keys, the amount as text, the phone as a number. */
const pulled = (world: World, entry: LedgerEntry & { payee_kind: string }) => ({
  transactionId: entry.receipt,
  trxDate: isoTime(entry.at).replace(/\.\d+/, ""),
  msisdn: shownPhone(world, entry.payer),
  sender: "MPESA",
  transactiontype: entry.payee_kind === "till" ? "c2b-buy-goods-debit" : "c2b-pay-bill-debit",
  billreference: entry.account_reference,
  amount: `${entry.amount}.00`,
  organizationname: world.config.organisationName,
});

/** In one of the forms that have been seen: of some shortcodes without 254, or masked. */
function shownPhone(world: World, phone: string): number | string | undefined {
  if (faultFires(world, "pull", "no_phone")) return undefined;
  if (faultFires(world, "pull", "masked_phone")) return `${phone.slice(0, 4)} ***** ${phone.slice(-3)}`;
  return Number(faultFires(world, "pull", "short_phone") ? phone.slice(3) : phone);
}
