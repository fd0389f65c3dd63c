import { Hono } from "hono";
import { html } from "hono/html";
import type { PageEnv } from "../../dashboard/context.ts";
import { asksAgain } from "../../dashboard/live.ts";
import { Alert, Figure, kenyaTime, kes, PageHead, Panel, whole } from "../../dashboard/parts.tsx";
import { alertSubject } from "../../features/operations/alerts.ts";
import { type Figures, readFigures } from "../../features/operations/figures.ts";
import { eastAfricaTime } from "../../lib/clock.ts";
import { consolePage } from "./frame.tsx";
import { ago } from "./parts.tsx";

const rate = (value: number) => (value >= 10 || value === 0 ? whole(Math.round(value)) : value.toFixed(1));
const percent = (share: number | undefined) => (share === undefined ? "–" : `${(share * 100).toFixed(1)} %`);

/** Completed payments a minute of the last hour, drawn without a script. */
const Hour = ({ payments }: { payments: Figures["payments"] }) => {
  const minutes = payments.byMinute.slice(-60);
  const most = Math.max(1, ...minutes.map(({ completed }) => completed));
  return (
    <svg
      viewBox="0 0 60 12"
      preserveAspectRatio="none"
      class="h-16 w-full"
      role="img"
      aria-label={`Completed payments a minute of the last hour, at most ${most}`}
    >
      <line x1="0" x2="60" y1="11.9" y2="11.9" class="stroke-base-300" stroke-width="0.15" />
      {minutes.map(({ completed }, i) => (
        <rect
          x={60 - minutes.length + i + 0.15}
          y={11.8 - (completed / most) * 11}
          width={0.7}
          height={(completed / most) * 11}
          class="fill-primary"
        />
      ))}
    </svg>
  );
};

const PRODUCTS: Record<string, string> = {
  stkpush: "STK Push",
  stkpushquery: "STK Query",
  b2c: "B2C",
  b2b: "B2B",
  transactionstatus: "Transaction Status",
  pulltransactions: "Pull Transactions",
};

