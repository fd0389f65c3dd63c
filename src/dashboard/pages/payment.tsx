import { Hono } from "hono";
import type { Child } from "hono/jsx";
import { ApiError } from "../../errors.ts";
import { describeDestination, storedDestination } from "../../features/keys/destination.ts";
import { checkPayment } from "../../features/payments/check.ts";
import { publicCheckoutId } from "../../features/payments/rules.ts";
import type { PaymentRef, StoredTransaction } from "../../features/payments/store.ts";
import { readStory, type Step, type Story } from "../../features/payments/story.ts";
import { isCollected } from "../../features/payouts/rules.ts";
import { throttle } from "../../features/throttle/throttle.ts";
import { replayDelivery } from "../../features/webhooks/replay.ts";
import { deliveryIdsOf, overtakerOf } from "../../features/webhooks/rules.ts";
import type { StoredDelivery } from "../../features/webhooks/store.ts";
import { DAY_MS, eastAfricaDay, eastAfricaTime, MINUTE_MS } from "../../lib/clock.ts";
import { counted } from "../../lib/counted.ts";
import { isTransactionId } from "../../lib/ids.ts";
import { parseJson } from "../../lib/json.ts";
import type { PageContext, PageEnv } from "../context.ts";
import { merchantPage } from "../layout.tsx";
import { asksAgain, markOf, pathWith } from "../live.ts";
import { Alert, kenyaDay, kenyaTime, kes, localPhone, PageHead, Panel } from "../parts.tsx";
import { DeliveryStatus, PaymentStatus } from "../payments-parts.tsx";
import { headline, type Telling, tell } from "./payment-words.ts";

const pathOf = (id: string) => `/dashboard/payments/${id}`;

/** What was done last on this page, told once. */
const NOTES = {
  checked: "M-Pesa was asked just now.",
  resent: "The webhook is being sent again.",
  overtaken: "The payment was paid after all, so its failure is not told again.",
  too_soon: "This was done a moment ago. Wait a little, then try again.",
} as const;

const isNote = (name: string): name is keyof typeof NOTES => Object.hasOwn(NOTES, name);

/**
 * How often the page looks again: at once while the customer has the prompt, seldom where days can pass,
 * and not at all where nothing is to come.
 */
function looksEvery({ payment, payout, deliveries }: Story, now: number): string | undefined {
  const age = now - payment.createdAt;
  if (payment.status === "pending") return age < 5 * MINUTE_MS ? "2s" : age < DAY_MS ? "15s" : "60s";
  const isPayoutOpen = payout !== undefined && payout.status !== "paid" && payout.status !== "failed";
  if (!isPayoutOpen && deliveries.every(({ status }) => status !== "pending")) return undefined;
  return now - (payment.completedAt ?? 0) < 2 * MINUTE_MS ? "3s" : "30s";
}

/** The time of a step, with the day where that is another than the payment's. */
const StepTime = ({ at, day }: { at: number; day: string }) => (
  <time class="soft shrink-0 text-sm tabular-nums" datetime={new Date(at).toISOString()}>
    {eastAfricaDay(at) === day ? "" : `${kenyaDay(eastAfricaDay(at))}, `}
    {eastAfricaTime(at).slice(11)}
  </time>
);

const DOTS: Record<Telling["tone"], string> = {
  neutral: "bg-base-content/40",
  success: "bg-success-content",
  warning: "bg-warning-content",
  error: "bg-error-content",
  info: "bg-primary",
};

/** A text of somebody else's, such as what a server answered. */
const Quote = ({ label, children }: { label: string; children: Child }) => (
  <details class="mt-1">
    <summary class="quiet-link inline-block cursor-pointer text-sm">{label}</summary>
    <pre
      class="mono mt-2 max-h-60 overflow-auto rounded-field bg-base-200 p-3 whitespace-pre-wrap"
      tabindex={0}
    >
      {children}
    </pre>
  </details>
);

const Timeline = ({ story }: { story: Story }) => {
  const day = eastAfricaDay(story.payment.createdAt);
  return (
    <ol class="timeline-line">
      {story.steps.map((step) => {
        const { title, detail, tone } = tell(step, story);
        return (
          <li>
            <span class={`timeline-dot ${DOTS[tone]}`} aria-hidden="true" />
            <div class="flex flex-wrap items-baseline justify-between gap-x-4">
              <p class="font-medium">{title}</p>
              {step.at === null ? null : <StepTime at={step.at} day={day} />}
            </div>
            {detail ? <p class="soft text-sm">{detail}</p> : null}
            <Told step={step} />
          </li>
        );
      })}
    </ol>
  );
};

