/** Plans for sale: whole shillings, calls, days. */
export const PLANS = {
  Trial: { price: 0, calls: 50, days: 14 },
  Starter: { price: 500, calls: 1_000, days: 30 },
  Professional: { price: 2_000, calls: 5_000, days: 30 },
  Business: { price: 7_500, calls: 25_000, days: 30 },
} as const;

export type PlanName = keyof typeof PLANS;

export const isPlanName = (name: string): name is PlanName => Object.hasOwn(PLANS, name);
