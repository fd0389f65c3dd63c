import type { Room } from "../../db/room.ts";
import { logFault } from "../../http/log.ts";
import { type NoticeDeps, sendNotice } from "./send.ts";
import { readDueNotices } from "./store.ts";

const AT_MOST = 50;

/** Sends what was written and not yet sent: a message that a queue lost, a service that was down. */
export async function sweepNotices(deps: NoticeDeps & Room): Promise<void> {
  for (const { id } of await readDueNotices(deps.db, deps.now(), AT_MOST)) {
    if (!deps.hasRoom()) return;
    await sendNotice(deps, id).catch((error) => logFault(`notice ${id}`, error));
  }
}