/** What was sent to the merchant's server, and what it answered. */
const Told = ({ step }: { step: Step }) => {
  if (step.kind !== "told") return null;
  const { attempt, delivery } = step;
  return (
    <>
      <p class="soft mono break-all">{delivery.url}</p>
      {attempt.response ? <Quote label="What your server answered">{attempt.response}</Quote> : null}
    </>
  );
};

const Facts = ({ story }: { story: Story }) => {
  const { payment, key } = story;
  const destination = storedDestination(payment.destination);
  // As it was checked when it was stored.
  const metadata = (parseJson(payment.metadata ?? "{}") ?? {}) as Record<string, string>;
  const facts: [string, Child][] = [
    ["Reference", payment.accountReference],
    ["Description", payment.description],
    ["Key", key ? (key.deletedAt === null ? key.name : `${key.name} (deleted)`) : String(payment.keyId)],
    ["Paid to", describeDestination(destination)],
    ["Payment id", <span class="mono">{payment.id}</span>],
    ["Checkout request id", <span class="mono">{publicCheckoutId(payment)}</span>],
    ...(payment.resultCode === null
      ? []
      : [["M-Pesa's result", `${payment.resultCode} ${payment.resultDesc ?? ""}`] satisfies [string, Child]]),
    ...Object.entries(metadata).map(([name, value]) => [name, value] satisfies [string, Child]),
  ];
  return (
    <dl class="grid gap-x-6 gap-y-2 sm:grid-cols-[auto_1fr]">
      {facts.map(([name, value]) => (
        <div class="contents">
          <dt class="soft text-sm sm:pt-0.5">{name}</dt>
          <dd class="mb-1 min-w-0 break-words sm:mb-0">{value}</dd>
        </div>
      ))}
    </dl>
  );
};

const isOvertakenIn = ({ deliveries }: Story, { id }: Pick<StoredDelivery, "id">) =>
  deliveries.some((other) => other.id === overtakerOf(id));

const Delivery = ({ delivery, isOvertaken }: { delivery: StoredDelivery; isOvertaken: boolean }) => {
  const { transactionId, id, status, attemptCount } = delivery;
  const told = id.endsWith("_completed") ? "Paid" : "Not paid";
  return (
    <li class="py-3">
      <div class="flex flex-wrap items-center gap-x-3 gap-y-2">
        <DeliveryStatus status={status} isOvertaken={isOvertaken} />
        <span class="grow">{`“${told}”, ${counted(attemptCount, "attempt")}`}</span>
        {isOvertaken ? null : (
          <form method="post" action={`${pathOf(transactionId ?? "")}/webhooks/${id}/replay`}>
            <button class="btn btn-sm" type="submit">
              Send the webhook again
            </button>
          </form>
        )}
      </div>
      <p class="soft mono mt-1 break-all">{delivery.url}</p>
      <Quote label="What we send">{JSON.stringify(parseJson(delivery.body), null, 2)}</Quote>
    </li>
  );
};

/** Where the money of a paid payment is, if it is not on our books. */
const WentStraight = ({ payment }: { payment: StoredTransaction }) => {
  const destination = storedDestination(payment.destination);
  const isElsewhere = payment.purchase === null && !isCollected(destination, payment.routing);
  if (payment.status !== "completed" || !isElsewhere) return null;
  return (
    <p class="soft mt-3 text-sm">
      {`The money went straight from the customer to ${describeDestination(destination)}.`}
    </p>
  );
};

type LiveProps = { story: Story; live: object; note: string | undefined };

