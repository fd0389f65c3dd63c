import type { Metrics } from "./port.ts";

/**
 * Writes to Workers Analytics Engine, which takes points without being waited for. What it does with
 * them, or that it is not there, changes nothing for a payment.
 */
export const analyticsEngine =
  (dataset: AnalyticsEngineDataset | undefined): Metrics =>
  ({ kind, name, detail, ms, count = 1 }) => {
    try {
      dataset?.writeDataPoint({ indexes: [kind], blobs: [kind, name, detail], doubles: [ms, count] });
    } catch {
      // A figure lost is a figure lost.
    }
  };
