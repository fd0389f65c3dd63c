import type { Db } from "../../db/client.ts";
import type { Clock } from "../../lib/clock.ts";
import type { PayoutResult } from "../../upstreams/daraja/port.ts";
import { storeFloat } from "./float-store.ts";

/** Keeps what M-Pesa last told of the accounts that payouts are made from. */
export async function noteFloat(deps: { db: Db; now: Clock }, funds: PayoutResult["funds"]): Promise<void> {
  const reported = (["utility", "working"] as const).flatMap((account) => {
    const amount = funds[account];
    return amount === undefined ? [] : [{ account, amount, reportedAt: deps.now() }];
  });
  if (reported.length > 0) await storeFloat(deps.db, reported);
}
