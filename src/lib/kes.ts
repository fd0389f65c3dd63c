declare const kes: unique symbol;

/** Whole Kenyan shillings, always positive. */
export type Kes = number & { readonly [kes]: true };

/** A whole number of shillings from `min` to `max`, given as a number or a string of digits; else undefined. */
export function parseKes(input: unknown, { min, max }: { min: number; max: number }): Kes | undefined {
  const value = typeof input === "string" && /^\d{1,9}$/.test(input) ? Number(input) : input;
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) return undefined;
  return value as Kes; // just checked
}

/** For amounts that were checked when they were stored. */
export const storedKes = (value: number) => value as Kes;
