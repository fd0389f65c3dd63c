import { MINUTE_MS } from "../../lib/clock.ts";

/** It runs each minute: so long without it are no delay any more. */
const SILENT_TOO_LONG_MS = 5 * MINUTE_MS;

/** What is wrong with a cron that ran last then. One that never ran may still be waited for. */
export function cronFault(lastRunAt: number | null, now: number): string | undefined {
  if (lastRunAt === null || now - lastRunAt <= SILENT_TOO_LONG_MS) return undefined;
  return `the cron, which runs each minute, ran last ${Math.round((now - lastRunAt) / MINUTE_MS)} minutes ago`;
}
