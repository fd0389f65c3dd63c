import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  admitCall,
  CLAIM_UNDECIDED_MS,
  judgePhone,
  type KeyWindows,
  type PhoneClaim,
} from "../../../src/features/limits/rules.ts";
import { endOfEastAfricaDay } from "../../../src/lib/clock.ts";
import { slowBindings, type Trip } from "../../support/bindings.ts";
import { callsLeft, newMerchant, newPhone, push, request, setKey } from "../../support/gateway.ts";
import { freshNetwork, type Network } from "../../support/network.ts";

let network: Network;
beforeEach(() => {
  network = freshNetwork();
});

const SECOND = 1_000;
const WINDOW = 300 * SECOND;
const START = Date.parse("2026-11-24T09:00:00Z");
const PER_PHONE = { pushes: 3, windowMs: WINDOW };

describe("the phone's rule", () => {
  it("lets three through in any five minutes, never more, and never fewer", () => {
    const pushes = fc.array(fc.record({ gap: fc.nat(200 * SECOND), isRefused: fc.boolean() }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(pushes, (pushes) => {
        let now = START;
        const sent: PhoneClaim[] = [];
        pushes.forEach(({ gap, isRefused }, i) => {
          now += gap;
          const inWindow = sent.filter(({ at }) => at > now - WINDOW).length;
          const verdict = judgePhone(sent, `push-${i}`, now, PER_PHONE);
          expect(verdict.kind).toBe(inWindow < 3 ? "free" : "full");
          if (verdict.kind === "free" && !isRefused) sent.push({ name: `push-${i}`, at: now, used: true });
        });
      }),
    );
  });

  it("names the second from which on there is room again, and none before", () => {
    const ages = fc.array(fc.integer({ min: 1, max: WINDOW - 1 }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(ages, (ages) => {
        const claims = ages.map((age, i) => ({ name: `push-${i}`, at: START - age, used: true }));
        const verdict = judgePhone(claims, "new", START, PER_PHONE);
        if (verdict.kind !== "full") throw new Error("three are in the window");
        const verdictAfter = (seconds: number) =>
          judgePhone(claims, "new", START + seconds * SECOND, PER_PHONE).kind;
        expect(verdictAfter(verdict.retryAfterSeconds)).toBe("free");
        expect(verdictAfter(verdict.retryAfterSeconds - 1)).toBe("full");
      }),
    );
  });

  it("refuses for used slots alone, and waits for undecided ones no longer than they may stay so", () => {
    const claim = fc.record({
      name: fc.constantFrom("a", "b", "c", "d", "e"),
      at: fc.integer({ min: START - WINDOW - SECOND, max: START }),
      used: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(claim, { maxLength: 8 }), (claims) => {
        const living = claims.filter(({ at }) => at > START - WINDOW);
        const taken = new Set(living.map(({ name }) => name));
        const isUsed = ({ at, used }: PhoneClaim) => used || at <= START - CLAIM_UNDECIDED_MS;
        const used = new Set(living.filter(isUsed).map(({ name }) => name));
        const verdict = judgePhone(claims, "a", START, PER_PHONE);
        if (taken.has("a") || taken.size < 3) expect(verdict.kind).toBe("free");
        else expect(verdict.kind).toBe(used.size < 3 ? "wait" : "full");
        if (verdict.kind === "wait") {
          expect(verdict.untilMs).toBeGreaterThan(START);
          expect(verdict.untilMs).toBeLessThanOrEqual(START + CLAIM_UNDECIDED_MS);
        }
      }),
    );
  });
});

describe("the key's rule", () => {
  it("admits so many a minute and so many a day of East Africa, never more, and never fewer", () => {
    const limits = { key_minute: 3, key_day: 20 };
    const gaps = fc.array(fc.oneof(fc.nat(40 * SECOND), fc.nat(5 * 3_600 * SECOND)), { maxLength: 150 });
    fc.assert(
      fc.property(gaps, (gaps) => {
        let now = START;
        let windows: KeyWindows | undefined;
        const admitted: number[] = [];
        for (const gap of gaps) {
          now += gap;
          const minute = Math.floor(now / 60_000);
          const ofMinute = admitted.filter((at) => Math.floor(at / 60_000) === minute).length;
          const ofDay = admitted.filter((at) => endOfEastAfricaDay(at) === endOfEastAfricaDay(now)).length;
          const next = admitCall(windows, now, limits);
          const expected = ofMinute >= 3 ? "minute_full" : ofDay >= 20 ? "day_full" : "admitted";
          expect(next.answer.verdict).toBe(expected);
          const counted = expected === "admitted" ? 1 : 0;
          expect(next.answer.minute.remaining).toBe(3 - ofMinute - counted);
          expect(next.answer.day.remaining).toBe(20 - ofDay - counted);
          if (counted) admitted.push(now);
          windows = next.windows;
        }
      }),
      { numRuns: 50 },
    );
  });

  it("begins a minute with the clock's, and a day at midnight in East Africa", () => {
    const limits = { key_minute: 100, key_day: 2 };
    const lastMs = Date.parse("2026-11-24T20:59:59.999Z");
    const first = admitCall(undefined, lastMs, limits);
    expect(first.answer).toEqual({
      verdict: "admitted",
      minute: { limit: 100, remaining: 99, resetSeconds: 1 },
      day: { limit: 2, remaining: 1, resetSeconds: 1 },
    });
    const midnight = admitCall(first.windows, lastMs + 1, limits);
    expect(midnight.answer.day).toEqual({ limit: 2, remaining: 1, resetSeconds: 86_400 });
    expect(midnight.answer.minute).toEqual({ limit: 100, remaining: 99, resetSeconds: 60 });
  });
});

describe("a phone's object", () => {
  const by = (name: string, holder = name) => ({ name, holder });
  const phoneObject = () => env.PHONE_LIMIT.getByName(newPhone());

  it("forgets nothing by being evicted", async () => {
    const phone = phoneObject();
    for (const name of ["a", "b", "c"]) {
      expect(await phone.claim(by(name), PER_PHONE)).toEqual({ granted: true });
      await phone.use(by(name));
    }
    await evictDurableObject(phone);
    expect(await phone.claim(by("d"), PER_PHONE)).toMatchObject({ granted: false });
  });

  it("lets a claim wait while others are undecided, and grants it when one of them is released", async () => {
    const phone = phoneObject();
    for (const name of ["a", "b", "c"]) await phone.claim(by(name), PER_PHONE);
    let isAnswered = false;
    const fourth = phone.claim(by("d"), PER_PHONE).then((answer) => {
      isAnswered = true;
      return answer;
    });
    await phone.use(by("a"));
    await phone.use(by("b"));
    expect(isAnswered).toBe(false);
    await phone.release(by("c"));
    expect(await fourth).toEqual({ granted: true });
  });

  it("refuses the waiting claim when the others are all used", async () => {
    const phone = phoneObject();
    for (const name of ["a", "b", "c"]) await phone.claim(by(name), PER_PHONE);
    const fourth = phone.claim(by("d"), PER_PHONE);
    for (const name of ["a", "b", "c"]) await phone.use(by(name));
    const answer = await fourth;
    if (answer.granted) throw new Error("three were used");
    expect(answer.retryAfterSeconds).toBeGreaterThan(295);
    expect(answer.retryAfterSeconds).toBeLessThanOrEqual(300);
  });

  it("counts a claim whose holder never decided as used after 10 s", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const phone = phoneObject();
    for (const name of ["a", "b", "c"]) await phone.claim(by(name), PER_PHONE);
    vi.setSystemTime(Date.now() + CLAIM_UNDECIDED_MS);
    expect(await phone.claim(by("d"), PER_PHONE)).toEqual({ granted: false, retryAfterSeconds: 290 });
  });

  it("gives copies of one request one slot, which stays while one of them has it", async () => {
    const phone = phoneObject();
    for (const holder of ["1", "2", "3", "4"]) await phone.claim(by("a", holder), PER_PHONE);
    await phone.use(by("a", "1"));
    for (const holder of ["2", "3", "4"]) await phone.release(by("a", holder));
    for (const name of ["b", "c"]) {
      await phone.claim(by(name), PER_PHONE);
      await phone.use(by(name));
    }
    expect(await phone.claim(by("d"), PER_PHONE)).toMatchObject({ granted: false });
  });

  it("keeps nothing of a payer when the window is over", async () => {
    const phone = phoneObject();
    await phone.claim(by("a"), PER_PHONE);
    await phone.use(by("a"));
    const alarmAt = await runInDurableObject(phone, (_, state) => state.storage.getAlarm());
    expect((alarmAt ?? 0) - Date.now()).toBeGreaterThan(WINDOW - 10 * SECOND);
    expect(await runDurableObjectAlarm(phone)).toBe(true);
    const tables = await runInDurableObject(phone, (_, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'claims'").toArray(),
    );
    expect(tables).toEqual([]);
    expect(await phone.claim(by("b"), PER_PHONE)).toEqual({ granted: true });
  });
});

describe("a key's object", () => {
  it("forgets nothing by being evicted", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: START });
    const gate = env.KEY_GATE.getByName("a gate");
    const limits = { key_minute: 2, key_day: 10 };
    await gate.take("hash", limits);
    await evictDurableObject(gate);
    expect((await gate.take("hash", limits)).minute.remaining).toBe(0);
    await evictDurableObject(gate);
    expect((await gate.take("hash", limits)).verdict).toBe("minute_full");
  });
});

