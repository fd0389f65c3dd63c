import { ApiError } from "../../errors.ts";
import { throttle } from "../throttle/throttle.ts";
import { type ReconcileDeps, reconcile } from "./reconcile.ts";
import { ASKING_LEASE_MS } from "./rules.ts";
import { findPayment, leaseDue, type PaymentRef } from "./store.ts";

/**
 * Asks M-Pesa now what became of a payment that is pending. A definite answer settles it by the rules that
 * hold for every query; any other changes nothing, nor when M-Pesa is asked next.
 * @throws NOT_FOUND, also for another merchant's; TOO_MANY_TRIES within ten seconds of the last time.
 */
export async function checkPayment(deps: ReconcileDeps, ref: PaymentRef): Promise<void> {
  const payment = await findPayment(deps.db, ref);
  if (!payment) throw new ApiError("NOT_FOUND");
  if (payment.status !== "pending" || payment.checkoutRequestId === null) return;
  await throttle(deps, "payment_check", payment.id);
  if (!(await leaseDue(deps.db, payment, deps.now() + ASKING_LEASE_MS))) return;
  await reconcile(deps, payment, { isExtra: true });
}
