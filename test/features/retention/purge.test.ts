import { env } from "cloudflare:test";
import { beforeEach, expect, it, vi } from "vitest";
import { KEPT_MS } from "../../../src/features/retention/purge.ts";
import { rows, tick } from "../../support/gateway.ts";
import { freshNetwork } from "../../support/network.ts";

const NOW = Date.parse("2026-11-24T03:00:00+03:00");
const DAY = 86_400_000;

beforeEach(async () => {
  freshNetwork();
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  await env.DB.exec(
    "DELETE FROM progress; DELETE FROM idempotent_answers; DELETE FROM notices; DELETE FROM statement_lines; DELETE FROM dead_letters; DELETE FROM users; DELETE FROM verifications;",
  );
});

const answer = (key: string, at: number) =>
  rows("INSERT INTO idempotent_answers VALUES ('key:1 sms', ?, 'hash', 200, '{}', ?)", key, at);
const notice = (id: string, at: number, dueAt: number | null = null) =>
  rows(
    `INSERT INTO notices (id, channel, recipient, subject, body, status, due_at, created_at)
     VALUES (?, 'email', 'a@duka.co.ke', 's', 'b', ?, ?, ?)`,
    id,
    dueAt === null ? "sent" : "queued",
    dueAt,
    at,
  );
const line = (receipt: string, at: number) =>
  rows(
    `INSERT INTO statement_lines (receipt, phone, amount, reference, paid_at, pulled_at)
     VALUES (?, '254712345678', 10, 'R', ?, ?)`,
    receipt,
    at,
    at,
  );

const letter = (id: string, replayedAt: number | null, body = "{}", diedAt = 0) =>
  rows("INSERT INTO dead_letters VALUES (?, 'webhook', 'wh_1', ?, ?, ?)", id, body, diedAt, replayedAt);
async function session(token: string, endsAt: number) {
  const user = "INSERT INTO users (id, name, email, email_verified, role, created_at, updated_at)";
  await rows(`${user} VALUES (?, 'N', ?, 1, 'merchant', 0, 0)`, token, `${token}@duka.co.ke`);
  const of = "INSERT INTO sessions (id, token, user_id, expires_at, created_at, updated_at)";
  await rows(`${of} VALUES (?, ?, ?, ?, 0, 0)`, token, token, token, endsAt);
}
const link = (id: string, endsAt: number) =>
  rows(
    `INSERT INTO verifications (id, identifier, value, expires_at, created_at, updated_at)
     VALUES (?, ?, 'v', ?, 0, 0)`,
    id,
    id,
    endsAt,
  );

const newEmail = (user: string, endsAt: number) =>
  rows("INSERT INTO email_changes VALUES (?, 'a@duka.co.ke', 'hash', ?)", user, endsAt);

const left = async () => ({
  answers: (await rows("SELECT idempotency_key AS id FROM idempotent_answers")).map(({ id }) => id),
  notices: (await rows("SELECT id FROM notices ORDER BY id")).map(({ id }) => id),
  lines: (await rows("SELECT receipt AS id FROM statement_lines")).map(({ id }) => id),
  letters: (await rows("SELECT id FROM dead_letters ORDER BY id")).map(({ id }) => id),
  sessions: (await rows("SELECT id FROM sessions")).map(({ id }) => id),
  links: (await rows("SELECT id FROM verifications")).map(({ id }) => id),
  newEmails: (await rows("SELECT user_id AS id FROM email_changes")).map(({ id }) => id),
});

it("once a day what has had its time goes, and nothing else", async () => {
  await answer("old", NOW - KEPT_MS.idempotentAnswers - 1);
  await answer("young", NOW - KEPT_MS.idempotentAnswers + 1);
  await notice("old", NOW - KEPT_MS.notices - 1);
  await notice("old and unsent", NOW - KEPT_MS.notices - 1, NOW + DAY);
  await notice("young", NOW - KEPT_MS.notices + 1);
  await line("UKOOLD0001", NOW - KEPT_MS.statementLines - 1);
  await line("UKOYOUNG01", NOW - KEPT_MS.statementLines + 1);
  await letter("old", NOW - KEPT_MS.deadLetters - 1);
  await letter("young", NOW - KEPT_MS.deadLetters + 1);
  await letter("not sent again", null);
  await letter("old report", null, '{"kind":"report"}', NOW - KEPT_MS.deadLetters - 1);
  await letter("report", null, '{"kind":"report"}', NOW - KEPT_MS.deadLetters + 1);
  await session("ended", NOW - 1);
  await session("good", NOW + 1);
  await link("ended", NOW - 1);
  await link("good", NOW + 1);
  await newEmail("ended", NOW);
  await newEmail("good", NOW + 1);
  const kept = {
    answers: ["young"],
    notices: ["old and unsent", "young"],
    lines: ["UKOYOUNG01"],
    letters: ["not sent again", "report", "young"],
    sessions: ["good"],
    links: ["good"],
    newEmails: ["good"],
  };
  await tick();
  expect(await left()).toEqual(kept);

  await answer("old again", 0);
  vi.setSystemTime(NOW + DAY / 2);
  await tick();
  expect((await left()).answers).toEqual(["young", "old again"].sort());
  vi.setSystemTime(NOW + DAY);
  await tick();
  expect((await left()).answers).toEqual([]);
});

it("what is more than one statement deletes goes in several", async () => {
  await rows(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4500)
     INSERT INTO idempotent_answers SELECT 'key:1 sms', i, 'hash', 200, '{}', 0 FROM n`,
  );
  await tick();
  expect((await left()).answers).toEqual([]);
});
