import { MINUTE_MS } from "../../lib/clock.ts";
import { storedDestination } from "../keys/destination.ts";
import { DEFAULT_REFERENCE, forPrompt } from "../payments/rules.ts";
import type { StoredTransaction } from "../payments/store.ts";
import { isCollected } from "../payouts/rules.ts";

/** M-Pesa's clock and ours may differ so much; and so long after the push a prompt can still be paid. */
export const CLOCK_DIFFERENCE_MS = MINUTE_MS;
export const PAYABLE_FOR_MS = 10 * MINUTE_MS;

/**
 * The payment that a line of M-Pesa's statement proves: exactly one that was collected on the operator's
 * shortcode, has no receipt, was not refused, and fits phone, amount, reference and time. Where several
 * fit, or none, it is not ours to guess.
 * @param candidates payments of the line's phone and amount without a receipt, from about its time
 */
export function provedBy(
  line: { phone: string; amount: number; reference: string; paidAt: number },
  candidates: StoredTransaction[],
): StoredTransaction | undefined {
  const fitting = candidates.filter(
    (t) =>
      t.phone === line.phone &&
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
