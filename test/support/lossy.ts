import { interceptedDatabase } from "./database.ts";

/**
 * The real D1, of which the first write that matches `of` ends as the connection breaks: carried out
 * and its answer lost, or (`before`) never carried out. `onLoss` runs between the two.
 */
export function lossyDatabase(
  of: RegExp,
  options: { times?: number; before?: boolean; onLoss?: () => Promise<unknown> } = {},
): D1Database & { losses: () => number } {
  let left = options.times ?? 1;
  let lost = 0;

  const database = interceptedDatabase(async (sql, call) => {
    const isLost = left > 0 && of.test(sql);
    if (!isLost) return call();
    left--;
    lost++;
    if (!options.before) await call();
    await options.onLoss?.();
    throw new Error("D1_ERROR: Network connection lost.");
  });
  return Object.assign(Object.create(database), { losses: () => lost });
}
