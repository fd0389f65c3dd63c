import { Hono } from "hono";
import type { StoredTransaction } from "../../features/payments/store.ts";
import { readPurchase } from "../../features/purchases/read.ts";
import { storedPurchase } from "../../features/subscriptions/purchase.ts";
import { MINUTE_MS } from "../../lib/clock.ts";
import type { PageContext, PageEnv } from "../context.ts";
import { merchantPage } from "../layout.tsx";
import { asksAgain } from "../live.ts";
import { Alert, kes, localPhone, PageHead, Panel } from "../parts.tsx";
import { PaymentStatus } from "../payments-parts.tsx";
import { unpaidPurchase } from "./payment-words.ts";

/** Sends the buyer to the page on which the phone's answer shows. */
export const watchPurchase = (c: PageContext, id: string) => c.redirect(`/dashboard/buying/${id}`, 303);

/** The page on which the like of it is bought. */
function shopOf({ purchase }: StoredTransaction): string {
  const bought = purchase === null ? undefined : storedPurchase(purchase);
  return bought?.kind === "plan" ? `/dashboard/plan?key=${bought.keyId}` : "/dashboard/sms";
}

/** What a purchase waits for, and what came of it. Asks for itself again until that is known. */
export const buyingPages = new Hono<PageEnv>().get("/buying/:id{tx_[0-9a-f]+}", async (c) => {
  const purchase = await readPurchase(c.var.deps, c.var.merchantId, c.req.param("id"));
  const { status, amount, phone, accountReference } = purchase;
  // A prompt is answered within minutes; what is unclear can take a day.
  const every = c.var.deps.now() - purchase.createdAt < 5 * MINUTE_MS ? "2s" : "30s";
  const live = status === "pending" ? { ...asksAgain(c.req.path, every), "hx-select": "#buying" } : {};
  return merchantPage(
    c,
    "Your purchase",
    <div class="max-w-lg">
      <PageHead title={accountReference} lead={`${kes(amount)} from ${localPhone(phone)}`} />
      <div id="buying" aria-live="polite" {...live}>
        <Panel>
          <p class="mb-3">
            <PaymentStatus status={status} />
          </p>
          {status === "pending" ? (
            <p>{`Type your M-Pesa PIN on ${localPhone(phone)}. This page follows by itself.`}</p>
          ) : null}
          {status === "completed" ? <Alert tone="success">Thank you. It is yours to use now.</Alert> : null}
          {status === "failed" ? (
            <Alert tone="error">{`${unpaidPurchase(purchase)} Nothing was bought.`}</Alert>
          ) : null}
          {status === "pending" ? null : (
            <p class="flex flex-wrap gap-2">
              {status === "failed" ? (
                <a class="btn btn-primary" href={shopOf(purchase)}>
                  Try again
                </a>
              ) : null}
              <a class="btn" href="/dashboard">
                To the dashboard
              </a>
            </p>
          )}
        </Panel>
      </div>
    </div>,
  );
});
