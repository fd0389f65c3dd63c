import { z } from "zod";
import type { Db } from "../../db/client.ts";
import type { Clock } from "../../lib/clock.ts";
import { probesSince, recordProbe } from "./store.ts";

/** Asks a queue for nothing but to be brought. */
const probe = z.object({ probe: z.number() });

/** @returns whether this was a probe, which is then recorded and done. */
export async function takeProbe(db: Db, queue: string, body: unknown): Promise<boolean> {
  const read = probe.safeParse(body);
  if (!read.success) return false;
  await recordProbe(db, queue, read.data.probe);
  return true;
}

export type ProbeDeps = {
  db: Db;
  now: Clock;
  queues: Record<string, { send: (message: unknown) => Promise<unknown> }>;
};

const WAIT_MS = 15_000;
const PAUSE_MS = 500;

/**
 * Sends a probe through every queue and waits until each was brought.
 * @returns for each queue what is wrong with it, or undefined.
 */
export async function probeQueues(deps: ProbeDeps): Promise<Record<string, string | undefined>> {
  const sentAt = deps.now();
  const faults: Record<string, string | undefined> = {};
  await Promise.all(
    Object.entries(deps.queues).map(async ([name, queue]) => {
      faults[name] = await queue
        .send({ probe: sentAt })
        .then(() => "a probe was taken, and not brought within 15 s")
        .catch((error) => `takes no message: ${String(error)}`);
    }),
  );
  const names = Object.keys(deps.queues).filter((name) => !faults[name]?.startsWith("takes no"));
  for (let waited = 0; waited <= WAIT_MS; waited += PAUSE_MS) {
    const brought = await probesSince(deps.db, names, sentAt);
    for (const name of brought) faults[name] = undefined;
    if (brought.length === names.length) break;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return faults;
}
