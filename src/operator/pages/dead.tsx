import { Hono } from "hono";
import type { Child } from "hono/jsx";
import { z } from "zod";
import type { PageEnv } from "../../dashboard/context.ts";
import { parseForm, typed } from "../../dashboard/forms.ts";
import { Badge, Empty, PageHead, Panel } from "../../dashboard/parts.tsx";
import { accountOf } from "../../features/account/merchants.ts";
import { AT_MOST, dismissDead, listDead, replayDead } from "../../features/dead-letters/replay.ts";
import { storedAttempts } from "../../features/webhooks/rules.ts";
import { maskMsisdn } from "../../lib/msisdn.ts";
import { reasonField } from "../contract.ts";
import { by, consolePage } from "./frame.tsx";
import { Act, ago, Cut, Row, Rows } from "./parts.tsx";

type Dead = Awaited<ReturnType<typeof listDead>>;

const Replay = ({ id, what, children }: { id: string; what: string; children?: Child }) => (
  <Act
    id={`replay-${id.replace(/[^\w-]/g, "-")}`}
    label="Send again"
    title={`Send ${what} again`}
    action="/operator/dead-letters"
    confirm="Send it"
    fields={{ id }}
  >
    {children}
  </Act>
);

const Merchant = ({ id }: { id: number | null }) => {
  if (id === null) return <span>to the operator</span>;
  const account = accountOf(id);
  return (
    <a class="quiet-link" href={`/operator/merchants/${account}`}>
      {account}
    </a>
  );
};

/** Enough of a number or an address to know whose it is. */
const masked = (recipient: string) =>
  recipient.includes("@") ? recipient.replace(/^(.).*@/, "$1•••@") : maskMsisdn(recipient);

const Notice = ({ notice, now }: { notice: Dead["notices"][number]; now: number }) => {
  const { id, merchantId, channel, subject, recipient, attemptCount, createdAt } = notice;
  // The id names the occasion; an SMS has no subject.
  const [occasion = "", about = ""] = id.split(":");
  const isSms = channel === "sms";
  return (
    <Row
      end={
        <Replay id={id} what="this message">
          {isSms ? <p class="mb-3">An SMS is paid with the merchant's SMS credits.</p> : null}
        </Replay>
      }
    >
      <Badge tone="neutral">{isSms ? "SMS" : "Email"}</Badge>
      <span>{subject || occasion.replaceAll("_", " ")}</span>
      {subject ? null : <span class="mono">{about}</span>}
      <Merchant id={merchantId} />
      <span class="mono">{masked(recipient)}</span>
      <span class="soft text-sm">
        {`Attempts: ${attemptCount}, the log has why each failed. ${ago(createdAt, now)} old`}
      </span>
    </Row>
  );
};

function lastAnswer(attempts: string): string {
  const last = storedAttempts(attempts).at(-1);
  return last?.status == null ? (last?.error ?? "no answer") : `HTTP ${last.status}`;
}

const PutAside = ({ id }: { id: string }) => (
  <Act
    id={`dismiss-${id.replace(/[^\w-]/g, "-")}`}
    label="Put aside"
    title="Put this message aside"
    action="/operator/dead-letters/dismiss"
    confirm="Put it aside"
    fields={{ id }}
  />
);

const Section = ({ title, count, children }: { title: string; count: number; children: Child }) => (
  <Panel title={title}>
    {count === 0 ? <Empty>None.</Empty> : <Rows>{children}</Rows>}
    <Cut count={count} at={AT_MOST} />
  </Panel>
);

const DeadPage = ({ dead, now }: { dead: Dead; now: number }) => (
  <>
    <PageHead
      title="Given up"
      lead="What was tried as often as it may be. Payments and money are not affected: each of these only tells or hurries something, but for a callback among the queue messages: send that again first."
    />
    <div class="grid gap-4">
      <Section title="Webhooks" count={dead.webhooks.length}>
        {dead.webhooks.map(({ id, merchantId, url, attempts, attemptCount, createdAt }) => (
          <Row end={<Replay id={id} what="this webhook" />}>
            <span class="mono">{url}</span>
            <Merchant id={merchantId} />
            <Badge tone="error">{lastAnswer(attempts)}</Badge>
            <span class="soft text-sm">{`${attemptCount} attempts, ${ago(createdAt, now)} old`}</span>
          </Row>
        ))}
      </Section>
      <Section title="Emails and SMS" count={dead.notices.length}>
        {dead.notices.map((notice) => (
          <Notice notice={notice} now={now} />
        ))}
      </Section>
      <Section title="Queue messages" count={dead.messages.length}>
        {dead.messages.map(({ id, kind, subject, diedAt }) => (
          <Row end={kind === "unknown" ? <PutAside id={id} /> : <Replay id={id} what="this message" />}>
            <Badge tone="neutral">{kind}</Badge>
            <span class="mono">{subject}</span>
            <span class="soft text-sm">{`given up ${ago(diedAt, now)} ago`}</span>
          </Row>
        ))}
      </Section>
    </div>
  </>
);

const replayForm = z.object({ id: z.string(), reason: reasonField });

export const deadPages = new Hono<PageEnv>()
  .get("/dead-letters", async (c) => {
    const dead = await listDead(c.var.deps);
    return consolePage(c, "Given up", <DeadPage dead={dead} now={c.var.deps.now()} />);
  })
  .post("/dead-letters", async (c) => {
    const { id, reason } = parseForm(replayForm, await typed(c));
    await replayDead(c.var.deps, id, by(c, reason));
    return c.redirect("/operator/dead-letters?done=replayed", 303);
  })
  .post("/dead-letters/dismiss", async (c) => {
    const { id, reason } = parseForm(replayForm, await typed(c));
    await dismissDead(c.var.deps, id, by(c, reason));
    return c.redirect("/operator/dead-letters?done=dismissed", 303);
  });
