import type { Db } from "../../db/client.ts";
import { logFault } from "../../http/log.ts";
import { type Clock, SECOND_MS } from "../../lib/clock.ts";
import type { DarajaHealthPort } from "../../upstreams/daraja/port.ts";
import { cronFault } from "./cron.ts";
import { lastRunOfCron } from "./store.ts";

export type ReadyDeps = {
  db: Db;
  now: Clock;
  darajaHealth: Pick<DarajaHealthPort, "holder" | "tokenFault">;
  queues: Record<string, Pick<Queue, "metrics">>;
};

/** `ms` is how long it took; why a part is not ready stands in the log alone. */
export type Part = { name: string; ready: boolean; ms: number };

const PATIENCE_MS = 5 * SECOND_MS;

/** Asks all that a payment needs, at once, and none of it longer than 5 s. */
export async function askParts(deps: ReadyDeps): Promise<Part[]> {
  const lastRun = lastRunOfCron(deps.db);
  const asked: [name: string, ask: () => Promise<unknown>][] = [
    ["database", () => lastRun],
    [
      "cron",
      async () => {
        // A database that cannot tell is the database's fault, and named as such.
        const fault = cronFault(await lastRun.catch(() => null), deps.now());
        if (fault !== undefined) throw new Error(fault);
      },
    ],
    ["durable_object", () => deps.darajaHealth.holder()],
    ["queue", () => Promise.all(Object.values(deps.queues).map((queue) => queue.metrics()))],
    [
      "daraja_token",
      async () => {
        const fault = await deps.darajaHealth.tokenFault();
        if (fault !== undefined) throw new Error(fault);
      },
    ],
  ];
  return Promise.all(
    asked.map(async ([name, ask]) => {
      const startedAt = deps.now();
      const ready = await inTime(ask()).then(
        () => true,
        (error) => {
          logFault(`readiness of the ${name}`, error);
          return false;
        },
      );
      return { name, ready, ms: deps.now() - startedAt };
    }),
  );
}

function inTime(work: Promise<unknown>): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error("no answer within 5 s")), PATIENCE_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
