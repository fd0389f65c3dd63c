import type { Room } from "../../db/room.ts";
import { logFault } from "../../http/log.ts";
import { HOUR_MS, SECOND_MS } from "../../lib/clock.ts";
import { isPayoutId, isTransactionId, storedMerchantId } from "../../lib/ids.ts";
import { parseJson } from "../../lib/json.ts";
import { translateResult, translateStkCallback } from "../../upstreams/daraja/translate.ts";
import { type RawCallback, takeNotProcessed } from "../callbacks/store.ts";
import { type SettleDeps, settle } from "../payments/settle.ts";
import { isPayoutCallbackKind } from "../payouts/callback-url.ts";
import { evidenceOf } from "../payouts/evidence.ts";
import { type SettlePayoutDeps, settlePayout } from "../payouts/settle.ts";

const AT_MOST = 50;
/** Few, since what is taken is put off: none should be that is not tried. */
const A_ROUND = 10;
/** The first pause is over with the next run of the cron; the following ones double what has passed. */
const PAUSE_MS = { least: 30 * SECOND_MS, most: HOUR_MS };

export type RetryDeps = SettleDeps & SettlePayoutDeps;

/** A callback's body, and what its URL named. */
export type KeptCallback = RawCallback & { merchantId: number; reference: string };

/** Tries again what was kept because of a fault of ours: M-Pesa tells only once. */
export async function retryCallbacks(deps: RetryDeps & Room): Promise<void> {
  const { scaled } = deps.config;
  const pauseMs = { least: scaled(PAUSE_MS.least), most: scaled(PAUSE_MS.most) };
  for (let tried = 0; tried < AT_MOST && deps.hasRoom(); tried += A_ROUND) {
    const taken = await takeNotProcessed(deps.db, { now: deps.now(), atMost: A_ROUND, pauseMs });
    for (const kept of taken) {
      await retry(deps, kept).catch((error) => logFault(`callback ${kept.id} for ${kept.reference}`, error));
    }
    if (taken.length < A_ROUND) return;
  }
}

/**
 * Applies a callback that was kept, as its door would have.
 * @returns false where it is no result that we know; nothing was changed then.
 */
export async function retry(deps: RetryDeps, kept: KeptCallback): Promise<boolean> {
  const { reference: id, source, body, receivedAt } = kept;
  const merchantId = storedMerchantId(kept.merchantId);
  const raw = { id: kept.id, source, body, receivedAt };
  const json = parseJson(body);
  if (isTransactionId(id)) {
    const callback = translateStkCallback(json);
    if (callback) await settle(deps, { merchantId, id }, { source: "callback", ...callback }, raw);
    return callback !== undefined;
  }
  const [kind = "", attempt] = source.split(":");
  const result = translateResult(json);
  if (!isPayoutId(id) || !isPayoutCallbackKind(kind) || !result) return false;
  await settlePayout(deps, { merchantId, id }, evidenceOf(kind, Number(attempt), result), raw);
  return true;
}
