import { Hono } from "hono";
import { paymentsOf } from "../../features/payments/merchant-list.ts";
import type { StoredTransaction } from "../../features/payments/store.ts";
import { throttle } from "../../features/throttle/throttle.ts";
import { listQuery } from "../../features/webhooks/contract.ts";
import { isOvertaken, listDeliveries, readDelivery } from "../../features/webhooks/list.ts";
import { replayDelivery } from "../../features/webhooks/replay.ts";
import { replayFailed } from "../../features/webhooks/replay-failed.ts";
import { ATTEMPTS_KEPT, overtakerOf, storedAttempts } from "../../features/webhooks/rules.ts";
import type { StoredDelivery } from "../../features/webhooks/store.ts";
import { DAY_MS, MINUTE_MS } from "../../lib/clock.ts";
import { counted } from "../../lib/counted.ts";
import type { PageContext, PageEnv } from "../context.ts";
import { merchantPage } from "../layout.tsx";
import { asksAgain, pathWith } from "../live.ts";
import { Alert, Badge, Empty, kes, localPhone, PageHead, Panel, When } from "../parts.tsx";
import { DELIVERY_STATUS, DeliveryStatus, statusLabel } from "../payments-parts.tsx";

/** All of the merchant's deliveries, whatever the scope of its keys. */
const ownerOf = (c: PageContext) => ({ id: 0, merchantId: c.var.merchantId, scope: "full" as const });

/** What a delivery tells: `Paid KES 999, 0710 000 218`. */
function newsOf({ id, transactionId }: StoredDelivery, payment: StoredTransaction | undefined): string {
  if (transactionId === null) return "Test event";
  const result = statusLabel(id.endsWith("_completed") ? "completed" : "failed");
  return payment ? `${result} ${kes(payment.amount)}, ${localPhone(payment.phone)}` : result;
}

const Attempts = ({ delivery }: { delivery: StoredDelivery }) => (
  <ol class="divide-y divide-base-300">
    {storedAttempts(delivery.attempts).map(({ at, status, durationMs, response, error }) => (
      <li class="py-3">
        <p class="flex flex-wrap items-center gap-2">
          <Badge tone={status !== null && status < 300 ? "success" : "error"}>
            {status === null ? "No answer" : `HTTP ${status}`}
          </Badge>
          <When at={at} />
          <span class="soft text-sm">{`after ${durationMs} ms`}</span>
        </p>
        {error ? <p class="mt-1 text-sm">{error}</p> : null}
        {response ? (
          <pre class="mt-2 max-h-40 overflow-auto rounded-field bg-base-200 p-2 text-sm" tabindex={0}>
            {response}
          </pre>
        ) : null}
      </li>
    ))}
  </ol>
);

type RowProps = { delivery: StoredDelivery; payment: StoredTransaction | undefined };

/** With the payment's time, by which the list is sorted. */
const Row = ({ delivery, payment }: RowProps) => (
  <li>
    <a
      href={`/dashboard/api/webhooks/${delivery.id}`}
      class="-mx-2 flex flex-wrap items-center gap-x-4 gap-y-1 rounded-field px-2 py-2.5 hover:bg-base-200"
    >
      <DeliveryStatus
        status={delivery.status}
        isOvertaken={payment?.status === "completed" && overtakerOf(delivery.id) !== undefined}
      />
      <span class="grow basis-52 tabular-nums">{newsOf(delivery, payment)}</span>
      <span class="soft min-w-0 basis-52 truncate text-sm max-sm:basis-full">{delivery.url}</span>
      <span class="soft text-sm">{counted(delivery.attemptCount, "attempt")}</span>
      <span class="soft text-sm">
        <When at={payment?.createdAt ?? delivery.createdAt} />
      </span>
    </a>
  </li>
);

const Filter = ({ at }: { at: string | undefined }) => (
  <nav class="mb-3 flex flex-wrap gap-2" aria-label="Filter">
    {([undefined, "pending", "delivered", "failed"] as const).map((status) => (
      <a
        class={`btn btn-sm ${status === at ? "btn-primary" : ""}`}
        aria-current={status === at ? "true" : undefined}
        href={`/dashboard/api/webhooks${status ? `?status=${status}` : ""}`}
      >
        {status === undefined ? "All" : DELIVERY_STATUS[status].label}
      </a>
    ))}
  </nav>
);

/** Often while an attempt may be under way, seldom while the next one is far. */
function looksEvery({ status, dueAt }: StoredDelivery, now: number): string | undefined {
  if (status !== "pending") return undefined;
  return dueAt === null || dueAt - now < MINUTE_MS ? "3s" : "30s";
}

const PER_PAGE = 20;
const FAILED_LOOKED_AT_MS = 30 * DAY_MS;

