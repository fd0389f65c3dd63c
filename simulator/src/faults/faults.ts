import { first, rows, type World } from "../world.ts";
import { DEFAULT_VALUES, type FaultName, type Product } from "./catalogue.ts";
import { rollDice, seedDice } from "./dice.ts";
import type { FaultPlan } from "./settings.ts";

type StoredFault = {
  product: string;
  name: string;
  probability: number;
  remaining: number | null;
  value: number | null;
  fired: number;
};

/** Whether this fault strikes now. Asking counts: a fault set for one time strikes at the first ask. */
export function faultFires<P extends Product>(world: World, product: P, name: FaultName<P>): boolean {
  return strike(world, product, name) !== undefined;
}

/** The number that a striking fault carries, or undefined where it does not strike. */
export function faultValue<P extends Product>(
  world: World,
  product: P,
  name: FaultName<P>,
): number | undefined {
  const fault = strike(world, product, name);
  return fault && (fault.value ?? DEFAULT_VALUES[name]);
}

function strike(world: World, product: string, name: string): StoredFault | undefined {
  const fault = first<StoredFault>(
    world,
    "SELECT * FROM faults WHERE product = ? AND name = ?",
    product,
    name,
  );
  if (!fault || fault.remaining === 0) return undefined;
  if (fault.probability < 1 && rollDice(world) >= fault.probability) return undefined;
  world.sql.exec(
    "UPDATE faults SET fired = fired + 1, remaining = remaining - 1 WHERE product = ? AND name = ?",
    product,
    name,
  );
  return fault;
}

/** Replaces the whole set of faults. */
export function setFaults(world: World, { seed, settings }: FaultPlan): void {
  clearFaults(world);
  if (seed !== undefined) seedDice(world, seed);
  for (const { product, name, probability, remaining, value } of settings) {
    world.sql.exec(
      "INSERT INTO faults (product, name, probability, remaining, value) VALUES (?, ?, ?, ?, ?)",
      product,
      name,
      probability,
      remaining,
      value,
    );
  }
}

export function clearFaults(world: World): void {
  world.sql.exec("DELETE FROM faults");
  world.sql.exec("DELETE FROM dice");
}

/** Every fault that is set, and how often each has struck. */
export const listFaults = (world: World) =>
  rows<StoredFault>(world, "SELECT * FROM faults ORDER BY product, name");
