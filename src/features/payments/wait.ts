import type { Db } from "../../db/client.ts";
import { logFault } from "../../http/log.ts";
import { type Clock, SECOND_MS } from "../../lib/clock.ts";
import type { Caller } from "../keys/caller.ts";
import type { StoredPayout } from "../payouts/store.ts";
import { readByReference, type StoredTransaction } from "./store.ts";

/** Longer waits end at what clients and proxies bear. */
export const LONGEST_WAIT_SECONDS = 55;
const FIRST_LOOK_MS = 500;
/** In the longest wait it comes to some 75 looks, of the thousand statements that D1 allows a request. */
const LOOK_AGAIN_MS = 750;

const NOTHING_SEEN = { payment: undefined, payout: undefined };

/** Milliseconds of `Prefer: wait=N` (RFC 7240), 0 without it. */
export function preferredWaitMs(header: string | undefined): number {
  const seconds = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,4})"?\s*(?:$|[,;])/i.exec(header ?? "")?.[1];
  return Math.min(Number(seconds ?? 0), LONGEST_WAIT_SECONDS) * SECOND_MS;
}

/**
 * Looks at the payment until it is final or the time is up; undefined in the latter case. A look that fails is made
 * again: the prompt was sent, and whoever is told of a fault instead may send another.
 */
export async function waitForResult(
  deps: { db: Db; now: Clock },
  caller: Pick<Caller, "hash">,
  transactionId: string,
  waitMs: number,
): Promise<{ payment: StoredTransaction; payout: StoredPayout | undefined } | undefined> {
  const until = deps.now() + waitMs;
  for (let pause = FIRST_LOOK_MS; ; pause = LOOK_AGAIN_MS) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, Math.min(pause, until - deps.now()))));
    const { payment, payout } = await readByReference(deps.db, caller.hash, transactionId).catch((error) => {
      logFault("waiting for a result", error);
      return NOTHING_SEEN;
    });
    if (payment && payment.status !== "pending") return { payment, payout };
    if (deps.now() >= until) return undefined;
  }
}