export const webhookPages = new Hono<PageEnv>()
  .get("/api/webhooks", async (c) => {
    const { deps, merchantId } = c.var;
    const query = { ...listQuery.catch({ limit: PER_PAGE }).parse(c.req.query()), limit: PER_PAGE };
    const { deliveries, nextCursor } = await listDeliveries(deps, ownerOf(c), query);
    const payments = await paymentsOf(
      deps,
      merchantId,
      deliveries.map(({ transactionId }) => transactionId),
    );
    const asked = c.req.query("replayed");
    const replayed = asked === undefined ? undefined : Number(asked) || 0;
    return merchantPage(
      c,
      "Webhooks",
      <>
        <PageHead
          title="Webhooks"
          lead="What your server was told, and what it answered, the newest payment first."
        >
          <form method="post" action="/dashboard/api/webhooks/replay">
            <button class="btn" type="submit">
              Send again what was given up
            </button>
          </form>
        </PageHead>
        {replayed === undefined ? null : (
          <Alert tone="success">
            {`${counted(replayed, "webhook")} ${replayed === 1 ? "is" : "are"} sent again.`}
            {c.req.query("more") === undefined ? "" : " More of them wait: press once more in a minute."}
          </Alert>
        )}
        <Panel>
          <Filter at={query.status} />
          {deliveries.length === 0 ? (
            <Empty>Nothing here. Set a callback URL at one of your keys, and send it a test event.</Empty>
          ) : (
            <ul class="divide-y divide-base-300">
              {deliveries.map((delivery) => (
                <Row delivery={delivery} payment={payments.get(delivery.transactionId ?? "")} />
              ))}
            </ul>
          )}
          {nextCursor ? (
            <a
              class="btn btn-sm mt-3"
              href={`/dashboard/api/webhooks?cursor=${nextCursor}${query.status ? `&status=${query.status}` : ""}`}
            >
              Older ones
            </a>
          ) : null}
        </Panel>
      </>,
    );
  })

  .post("/api/webhooks/replay", async (c) => {
    const since = c.var.deps.now() - FAILED_LOOKED_AT_MS;
    const owner = ownerOf(c);
    const { replayed, nextCursor } = await replayFailed(c.var.deps, owner, { status: "failed", since });
    const more = nextCursor === null ? undefined : 1;
    return c.redirect(pathWith("/dashboard/api/webhooks", { replayed, more }), 303);
  })

  .get("/api/webhooks/:delivery", async (c) => {
    const delivery = await readDelivery(c.var.deps, ownerOf(c), c.req.param("delivery"));
    const [overtaken, payments] = await Promise.all([
      isOvertaken(c.var.deps, delivery),
      paymentsOf(c.var.deps, c.var.merchantId, [delivery.transactionId]),
    ]);
    const news = newsOf(delivery, payments.get(delivery.transactionId ?? ""));
    const every = looksEvery(delivery, c.var.deps.now());
    return merchantPage(
      c,
      "Webhook",
      <>
        <PageHead title="Webhook" lead={delivery.url}>
          {overtaken ? null : (
            <form method="post" action={`/dashboard/api/webhooks/${delivery.id}/replay`}>
              <button class="btn btn-primary" type="submit">
                Send it again
              </button>
            </form>
          )}
        </PageHead>
        <div
          id="delivery"
          class="grid gap-4"
          {...(every ? { ...asksAgain(c.req.path, every), "hx-select": "#delivery" } : {})}
        >
          <Panel>
            <p class="flex flex-wrap items-center gap-3" aria-live="polite">
              <DeliveryStatus status={delivery.status} isOvertaken={overtaken} />
              {delivery.transactionId ? (
                <a class="quiet-link" href={`/dashboard/payments/${delivery.transactionId}`}>
                  {news}
                </a>
              ) : (
                <span>{news}</span>
              )}
            </p>
          </Panel>
          <Panel title="Attempts">
            {delivery.attemptCount === 0 ? <p class="soft">The first one is under way.</p> : null}
            {delivery.attemptCount > ATTEMPTS_KEPT ? (
              <p class="soft">{`The last ${ATTEMPTS_KEPT} of ${delivery.attemptCount}.`}</p>
            ) : null}
            <Attempts delivery={delivery} />
          </Panel>
          <Panel title="What was sent">
            <pre class="overflow-x-auto rounded-field bg-base-200 p-3 text-sm" tabindex={0}>
              {JSON.stringify(JSON.parse(delivery.body), null, 2)}
            </pre>
          </Panel>
        </div>
      </>,
    );
  })

  .post("/api/webhooks/:delivery/replay", async (c) => {
    const asked = c.req.param("delivery");
    await throttle(c.var.deps, "webhook_replay", asked);
    const { id } = await replayDelivery(c.var.deps, ownerOf(c), asked, { trueOnly: true });
    return c.redirect(`/dashboard/api/webhooks/${id}`, 303);
  });