const Daraja = ({ calls }: { calls: Figures["daraja"] }) =>
  calls.length === 0 ? (
    <p class="soft">No calls in the last 15 minutes.</p>
  ) : (
    <section class="overflow-x-auto" tabindex={0} aria-label="M-Pesa's calls">
      <table class="w-full text-left text-sm tabular-nums">
        <thead class="soft text-sm">
          <tr>
            {["Call", "Calls", "No answer", "Average", "Slowest"].map((head, i) => (
              <th class={`pb-1 font-medium whitespace-nowrap ${i > 0 ? "pl-4 text-right" : ""}`} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {calls.map(({ product, calls: count, failed, averageMs, slowestMs }) => (
            <tr>
              <th class="py-1 font-normal whitespace-nowrap" scope="row">
                {PRODUCTS[product] ?? product}
              </th>
              <td class="pl-4 text-right">{whole(count)}</td>
              <td class="pl-4 text-right">{percent(failed / Math.max(1, count))}</td>
              <td class="pl-4 text-right whitespace-nowrap">{`${whole(averageMs)} ms`}</td>
              <td class="pl-4 text-right whitespace-nowrap">{`${whole(slowestMs)} ms`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );

const FLOAT: Record<string, string> = {
  utility: "Utility, for phones",
  working: "Working, for paybills and tills",
};

const Float = ({ figures }: { figures: Figures }) =>
  figures.float.length === 0 ? (
    <p class="soft">M-Pesa tells of it with the result of a payout, and has not yet.</p>
  ) : (
    <dl class="grid gap-2">
      {figures.float.map(({ account, amount, reportedAt }) => (
        <div class="flex flex-wrap items-baseline justify-between gap-x-4">
          <dt>{FLOAT[account]}</dt>
          <dd class="tabular-nums">
            <span class="font-medium">{kes(amount)}</span>{" "}
            <span class="soft text-sm">{`${ago(reportedAt, figures.at)} ago`}</span>
          </dd>
        </div>
      ))}
    </dl>
  );

/** What the page asks for again every few seconds. */
const Live = ({ figures }: { figures: Figures }) => {
  const { payments, oldestPendingAt, webhooks, dead } = figures;
  const under = figures.payouts.reduce((sum, { count }) => sum + count, 0);
  const amount = figures.payouts.reduce((sum, each) => sum + each.amount, 0);
  const waiting = figures.unclear + figures.proposals;
  return (
    <>
      {figures.alerts.map(({ kind, detail, since }) => (
        <Alert tone={kind === "ledger_broken" ? "error" : "warning"}>
          <strong>{alertSubject(kind)}</strong>
          {` since ${kenyaTime(since)}. ${detail}`}
        </Alert>
      ))}
      <p class="soft mb-2 text-sm tabular-nums">{`As of ${eastAfricaTime(figures.at).slice(11)}`}</p>
      {dead.others > 0 ? (
        <p class="mb-2 text-sm">
          <a class="quiet-link" href="/operator/dead-letters">
            {`Emails, SMS and queue messages given up: ${whole(dead.others)}`}
          </a>
        </p>
      ) : null}
      <div class="mb-4 grid grid-cols-2 gap-3 sm:gap-4 xl:grid-cols-4">
        <Figure label="Payments a minute" note={`${rate(payments.completedAMinute)} completed`}>
          {rate(payments.startedAMinute)}
        </Figure>
        <Figure
          label="Success in the last hour"
          note={`${whole(payments.completed)} paid, ${whole(payments.failed)} not`}
        >
          {percent(payments.successRate)}
        </Figure>
        <Figure
          label="Pending"
          note={
            oldestPendingAt === null ? "none waits" : `the oldest for ${ago(oldestPendingAt, figures.at)}`
          }
        >
          {whole(figures.pending)}
        </Figure>
        <Figure
          label="Webhooks waiting"
          note={
            <a class="quiet-link" href="/operator/dead-letters">
              {`${whole(dead.webhooks)} given up`}
            </a>
          }
        >
          {whole(webhooks.count)}
        </Figure>
        <Figure label="Payouts under way" note={kes(amount)}>
          {whole(under)}
        </Figure>
        <Figure
          label="Waiting for a ruling"
          note={
            <a class="quiet-link" href="/operator/unclear">
              See what is unclear
            </a>
          }
        >
          {whole(waiting)}
        </Figure>
        <Figure label="Completed by callback" note="in the last 15 minutes">
          {whole(figures.settled.callback)}
        </Figure>
        <Figure label="Completed by asking" note="in the last 15 minutes">
          {whole(figures.settled.asked)}
        </Figure>
      </div>
      <div class="grid grid-cols-1 gap-4">
        <Panel title="The last hour">
          <Hour payments={payments} />
          <p class="soft mt-1 text-sm">Completed payments a minute.</p>
        </Panel>
        <div class="grid grid-cols-1 gap-4 lg:grid-cols-2">
          <Panel title="M-Pesa in the last 15 minutes">
            <Daraja calls={figures.daraja} />
          </Panel>
          <Panel title="Float">
            <Float figures={figures} />
          </Panel>
        </div>
      </div>
    </>
  );
};

export const nowPages = new Hono<PageEnv>()
  .get("/", async (c) => {
    const figures = await readFigures(c.var.deps);
    const { environment, payoutsPaused } = c.var.deps.config;
    const isOffered = environment === "local" && !c.var.user.twoFactorEnabled;
    return consolePage(
      c,
      "Now",
      <>
        <PageHead title="Now" lead="These figures are asked for anew every five seconds." />
        {payoutsPaused ? (
          <Alert tone="warning">
            Payouts are paused: payouts and withdrawals wait, until the setting PAYOUTS_PAUSED is taken away.
          </Alert>
        ) : null}
        {isOffered ? (
          <Alert tone="info">
            Elsewhere than here an operator must have a second factor.{" "}
            <a class="link font-medium" href="/operator/second-factor">
              Set it up
            </a>
          </Alert>
        ) : null}
        <div id="live" {...asksAgain("/operator/figures", "5s", "innerMorph")}>
          <Live figures={figures} />
        </div>
      </>,
    );
  })
  .get("/figures", async (c) => c.html(html`${<Live figures={await readFigures(c.var.deps)} />}`));
