const MONEY_DOOR = [
  "refuse",
  "spike_arrest",
  "html_503",
  "timeout_before",
  "timeout_after",
  "reset_after",
] as const;

/** Every fault that can be switched on, by product. */
export const FAULTS = {
  stk_push: [...MONEY_DOOR, "rule_17"],
  stk_query: ["processing_4999", "processing_500", "noise_500", "wrong_failed"],
  b2c: MONEY_DOOR,
  b2b: MONEY_DOOR,
  callback: ["drop", "duplicate", "delay_ms", "before_ack", "wrong_amount", "string_code", "balance_item"],
  result: ["drop", "duplicate", "delay_ms"],
  pull: ["short_phone", "masked_phone", "no_phone", "error_when_empty"],
  sms: ["refuse", "timeout", "html_503"],
} as const;

export type Product = keyof typeof FAULTS;
export type FaultName<P extends Product> = (typeof FAULTS)[P][number];

/** The faults that carry a number, and what it is when none is given. */
export const DEFAULT_VALUES: Record<string, number> = { duplicate: 2, delay_ms: 1000 };

export const isProduct = (name: string): name is Product => Object.hasOwn(FAULTS, name);

export function isFaultOf(product: Product, name: string): boolean {
  const names: readonly string[] = FAULTS[product];
  return names.includes(name);
}