describe("the limit of a phone", () => {
  it("is three pushes in five minutes, over all keys and merchants", async () => {
    const [one, other] = [await newMerchant(), await newMerchant()];
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const phone = newPhone();
    const pushAt = async (seconds: number, { key }: { key: string }) => {
      vi.setSystemTime(start + seconds * SECOND);
      return push(key, { phone });
    };
    const start = Date.now();
    for (const [at, merchant] of [
      [0, one],
      [100, other],
      [200, one],
    ] as const) {
      expect((await pushAt(at, merchant)).status).toBe(200);
    }
    for (const merchant of [one, other]) {
      const refused = await pushAt(299, merchant);
      expect([refused.status, refused.body.error_code]).toEqual([429, "PHONE_RATE_LIMIT"]);
      expect(refused.headers.get("Retry-After")).toBe("1");
    }
    expect((await pushAt(300, other)).status).toBe(200);
    expect((await pushAt(301, one)).headers.get("Retry-After")).toBe("99");
    expect(network.pushes).toHaveLength(4);
    expect((await callsLeft(one)) ?? 0).toBe(4_998);
    expect((await push(one.key)).status).toBe(200);
  });

  it("is for the number, however it is written", async () => {
    const { key } = await newMerchant();
    const phone = newPhone();
    const local = `0${phone.slice(3)}`;
    for (const form of [phone, local, `+${phone}`])
      expect((await push(key, { phone: form })).status).toBe(200);
    expect((await push(key, { phone: Number(phone) })).body.error_code).toBe("PHONE_RATE_LIMIT");
  });
});

