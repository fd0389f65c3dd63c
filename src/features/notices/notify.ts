import type { Db } from "../../db/client.ts";
import { logFault } from "../../http/log.ts";
import type { Clock } from "../../lib/clock.ts";
import type { NoticeMessage } from "./message.ts";
import { type NewNotice, storeNotice } from "./store.ts";

export type NotifyDeps = {
  db: Db;
  now: Clock;
  noticeQueue: Pick<Queue<NoticeMessage>, "send">;
  config: { operatorEmail: string | undefined };
};

/** Makes the queue send notices that were written; if it cannot, the sweep does. */
export async function announceNotices(deps: Pick<NotifyDeps, "noticeQueue">, ids: string[]): Promise<void> {
  for (const id of ids) {
    await deps.noticeQueue.send({ id }).catch((error) => logFault(`notice ${id}`, error));
  }
}

type Text = { id: string; subject: string; body: string };

/** The operator's notice, to be written with what it tells of; without an OPERATOR_EMAIL the log alone has it. */
export function operatorsNotice(config: NotifyDeps["config"], text: Text, now: number): NewNotice[] {
  const recipient = config.operatorEmail;
  if (!recipient) return [];
  return [{ ...text, merchantId: null, channel: "email", recipient, createdAt: now, dueAt: now }];
}

/** Tells the operator by itself, once for each id. */
export async function tellOperator(deps: NotifyDeps, text: Text): Promise<void> {
  for (const notice of operatorsNotice(deps.config, text, deps.now())) await notify(deps, notice);
}

/** Writes a notice and has it sent; does nothing where this occasion was told already. */
export async function notify(
  deps: Pick<NotifyDeps, "db" | "now" | "noticeQueue">,
  notice: Omit<NewNotice, "createdAt" | "dueAt">,
): Promise<void> {
  const now = deps.now();
  const isNew = await storeNotice(deps.db, { ...notice, createdAt: now, dueAt: now });
  if (isNew) await announceNotices(deps, [notice.id]);
}
