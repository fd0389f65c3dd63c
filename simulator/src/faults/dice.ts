import { first, type World } from "../world.ts";

/** Makes the coming rolls the same for the same seed. */
export function seedDice(world: World, seed: number): void {
  world.sql.exec("INSERT OR REPLACE INTO dice (id, state) VALUES (1, ?)", seed | 0);
}

/** A number from 0 up to 1: by the seed where one was given (mulberry32), else by chance. */
export function rollDice(world: World): number {
  const dice = first<{ state: number }>(world, "SELECT state FROM dice");
  if (!dice) return Math.random();
  const state = (dice.state + 0x6d2b79f5) | 0;
  world.sql.exec("UPDATE dice SET state = ?", state);
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
