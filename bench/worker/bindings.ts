import type { Env } from "../../src/env.ts";

/** One call of a binding; of D1 with the rows that its answer tells. */
export type Trip = {
  what: string;
  startedAt: number;
  endedAt: number;
  rowsRead?: number;
  rowsWritten?: number;
};

export type Options = {
  /** Milliseconds before and after each call. */
  delayMs: () => number;
  trips?: Trip[];
};

export type Slowed = Pick<Env, "DB" | "KEY_GATE" | "PHONE_LIMIT" | "DARAJA_TOKEN">;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The real D1 and Durable Objects of `env`, each call of which takes longer and is recorded. */
export function slowed(env: Slowed, options: Options): Slowed {
  async function trip<T>(what: string, call: () => Promise<T>): Promise<T> {
    const entry: Trip = { what, startedAt: performance.now(), endedAt: 0 };
    options.trips?.push(entry);
    await pause(options.delayMs());
    try {
      const answer = await call();
      if (options.trips) Object.assign(entry, rowsOf(answer));
      return answer;
    } finally {
      await pause(options.delayMs());
      entry.endedAt = performance.now();
    }
  }

  /** Makes every method of `target` a trip, but those in `own`. */
  const slow = <T extends object>(what: string, target: T, own: Record<string, unknown> = {}): T =>
    new Proxy(target, {
      get(_, name) {
        if (typeof name === "string" && Object.hasOwn(own, name)) return own[name];
        const value = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => trip(`${what} ${String(name)}`, () => value.apply(target, args));
      },
    });

  /** A batch takes the statements themselves, not what we made of them. */
  const originals = new WeakMap<object, D1PreparedStatement>();
  function statement(original: D1PreparedStatement): D1PreparedStatement {
    const bind = (...values: unknown[]) => statement(original.bind(...values));
    // The runtime's own `raw` does not tell the rows. Nothing here selects two columns of one name.
    const raw = async () =>
      (await trip("d1 all", () => original.all<Record<string, unknown>>())).results.map((row) =>
        Object.values(row),
      );
    const wrapped = slow("d1", original, { bind, raw });
    originals.set(wrapped, original);
    return wrapped;
  }

  const batch = (statements: D1PreparedStatement[]) =>
    trip("d1 batch", () => env.DB.batch(statements.map((s) => originals.get(s) ?? s)));
  const DB = slow("d1", env.DB, { prepare: (sql: string) => statement(env.DB.prepare(sql)), batch });

  const objects = <T extends Rpc.DurableObjectBranded>(what: string, namespace: DurableObjectNamespace<T>) =>
    slow(what, namespace, {
      getByName: (name: string) => {
        const stub = namespace.getByName(name);
        return new Proxy(stub, {
          get:
            (_, method) =>
            (...args: unknown[]) => {
              const call = Reflect.get(stub, method) as unknown as (...args: unknown[]) => Promise<unknown>; // RPC
              return trip(`${what} ${String(method)}`, () => call(...args));
            },
        });
      },
    });

  return {
    DB,
    KEY_GATE: objects("key", env.KEY_GATE),
    PHONE_LIMIT: objects("phone", env.PHONE_LIMIT),
    DARAJA_TOKEN: objects("token", env.DARAJA_TOKEN),
  };
}

/** What D1 says of its answer, or of all answers of a batch together. */
function rowsOf(answer: unknown): Pick<Trip, "rowsRead" | "rowsWritten"> {
  const answers = (Array.isArray(answer) ? answer : [answer]) as Partial<D1Result>[]; // or an object's answer
  const metas = answers.flatMap((one) => (one?.meta ? [one.meta] : []));
  if (metas.length === 0) return {};
  return {
    rowsRead: metas.reduce((sum, meta) => sum + meta.rows_read, 0),
    rowsWritten: metas.reduce((sum, meta) => sum + meta.rows_written, 0),
  };
}

/** How many of the trips came one after another: the longest chain in which each began after the one before ended. */
export function depth(trips: Trip[]): number {
  const byStart = [...trips].sort((a, b) => a.startedAt - b.startedAt);
  const longest: number[] = [];
  byStart.forEach((trip, i) => {
    const before = byStart
      .slice(0, i)
      .map((other, j) => (other.endedAt <= trip.startedAt ? (longest[j] ?? 0) : 0));
    longest[i] = 1 + Math.max(0, ...before);
  });
  return Math.max(0, ...longest);
}
