import type { Db } from "../../db/client.ts";
import type { Config } from "../../env.ts";
import { type Clock, DAY_MS, MINUTE_MS, SECOND_MS } from "../../lib/clock.ts";
import type { Meter } from "../../lib/meter.ts";
import { addFigures, noteTotals } from "./store.ts";

export type RecordDeps = { db: Db; now: Clock; meter: Meter; config: Pick<Config, "scaled"> };

/** Shorter than the 30 s that the runtime leaves a request's background work. */
const STORE_AFTER_MS = 20 * SECOND_MS;
const KEPT_MS = 7 * DAY_MS;

let isWaiting = false;

/**
 * Stores what this isolate has counted, some seconds after the answer and for all that came meanwhile: no
 * payment waits for it, and an isolate writes a few times a minute at most.
 */
export function storeMeterSoon(
  meter: Meter,
  depsOf: () => RecordDeps & { background: (work: Promise<unknown>) => void },
): void {
  if (isWaiting || meter.isEmpty()) return;
  isWaiting = true;
  const deps = depsOf();
  const pauseMs = deps.config.scaled(STORE_AFTER_MS);
  const work = new Promise((resolve) => setTimeout(resolve, pauseMs)).then(() => {
    isWaiting = false;
    return addFigures(deps.db, meter.take());
  });
  deps.background(work);
}

/** The cron's part: its own isolate's figures, and how many payments there were in all. */
export async function keepFigures(deps: RecordDeps): Promise<void> {
  const now = deps.now();
  await addFigures(deps.db, deps.meter.take());
  await noteTotals(deps.db, now - (now % MINUTE_MS), now - KEPT_MS);
}
