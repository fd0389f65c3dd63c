import { Hono } from "hono";
import type { Child } from "hono/jsx";
import { type Attention, type Home, readHome } from "../../features/account/overview.ts";
import { PLANS } from "../../features/subscriptions/plans.ts";
import { counted } from "../../lib/counted.ts";
import type { PageEnv } from "../context.ts";
import { Support } from "../keys-parts.tsx";
import { merchantPage } from "../layout.tsx";
import { Alert, Empty, Figure, kenyaDay, kes, PageHead, Panel, whole } from "../parts.tsx";
import { PaymentRows } from "../payments-parts.tsx";

/** Takings a day, drawn without a script, with the same in words for those who do not see it. */
const Chart = ({ days }: { days: Home["days"] }) => {
  const highest = Math.max(1, ...days.map(({ amount }) => amount));
  const width = 100 / days.length;
  const sum = days.reduce((total, { amount }) => total + amount, 0);
  return (
    <figure>
      <svg
        viewBox="0 0 100 32"
        preserveAspectRatio="none"
        class="h-32 w-full"
        role="img"
        aria-label="Takings a day"
      >
        <line x1="0" x2="100" y1="31.8" y2="31.8" class="stroke-base-300" stroke-width="0.3" />
        {days.map(({ day, amount }, i) => {
          const height = (amount / highest) * 30;
          return (
            <rect
              x={i * width + width * 0.15}
              y={31.6 - height}
              width={width * 0.7}
              height={amount > 0 ? Math.max(0.6, height) : 0}
              class="fill-primary"
            >
              <title>{`${kenyaDay(day)}: ${kes(amount)}`}</title>
            </rect>
          );
        })}
      </svg>
      <figcaption class="soft mt-1 grid grid-cols-2 gap-x-4 text-sm sm:grid-cols-3">
        <span>{kenyaDay(days[0]?.day ?? "")}</span>
        <span class="order-last col-span-2 text-center sm:order-none sm:col-span-1">{`${kes(sum)} in 30 days`}</span>
        <span class="text-right">Today</span>
      </figcaption>
    </figure>
  );
};

/** What to look at, in words, with the page that helps. */
function told(
  attention: Attention,
  supportEmail: string | undefined,
): {
  text: Child;
  href: string;
  link: string;
  tone: "info" | "warning" | "error";
} {
  switch (attention.kind) {
    case "phone_not_verified":
      return {
        text: `Verify your phone: it brings ${PLANS.Trial.calls} free calls to your default key.`,
        href: "/dashboard/verify-phone",
        link: "Verify it",
        tone: "info",
      };
    case "webhooks_failing":
      return {
        text: `${counted(attention.count, "webhook")} of this week did not reach your server.`,
        href: "/dashboard/api/webhooks?status=failed",
        link: "See them",
        tone: "error",
      };
    case "key_suspended":
      return {
        text: (
          <>
            {`The key “${attention.key.name}” is suspended: it sends no more prompts. Write to `}
            <Support address={supportEmail} /> to have it lifted.
          </>
        ),
        href: `/dashboard/api/${attention.key.id}`,
        link: "See the key",
        tone: "error",
      };
    case "limit_low":
      return {
        text: `The key “${attention.key.name}” has ${counted(attention.key.callsLeft, "call")} left.`,
        href: "/dashboard/plan",
        link: "Buy more",
        tone: "warning",
      };
    case "plan_ending":
      return {
        text: `The plan of “${attention.key.name}” ends within three days.`,
        href: "/dashboard/plan",
        link: "Renew it",
        tone: "warning",
      };
    case "no_plan":
      return {
        text: `Your default key has no plan, so it cannot ask for payments.`,
        href: "/dashboard/plan",
        link: "Choose a plan",
        tone: "warning",
      };
    case "sms_credits_low":
      return {
        text: `You have ${counted(attention.credits, "SMS credit")} left. Notifications by SMS stop at 0.`,
        href: "/dashboard/sms",
        link: "Buy credits",
        tone: "warning",
      };
    case "owed":
      return {
        text: `${kes(attention.amount)} is owed after a reversal by Safaricom. Your next payments cover it first.`,
        href: "/dashboard/wallet",
        link: "See the wallet",
        tone: "warning",
      };
  }
}

const percent = (share: number | undefined) => (share === undefined ? "–" : `${Math.round(share * 100)} %`);

type HomeProps = { home: Home; done: string | undefined; supportEmail: string | undefined };

const HomePage = ({ home, done, supportEmail }: HomeProps) => (
  <>
    <PageHead title="Home">
      <a class="btn btn-primary" href="/dashboard/payments/new">
        Request a payment
      </a>
    </PageHead>
    {done === "phone" ? (
      <Alert tone="success">Your phone is verified. Your default key can take payments now.</Alert>
    ) : null}
    {home.attention.map((each) => {
      const { text, href, link, tone } = told(each, supportEmail);
      return (
        <Alert tone={tone}>
          {text}{" "}
          <a class="link font-medium" href={href}>
            {link}
          </a>
        </Alert>
      );
    })}
    <div class="mb-4 grid grid-cols-2 gap-3 sm:gap-4 xl:grid-cols-4">
      <Figure label="Taken today" note={counted(home.today.completed, "payment")}>
        {kes(home.today.takings)}
      </Figure>
      <Figure label="Waiting for a PIN" note={`${whole(home.today.failed)} not paid today`}>
        {whole(home.today.pending)}
      </Figure>
      <Figure label="Paid of all asked" note="since the beginning">
        {percent(home.successRate)}
      </Figure>
      <Figure label="In your wallet" note={counted(home.wallet?.smsCredits ?? 0, "SMS credit")}>
        {kes(home.wallet?.balance ?? 0)}
      </Figure>
    </div>
    <div class="grid gap-4">
      <Panel title="The last 30 days">
        <Chart days={home.days} />
      </Panel>
      <Panel title="Latest payments">
        {home.recent.length > 0 ? (
          <PaymentRows payments={home.recent} />
        ) : (
          <Empty>
            No payments yet.{" "}
            <a class="quiet-link" href="/dashboard/payments/new">
              Request your first one
            </a>
            , or send it from your own code with the key.
          </Empty>
        )}
      </Panel>
    </div>
  </>
);

export const homePages = new Hono<PageEnv>().get("/", async (c) => {
  const home = await readHome(c.var.deps, c.var.merchantId);
  const { supportEmail } = c.var.deps.config;
  const page = <HomePage home={home} done={c.req.query("done")} supportEmail={supportEmail} />;
  return merchantPage(c, "Home", page);
});