describe("the limits of a key", () => {
  const read = (key: string, env?: Record<string, unknown>) => request("/v1/transactions/x", { key, env });

  it("are 60 requests a minute, whichever they are", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2027-01-01T10:00:20Z") });
    const { key } = await newMerchant();
    for (let i = 0; i < 30; i++) {
      expect((await read(key)).status).toBe(404);
      expect((await push(key, { amount: 0 })).status).toBe(400);
    }
    const phone = newPhone();
    for (const refused of [await push(key, { phone }), await read(key), await push(key, { amount: 0 })]) {
      expect([refused.status, refused.body.error_code]).toEqual([429, "RATE_LIMIT_MINUTE"]);
      expect(refused.headers.get("Retry-After")).toBe("40");
      expect(refused.headers.get("X-RateLimit-Remaining")).toBe("0");
      expect(refused.headers.get("X-RateLimit-Day-Remaining")).toBe("9940");
    }
    expect(network.pushes).toEqual([]);
    vi.setSystemTime(Date.parse("2027-01-01T10:01:00Z"));
    for (const _ of [1, 2, 3]) expect((await push(key, { phone })).status).toBe(200);
  });

  it("are so many a day, until midnight in East Africa", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2027-01-02T19:59:00Z") });
    const { key } = await newMerchant();
    const env = { LIMITS: '{"key_day":2}' };
    for (const _ of [1, 2]) expect((await read(key, env)).status).toBe(404);
    const refused = await read(key, env);
    expect([refused.status, refused.body.error_code]).toEqual([429, "RATE_LIMIT_DAY"]);
    expect(refused.headers.get("Retry-After")).toBe("3660");
    vi.setSystemTime(Date.parse("2027-01-02T21:00:00Z"));
    expect((await read(key, env)).status).toBe(404);
  });

  it("are one key's alone", async () => {
    const [one, other] = [await newMerchant(), await newMerchant()];
    vi.useFakeTimers({ toFake: ["Date"] });
    const env = { LIMITS: '{"key_minute":1}' };
    await read(one.key, env);
    expect((await read(one.key, env)).status).toBe(429);
    expect((await read(other.key, env)).status).toBe(404);
  });

  it("cost no storage once they are known to be reached", async () => {
    const { key } = await newMerchant();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2027-01-02T10:00:00Z") });
    const LIMITS = '{"key_minute":1}';
    await read(key, { LIMITS });
    expect((await read(key, { LIMITS })).status).toBe(429);
    const trips: Trip[] = [];
    const bindings = { ...slowBindings({ delayMs: () => 0, trips }), LIMITS };
    expect((await read(key, bindings)).body.error_code).toBe("RATE_LIMIT_MINUTE");
    const body = { phone: newPhone(), amount: 1 };
    expect((await request("/v1/stk/push", { key, body, env: bindings })).status).toBe(429);
    expect((await request("/v1/stk/push", { key, body: {}, env: bindings })).status).toBe(429);
    expect(trips).toEqual([]);
  });

  it.each([
    ["replaced", "hash = ?", "0".repeat(64)],
    ["deleted", "deleted_at = ?", 1],
  ])("that are reached hide for moments alone that the key was %s", async (_, change, value) => {
    const merchant = await newMerchant();
    const now = Date.parse("2027-01-02T10:00:00Z");
    vi.useFakeTimers({ toFake: ["Date"], now });
    const env = { LIMITS: '{"key_day":1}' };
    const body = { phone: newPhone(), amount: 1 };
    const refusals = async () => [
      (await read(merchant.key, env)).body.error_code,
      (await request("/v1/stk/push", { key: merchant.key, body, env })).body.error_code,
    ];
    await read(merchant.key, env);
    expect(await refusals()).toEqual(["RATE_LIMIT_DAY", "RATE_LIMIT_DAY"]);
    vi.setSystemTime(now + 3_000);
    expect(await refusals()).toEqual(["RATE_LIMIT_DAY", "RATE_LIMIT_DAY"]);
    await setKey(merchant, "is_default = 0");
    await setKey(merchant, change, value);
    vi.setSystemTime(now + 6_000);
    expect(await refusals()).toEqual(["INVALID_API_KEY", "INVALID_API_KEY"]);
  });

  it("are not used up by a key that was replaced, and neither are the phone's", async () => {
    const merchant = await newMerchant();
    vi.useFakeTimers({ toFake: ["Date"] });
    const env = { LIMITS: '{"key_minute":4}' };
    const phone = newPhone();
    const pushBy = (key: string) => request("/v1/stk/push", { key, body: { phone, amount: 1 }, env });
    await setKey(merchant, "hash = ?", SUCCESSOR.hash);
    for (let i = 0; i < 5; i++) {
      expect((await pushBy(merchant.key)).body.error_code).toBe("INVALID_API_KEY");
      expect((await read(merchant.key, env)).body.error_code).toBe("INVALID_API_KEY");
    }
    const answers = [await pushBy(SUCCESSOR.key), await pushBy(SUCCESSOR.key), await pushBy(SUCCESSOR.key)];
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
    expect(answers[0]?.headers.get("X-RateLimit-Remaining")).toBe("3");
  });
});

/** A key and its SHA-256. */
const SUCCESSOR = {
  key: "ab".repeat(32),
  hash: "9a2db2e23f1504cd056606553ac049c5e718e8f9ce9233876df1a7a1821af885",
};
