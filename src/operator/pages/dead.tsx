import { Hono } from "hono";
import type { Child } from "hono/jsx";
import { z } from "zod";
import type { PageEnv } from "../../dashboard/context.ts";
import { parseForm, typed } from "../../dashboard/forms.ts";
import { Badge, Empty, PageHead, Panel } from "../../dashboard/parts.tsx";
import { AT_MOST, dismissDead, listDead, replayDead } from "../../features/dead-letters/replay.ts";
import { storedAttempts } from "../../features/webhooks/rules.ts";
import { reasonField } from "../contract.ts";
import { by, consolePage } from "./frame.tsx";
import { Act, ago, Cut, Row, Rows } from "./parts.tsx";

type Dead = Awaited<ReturnType<typeof listDead>>;

const Replay = ({ id, what }: { id: string; what: string }) => (
  <Act
    id={`replay-${id.replace(/[^\w-]/g, "-")}`}
    label="Send again"
    title={`Send ${what} again`}
    action="/operator/dead-letters"
    confirm="Send it"
    fields={{ id }}
  />
);

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
        {dead.webhooks.map(({ id, url, attempts, attemptCount, createdAt }) => (
          <Row end={<Replay id={id} what="this webhook" />}>
            <span class="mono">{url}</span>
            <Badge tone="error">{lastAnswer(attempts)}</Badge>
            <span class="soft text-sm">{`${attemptCount} attempts, ${ago(createdAt, now)} old`}</span>
          </Row>
        ))}
      </Section>
      <Section title="Emails and SMS" count={dead.notices.length}>
        {dead.notices.map(({ id, channel, subject, createdAt }) => (
          <Row end={<Replay id={id} what="this message" />}>
            <Badge tone="neutral">{channel}</Badge>
            <span>{subject}</span>
            <span class="soft text-sm">{`${ago(createdAt, now)} old`}</span>
          </Row>
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
