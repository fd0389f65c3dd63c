import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Act } from "../audit/store.ts";
import type { CallbackMessage } from "../callbacks/message.ts";
import type { NoticeMessage } from "../notices/message.ts";
import { announceNotices } from "../notices/notify.ts";
import { readFailedNotices, requeueNotice } from "../notices/store.ts";
import type { PayoutMessage } from "../payouts/message.ts";
import type { SmsMessage } from "../sms/message.ts";
import type { DeliverDeps } from "../webhooks/deliver.ts";
import type { WebhookMessage } from "../webhooks/message.ts";
import { replayGivenUp } from "../webhooks/replay.ts";
import { isDeliveryId } from "../webhooks/rules.ts";
import { readGivenUp } from "../webhooks/store.ts";
import { type DeadLetter, findDeadLetter, markReplayed, readDeadLetters } from "./store.ts";

export type ReplayDeps = DeliverDeps & {
  db: Db;
  now: Clock;
  callbackQueue: Pick<Queue<CallbackMessage>, "send">;
  payoutQueue: Pick<Queue<PayoutMessage>, "send">;
  smsQueue: Pick<Queue<SmsMessage>, "send">;
  noticeQueue: Pick<Queue<NoticeMessage>, "send">;
  background: (work: Promise<unknown>) => void;
};

/** Each list of what was given up is cut here. */
export const AT_MOST = 100;

/** All that was given up: queue messages, webhooks, and emails and SMS, the last of each first. */
export async function listDead({ db }: { db: Db }) {
  const [messages, webhooks, notices] = await Promise.all([
    readDeadLetters(db, AT_MOST),
    readGivenUp(db, AT_MOST),
    readFailedNotices(db, AT_MOST),
  ]);
  return { messages, webhooks, notices };
}

/**
 * Sends again what was given up: a webhook, a notice or a queue message, whichever has this id.
 * @throws NOT_FOUND where there is none, or it was sent again meanwhile.
 */
export async function replayDead(deps: ReplayDeps, id: string, act: Act): Promise<void> {
  const isReplayed = isDeliveryId(id)
    ? await replayGivenUp(deps, id, act)
    : (await replayMessage(deps, id, act)) || (await replayNotice(deps, id, act));
  if (!isReplayed) throw new ApiError("NOT_FOUND", { message: "Nothing that was given up has this id." });
}

async function replayNotice(deps: ReplayDeps, id: string, act: Act): Promise<boolean> {
  const now = deps.now();
  const audit = { ...act, at: now, action: "notice.replay", subject: id };
  if (!(await requeueNotice(deps.db, id, now, audit))) return false;
  await announceNotices(deps, [id]);
  return true;
}

/** Sent first and noted then: a message that comes twice does nothing twice, one that is lost helps nobody. */
async function replayMessage(deps: ReplayDeps, id: string, act: Act): Promise<boolean> {
  const letter = await findDeadLetter(deps.db, id);
  if (!letter || letter.replayedAt !== null) return false;
  await sendAgain(deps, letter);
  const detail = { kind: letter.kind, subject: letter.subject };
  return markReplayed(deps.db, id, { ...act, at: deps.now(), action: "message.replay", subject: id, detail });
}

/**
 * Puts a queue message aside that names nothing which could be done again.
 * @throws NOT_FOUND, RULING_CONFLICT for one that can be sent again.
 */
export async function dismissDead(deps: { db: Db; now: Clock }, id: string, act: Act): Promise<void> {
  const letter = await findDeadLetter(deps.db, id);
  if (letter && letter.kind !== "unknown") {
    throw new ApiError("RULING_CONFLICT", { message: "This message can be sent again." });
  }
  const entry = { ...act, at: deps.now(), action: "message.dismiss", subject: id };
  if (!letter || !(await markReplayed(deps.db, id, entry))) {
    throw new ApiError("NOT_FOUND", { message: "No message that was given up has this id." });
  }
}

/** Bodies are as they were sent; their consumers parse them again. */
async function sendAgain(deps: ReplayDeps, { kind, body }: DeadLetter): Promise<void> {
  const message = JSON.parse(body);
  switch (kind) {
    case "callback":
      await deps.callbackQueue.send(message as CallbackMessage);
      return;
    case "webhook":
      await deps.webhookQueue.send(message as WebhookMessage);
      return;
    case "payout":
      await deps.payoutQueue.send(message as PayoutMessage);
      return;
    case "sms":
      await deps.smsQueue.send(message as SmsMessage);
      return;
    case "notice":
      await deps.noticeQueue.send(message as NoticeMessage);
      return;
    case "unknown":
      throw new ApiError("RULING_CONFLICT", {
        message: "This message names nothing that could be done again.",
      });
  }
}
