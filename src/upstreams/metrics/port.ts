/** One thing that happened, for the operator's figures; never for money. */
export type Point = {
  kind: "payment" | "daraja" | "webhook" | "queue";
  /** A payment's outcome, Daraja's call, a webhook attempt's verdict, or the queue. */
  name: string;
  /** Where it came from, or how it ended. */
  detail: string;
  /** How long it took, in milliseconds. */
  ms: number;
  /** How many at once; 1 but for a queue's batch. */
  count?: number;
};

export type Metrics = (point: Point) => void;
