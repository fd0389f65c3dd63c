import type { Db } from "../../db/client.ts";
import { logEvent, logFault } from "../../http/log.ts";
import { type Clock, MINUTE_MS } from "../../lib/clock.ts";
import { storedMsisdn } from "../../lib/msisdn.ts";
import type { EmailPort } from "../../upstreams/email/port.ts";
import type { DispatchDeps as SmsDeps } from "../sms/dispatch.ts";
import { sendNoticeSms } from "../sms/notice.ts";
import { finishNotice, leaseNotice, type StoredNotice } from "./store.ts";

export type NoticeDeps = SmsDeps & {
  db: Db;
  now: Clock;
  email: EmailPort;
};

const LEASE_MS = MINUTE_MS;
/** Pauses after a failed attempt; then it is given up, since old news helps nobody. */
const RETRY_MS = [MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 120 * MINUTE_MS];

/** Sends one notice that is due, once; a failure never reaches what it tells of. */
export async function sendNotice(deps: NoticeDeps, id: string): Promise<void> {
  const now = deps.now();
  const notice = await leaseNotice(deps.db, id, { now, until: now + LEASE_MS });
  if (!notice) return;
  try {
    const isSent = await sendBy(deps, notice);
    if (!isSent) logEvent("notice_skipped", { notice: id });
    const sentAt = isSent ? deps.now() : null;
    await finishNotice(deps.db, id, { status: isSent ? "sent" : "skipped", dueAt: null, sentAt });
  } catch (error) {
    logFault(`notice ${id}`, error);
    const pause = RETRY_MS[notice.attemptCount - 1];
    if (pause === undefined) {
      logEvent("notice_given_up", { notice: id });
      await finishNotice(deps.db, id, { status: "failed", dueAt: null, sentAt: null });
    } else {
      await finishNotice(deps.db, id, { status: "queued", dueAt: deps.now() + pause, sentAt: null });
    }
  }
}

/** @returns whether it went out: an SMS is skipped where the merchant has no credits for it. */
async function sendBy(deps: NoticeDeps, notice: StoredNotice): Promise<boolean> {
  const { id, merchantId, channel, recipient: to, subject, body: text } = notice;
  if (channel === "email") {
    await deps.email.send({ id, to, subject, text });
    return true;
  }
  if (merchantId === null) return false; // an SMS costs a merchant's credits
  return (await sendNoticeSms(deps, { id, merchantId, phone: storedMsisdn(to), message: text })) === "sent";
}
