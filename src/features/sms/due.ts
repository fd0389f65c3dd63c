import type { Room } from "../../db/room.ts";
import { logFault } from "../../http/log.ts";
import { concurrently } from "../../lib/concurrently.ts";
import { type DispatchDeps, dispatch } from "./dispatch.ts";
import { readDueMessages, recordUnclear } from "./store.ts";

/** So many messages a run, so many at once: a cron run has six connections. */
const AT_MOST = 100;
const AT_ONCE = 5;

/**
 * Takes up what was stored and never sent: a request that died, a message that a queue lost. A sending
 * that died after it was marked is not repeated: it becomes unclear.
 */
export async function takeUpDue(deps: DispatchDeps & Room): Promise<void> {
  const due = await readDueMessages(deps.db, deps.now(), AT_MOST);
  const takeUp = async (sms: (typeof due)[number]) => {
    const taken = sms.status === "sending" ? recordUnclear(deps.db, sms) : dispatch(deps, sms);
    await taken.catch((error) => logFault(`SMS ${sms.id}`, error));
  };
  await concurrently(due, AT_ONCE, takeUp, deps.hasRoom);
}