/** All that changes while a payment goes its way. */
const Live = ({ story, live, note }: LiveProps) => {
  const { payment, deliveries } = story;
  const { title, detail } = headline(payment);
  const isWaiting = payment.status === "pending";
  return (
    <div id="payment" class="grid grid-cols-[minmax(0,1fr)] gap-4" {...live}>
      {note ? <Alert tone="info">{note}</Alert> : null}
      <section class="panel" aria-labelledby="payment-state">
        <div class="flex flex-wrap items-center gap-x-4 gap-y-2">
          <p class="text-3xl font-semibold tracking-tight tabular-nums">{kes(payment.amount)}</p>
          <PaymentStatus status={payment.status} />
          <p class="soft tabular-nums">{localPhone(payment.phone)}</p>
        </div>
        <div role="status" class="mt-3">
          <h2 id="payment-state" class="flex items-center">
            {isWaiting ? <span class="live-dot" aria-hidden="true" /> : null}
            {title}
          </h2>
          <p class="soft">{detail}</p>
        </div>
        <WentStraight payment={payment} />
        <Actions payment={payment} />
      </section>
      <Panel title="What happened">
        <Timeline story={story} />
      </Panel>
      {deliveries.length > 0 ? (
        <Panel title="Webhooks">
          <ul class="divide-y divide-base-300">
            {deliveries.map((delivery) => (
              <Delivery delivery={delivery} isOvertaken={isOvertakenIn(story, delivery)} />
            ))}
          </ul>
        </Panel>
      ) : null}
      <Panel title="Details">
        <Facts story={story} />
      </Panel>
    </div>
  );
};

const Actions = ({ payment }: { payment: StoredTransaction }) => {
  if (payment.status === "failed" && payment.purchase === null) {
    return (
      <p class="mt-4">
        <a class="btn btn-sm" href={`/dashboard/payments/new?again=${payment.id}`}>
          Ask again
        </a>
      </p>
    );
  }
  if (payment.status !== "pending" || payment.checkoutRequestId === null) return null;
  return (
    <form method="post" action={`${pathOf(payment.id)}/check`} class="mt-4">
      <button class="btn btn-sm" type="submit">
        Check now
      </button>
    </form>
  );
};

function refOf(c: PageContext): PaymentRef {
  const id = c.req.param("id") ?? "";
  if (!isTransactionId(id)) throw new ApiError("NOT_FOUND");
  return { merchantId: c.var.merchantId, id };
}

async function storyPage(c: PageContext) {
  const { deps } = c.var;
  const ref = refOf(c);
  const story = await readStory(deps, ref);
  const every = looksEvery(story, deps.now());
  const seen = await markOf([story, every]);
  const isFragment = c.req.header("HX-Request") !== undefined;
  if (isFragment && c.req.query("seen") === seen) return c.body(null, 204);
  const live = every ? asksAgain(pathWith(pathOf(ref.id), { seen }), every) : {};
  const note = c.req.query("done") ?? "";
  const content = <Live story={story} live={live} note={isNote(note) ? NOTES[note] : undefined} />;
  if (isFragment) return c.html(content);
  return merchantPage(
    c,
    "Payment",
    <>
      <p class="mb-2 text-sm">
        <a class="quiet-link" href="/dashboard/payments">
          All payments
        </a>
      </p>
      <PageHead title="Payment" lead={`Asked for on ${kenyaTime(story.payment.createdAt)}.`} />
      {content}
    </>,
  );
}

/** Does what a button asks for, and leads back to the page, which tells of it. */
async function done(c: PageContext, work: () => Promise<keyof typeof NOTES>) {
  const { id } = refOf(c);
  const back = (name: keyof typeof NOTES) => c.redirect(pathWith(pathOf(id), { done: name }), 303);
  try {
    return back(await work());
  } catch (error) {
    if (error instanceof ApiError && error.code === "TOO_MANY_TRIES") return back("too_soon");
    throw error;
  }
}

export const paymentPages = new Hono<PageEnv>()
  .get("/payments/:id", storyPage)

  .post("/payments/:id/check", (c) =>
    done(c, async () => {
      await checkPayment(c.var.deps, refOf(c));
      return "checked";
    }),
  )

  .post("/payments/:id/webhooks/:delivery/replay", (c) =>
    done(c, async () => {
      const { merchantId, id } = refOf(c);
      const delivery = c.req.param("delivery");
      const story = await readStory(c.var.deps, { merchantId, id }); // another merchant's is not found, and not counted
      if (!deliveryIdsOf(id).includes(delivery)) throw new ApiError("NOT_FOUND");
      if (isOvertakenIn(story, { id: delivery })) return "overtaken";
      await throttle(c.var.deps, "webhook_replay", delivery);
      await replayDelivery(c.var.deps, { id: 0, merchantId, scope: "full" }, delivery, { trueOnly: true });
      return "resent";
    }),
  );
