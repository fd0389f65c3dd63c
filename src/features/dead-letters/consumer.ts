import type { Db } from "../../db/client.ts";
import { logEvent } from "../../http/log.ts";
import type { Clock } from "../../lib/clock.ts";
import { kindOf } from "./rules.ts";
import { storeDeadLetter } from "./store.ts";

/** Keeps a message that no consumer could work with, for the operator to look at and send again. */
export async function consumeDead(
  deps: { db: Db; now: Clock },
  body: unknown,
  messageId: string,
): Promise<void> {
  const { kind, subject } = kindOf(body);
  logEvent("message_dead", { kind, subject });
  await storeDeadLetter(deps.db, {
    id: messageId,
    kind,
    subject,
    body: JSON.stringify(body),
    diedAt: deps.now(),
    replayedAt: null,
  });
}
