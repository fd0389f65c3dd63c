import type { Room } from "../../db/room.ts";
import { logFault } from "../../http/log.ts";
import { concurrently } from "../../lib/concurrently.ts";
import { type DeliverDeps, deliverDue } from "./deliver.ts";
import { readDueDeliveries } from "./store.ts";

const AT_MOST = 50;
const AT_ONCE = 5;

/** Announces what was committed and never told: a first attempt that died, a message that a queue lost. */
export async function sweepDeliveries(deps: DeliverDeps & Room): Promise<void> {
  const due = await readDueDeliveries(deps.db, deps.now(), AT_MOST);
  const attempt = (delivery: (typeof due)[number]) =>
    deliverDue(deps, { ...delivery, dueAt: delivery.dueAt ?? 0 }).catch((error) =>
      logFault(`webhook ${delivery.id}`, error),
    );
  await concurrently(due, AT_ONCE, attempt, deps.hasRoom);
}
