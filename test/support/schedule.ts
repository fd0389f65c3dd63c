import type { Scheduler } from "fast-check";
import fc from "fast-check";
import { interceptedDatabase } from "./database.ts";

const nextTurn = () => new Promise((resolve) => setTimeout(resolve, 0));

/** How many storage calls are under way, of all databases of this file: there is one test at a time. */
let underWay = 0;

/** After each step: until its storage call has been answered, and all that goes on from there waits again. */
async function settled(): Promise<void> {
  do await nextTurn();
  while (underWay > 0);
}

/** A scheduler that carries out one storage call at a time. */
export const storageScheduler = () =>
  fc.scheduler({
    act: async (step) => {
      await step();
      await settled();
    },
  });

/** The real D1, each call of which waits for its turn: the scheduler chooses among all that wait. */
export const scheduledDatabase = (scheduler: Scheduler) =>
  interceptedDatabase(async (sql, call) => {
    await scheduler.schedule(Promise.resolve(), sql.slice(0, 60));
    underWay++;
    try {
      return await call();
    } finally {
      underWay--;
    }
  });

/** So long a property goes on; where the machine is slow, its last runs are left out. */
const MOST_MS = 10_000;

/** @returns whether a property that begins now has had its time. */
export function timer(): () => boolean {
  const until = performance.now() + MOST_MS;
  return () => performance.now() > until;
}
