import { logFault } from "../../http/log.ts";
import { concurrently } from "../../lib/concurrently.ts";
import { type DispatchDeps, dispatch } from "./dispatch.ts";
import { readDueMessages, recordUnclear } from "./store.ts";

/** So many messages a run, so many at once: a cron run has 30 s, and six connections. */
const AT_MOST = 100;
const AT_ONCE = 5;

/**
 * Takes up what was stored and never sent: a request that died, a message that a queue lost. A sending
 * that died after it was marked is not repeated: it becomes unclear.
 */
export async function takeUpDue(deps: DispatchDeps): Promise<void> {
  const due = await readDueMessages(deps.db, deps.now(), AT_MOST);
  await concurrently(due, AT_ONCE, async (sms) => {
    const taken = sms.status === "sending" ? recordUnclear(deps.db, sms) : dispatch(deps, sms);
    await taken.catch((error) => logFault(`SMS ${sms.id}`, error));
  });
}
