import { MINUTE_MS } from "./clock.ts";

/** What happened under one name in one minute. */
export type Metered = {
  /** When the minute begins. */
  minute: number;
  name: string;
  count: number;
  failed: number;
  totalMs: number;
  maxMs: number;
};

export type Meter = {
  note: (name: string, of: { at: number; ms?: number; isFailure?: boolean }) => void;
  /** Hands out what was noted since the last time, and forgets it. */
  take: () => Metered[];
  isEmpty: () => boolean;
};

/** Counts in memory, so that what is counted waits for nothing; whoever owns it stores what it hands out. */
export function createMeter(): Meter {
  let noted = new Map<string, Metered>();
  return {
    note(name, { at, ms = 0, isFailure = false }) {
      const minute = at - (at % MINUTE_MS);
      const key = `${minute} ${name}`;
      const known = noted.get(key) ?? { minute, name, count: 0, failed: 0, totalMs: 0, maxMs: 0 };
      known.count++;
      known.failed += isFailure ? 1 : 0;
      known.totalMs += ms;
      known.maxMs = Math.max(known.maxMs, ms);
      noted.set(key, known);
    },
    take() {
      const taken = [...noted.values()];
      noted = new Map();
      return taken;
    },
    isEmpty: () => noted.size === 0,
  };
}
