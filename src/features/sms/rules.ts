import { ApiError } from "../../errors.ts";
import { HOUR_MS, MINUTE_MS } from "../../lib/clock.ts";
import { counted } from "../../lib/counted.ts";
import type { DeliveryReport } from "../../upstreams/sms-gateway/port.ts";
import { type Claim, firstAnswer } from "../idempotency/claim.ts";
import type { StoredAnswer } from "../idempotency/store.ts";
import type { Order, StoredSms } from "./store.ts";

/** The text's table: each begun block of 160 characters is a part and costs a credit, up to four. */
export const BLOCK_CHARACTERS = 160;
export const MAX_PARTS = 4;
export const MAX_CHARACTERS = BLOCK_CHARACTERS * MAX_PARTS;

export const MAX_RECIPIENTS = 100;

/** Characters are Unicode code points: an emoji of one is one. */
export const countCharacters = (text: string) => [...text].length;

/** The default alphabet of GSM 03.38 and its extension table. */
const GSM_ALPHABET = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà" +
    "^{}\\[~]|€\f",
);

export type Measure = { characters: number; parts: number; encoding: "GSM-7" | "UCS-2" };

export function measure(message: string): Measure {
  const characters = countCharacters(message);
  return {
    characters,
    parts: Math.ceil(characters / BLOCK_CHARACTERS),
    encoding: [...message].every((character) => GSM_ALPHABET.has(character)) ? "GSM-7" : "UCS-2",
  };
}

/** When the sweep sends a message that neither the request nor the queue has. */
export const SWEEP_AFTER_MS = MINUTE_MS;
/** When a message whose sending has not ended counts as unclear: longer than any sending takes. */
export const SENDING_ENDS_MS = 2 * MINUTE_MS;
/** How old an unclear message may be for a delivery report to its phone to be its own. */
export const REPORTS_COME_WITHIN_MS = 72 * HOUR_MS;

export const UNCLEAR_REASON =
  "The SMS gateway gave no clear answer: the message may have been sent. It is not sent again, and not given back.";

/** Why a stored order could not be: what the storage says when the batch broke one of its constraints. */
export type OrderView = {
  credits: number;
  /** Whatever has the order's first id. */
  stored: StoredSms | undefined;
  prior: StoredAnswer | undefined;
};

/**
 * Reads the reason for a broken constraint. An order that is stored already is one whose first answer
 * from the storage was lost.
 * @throws INSUFFICIENT_SMS_CREDITS, IDEMPOTENCY_KEY_REUSED
 */
export function judgeBrokenOrder(
  view: OrderView,
  order: Order,
  claim: Claim | undefined,
): { kind: "stored" } | { kind: "replay"; answer: object } | { kind: "id_taken" } {
  const { stored, prior, credits } = view;
  const [first] = order.recipients;
  const isOurs =
    stored?.phone === first?.phone && stored?.message === order.message && stored?.createdAt === order.now;
  if (stored && isOurs) return { kind: "stored" };
  if (prior && claim) return { kind: "replay", answer: firstAnswer(prior, claim) };
  if (stored) return { kind: "id_taken" };
  const cost = order.measure.parts * order.recipients.length;
  throw new ApiError("INSUFFICIENT_SMS_CREDITS", {
    message: `This costs ${counted(cost, "SMS credit")}, and you have ${credits}. Nothing was sent; buy credits first.`,
  });
}

/** What a merchant is told: a message that is being sent, or whose sending was unclear, is not yet known to be. */
export const publicStatus = (status: StoredSms["status"]) => (status === "sending" ? "queued" : status);

/** What a final report changes. A success is never undone; a failure is, when a success is told later. */
export const reported = ({ result }: DeliveryReport) =>
  result.kind === "delivered"
    ? { status: "delivered" as const, failureReason: null }
    : { status: "failed" as const, failureReason: result.reason };
