import { MINUTE_MS } from "../../lib/clock.ts";
import { storedDestination } from "../keys/destination.ts";
import { DEFAULT_REFERENCE, forPrompt } from "../payments/rules.ts";
import type { StoredTransaction } from "../payments/store.ts";
import { isCollected } from "../payouts/rules.ts";

/** M-Pesa's clock and ours may differ so much; and so long after the push a prompt can still be paid. */
export const CLOCK_DIFFERENCE_MS = MINUTE_MS;
export const PAYABLE_FOR_MS = 10 * MINUTE_MS;

/** M-Pesa may hide digits of a phone; fewer than these tell too little to prove anything. */
const VISIBLE_AT_LEAST = "254".length + 3;

export const isMasked = (phone: string) => phone.includes("*");

type Line = { receipt: string; phone: string; amount: number; reference: string; paidAt: number };

/** Whether a line shows this phone, or all that it shows of one is this phone's. */
function showsPhone({ phone }: Line, whole: string): boolean {
  if (!isMasked(phone)) return phone === whole;
  const visible = phone.replaceAll("*", "").length;
  const fits = [...phone].every((digit, i) => digit === "*" || digit === whole[i]);
  return phone.length === whole.length && visible >= VISIBLE_AT_LEAST && fits;
}

/** Whether another line with a masked phone could be of the same payment: then neither of them proves it. */
const isRival = (line: Line, other: Line) =>
  other.receipt !== line.receipt &&
  other.phone === line.phone &&
  other.amount === line.amount &&
  other.reference === line.reference &&
  Math.abs(other.paidAt - line.paidAt) <= PAYABLE_FOR_MS + CLOCK_DIFFERENCE_MS;

/**
 * The payment that a line of M-Pesa's statement proves: exactly one that was collected on the operator's
 * shortcode, has no receipt, was not refused, and fits phone, amount, reference and time. Where several
 * fit, or none, it is not ours to guess.
 * @param candidates payments of the line's phone and amount without a receipt, from about its time
 * @param unmatched lines that no payment has the receipt of
 */
export function provedBy(
  line: Line,
  candidates: StoredTransaction[],
  unmatched: Line[],
): StoredTransaction | undefined {
  if (isMasked(line.phone) && unmatched.some((other) => isRival(line, other))) return undefined;
  const fitting = candidates.filter(
    (t) =>
      showsPhone(line, t.phone) &&
      t.amount === line.amount &&
      t.mpesaReceipt === null &&
      t.acknowledgement !== "refused" &&
      isCollected(storedDestination(t.destination), t.routing) &&
      forPrompt(t.accountReference, 12, DEFAULT_REFERENCE) === line.reference &&
      line.paidAt >= t.createdAt - CLOCK_DIFFERENCE_MS &&
      line.paidAt <= t.createdAt + PAYABLE_FOR_MS,
  );
  return fitting.length === 1 ? fitting[0] : undefined;
}
