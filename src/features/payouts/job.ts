import type { Room } from "../../db/room.ts";
import { logFault } from "../../http/log.ts";
import { concurrently } from "../../lib/concurrently.ts";
import { storedMerchantId, storedPayoutId } from "../../lib/ids.ts";
import { type AdvanceDeps, advancePayout } from "./advance.ts";
import { readDuePayouts } from "./store.ts";

const AT_MOST = 100;
const AT_ONCE = 5;

/** Moves on every payout whose time has come: what a queue lost, what waits, what is unclear. */
export async function sweepPayouts(deps: AdvanceDeps & Room): Promise<void> {
  const due = await readDuePayouts(deps.db, deps.now(), AT_MOST);
  const advance = ({ merchantId, id }: (typeof due)[number]) =>
    advancePayout(deps, { merchantId: storedMerchantId(merchantId), id: storedPayoutId(id) }).catch((error) =>
      logFault(`payout ${id}`, error),
    );
  await concurrently(due, AT_ONCE, advance, deps.hasRoom);
}
