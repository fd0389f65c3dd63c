import { createDeps } from "../../src/deps.ts";
import type { Env } from "../../src/env.ts";
import { reconcileDue } from "../../src/features/payments/job.ts";
import gateway, { DarajaToken, KeyGate as Gate, PhoneLimit as Phone } from "../../src/index.ts";
import { depth, slowed, type Trip } from "./bindings.ts";

// As in quiet.ts.
console.log = () => undefined;

/** The gateway with its bindings recorded, and a door to what was recorded. It only ever runs locally. */

/** What no answer waits for: M-Pesa's token, got ahead of time, and the phone's object being told. */
const BESIDE_THE_ANSWER = new Set(["token get", "phone use"]);

type Recorded = {
  trips: Trip[];
  requests: number;
  queueMessages: number;
  objectRowsWritten: number;
  answeredAt: number;
};

const nothing = (): Recorded => ({
  trips: [],
  requests: 0,
  queueMessages: 0,
  objectRowsWritten: 0,
  answeredAt: 0,
});
let recorded = nothing();
let delayMs = 0;

/** Objects live in the Worker's own isolate locally, so what they write can be counted here. */
let isCounting = false;
function countWrites({ storage }: DurableObjectState): void {
  if (isCounting) return;
  isCounting = true;
  const sqlPrototype = Object.getPrototypeOf(storage.sql) as SqlStorage;
  const { exec } = sqlPrototype;
  sqlPrototype.exec = function (this: SqlStorage, ...args: Parameters<typeof exec>) {
    const cursor = exec.apply(this, args);
    recorded.objectRowsWritten += cursor.rowsWritten;
    return cursor;
  } as typeof exec;
  const storagePrototype = Object.getPrototypeOf(storage) as DurableObjectStorage;
  const { setAlarm } = storagePrototype;
  storagePrototype.setAlarm = function (this: DurableObjectStorage, ...args: Parameters<typeof setAlarm>) {
    recorded.objectRowsWritten++;
    return setAlarm.apply(this, args);
  };
}

export class KeyGate extends Gate {
  constructor(ctx: DurableObjectState, env: Env) {
    countWrites(ctx);
    super(ctx, env);
  }
}

export class PhoneLimit extends Phone {
  constructor(ctx: DurableObjectState, env: Env) {
    countWrites(ctx);
    super(ctx, env);
  }
}

export { DarajaToken };

const recordings = new WeakMap<Env, Env>();

/** One object an isolate, so that the gateway parses its settings once. */
function recording(env: Env): Env {
  const known = recordings.get(env);
  if (known) return known;
  const queue = <T>(real: Queue<T>) =>
    new Proxy(real, {
      get(_, name) {
        const value = Reflect.get(real, name);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          recorded.queueMessages += Array.isArray(args[0]) ? args[0].length : 1;
          return value.apply(real, args);
        };
      },
    });
  const made = {
    ...env,
    ...slowed(env, {
      delayMs: () => delayMs,
      // Where it goes is asked at each call: what is recorded begins anew.
      trips: { push: (...trips: Trip[]) => recorded.trips.push(...trips) } as Trip[],
    }),
    WEBHOOK_QUEUE: queue(env.WEBHOOK_QUEUE),
    PAYOUT_QUEUE: queue(env.PAYOUT_QUEUE),
    SMS_QUEUE: queue(env.SMS_QUEUE),
    NOTICE_QUEUE: queue(env.NOTICE_QUEUE),
  };
  recordings.set(env, made);
  return made;
}

export default {
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/bench/begin") {
      recorded = nothing();
      delayMs = Number(searchParams.get("delay_ms") ?? 0);
      return new Response();
    }
    if (pathname === "/bench/recorded") {
      const awaited = recorded.trips.filter(
        ({ what, endedAt }) => !BESIDE_THE_ANSWER.has(what) && endedAt > 0 && endedAt <= recorded.answeredAt,
      );
      return Response.json({ ...recorded, depth: depth(awaited) });
    }
    if (pathname === "/bench/reconcile") {
      await reconcileDue(createDeps(recording(env), ctx));
      return new Response();
    }
    recorded.requests++;
    const answer = await gateway.fetch(request, recording(env), ctx);
    recorded.answeredAt = performance.now();
    return answer;
  },
  queue: (batch, env, ctx) => gateway.queue(batch, recording(env), ctx),
  scheduled: (event, env, ctx) => gateway.scheduled(event, recording(env), ctx),
} satisfies ExportedHandler<Env>;
