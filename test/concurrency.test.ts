import { createExecutionContext, env, waitOnExecutionContext } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { depth, slowBindings, type Trip } from "./support/bindings.ts";
import {
  type Answer,
  fetchAnswer,
  type Merchant,
  newMerchant,
  newPhone,
  request,
  rows,
  setKey,
} from "./support/gateway.ts";
import { Network } from "./support/network.ts";

let network: Network;
beforeEach(() => {
  vi.restoreAllMocks();
  vi.spyOn(console, "log").mockImplementation(() => undefined);
  network = new Network().install();
});

const random = (upTo: number) => () => Math.random() * upTo;
const jittery = () => slowBindings({ delayMs: random(20) });

/** Sends all at once, each through bindings that take a random time. */
function pushAll(
  calls: { key: string; phone: string; headers?: Record<string, string> }[],
): Promise<Answer[]> {
  return Promise.all(
    calls.map(({ key, phone, headers }) =>
      request("/v1/stk/push", { key, headers, body: { phone, amount: 10 }, env: jittery() }),
    ),
  );
}

const times = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));
const accepted = (answers: Answer[]) => answers.filter((a) => a.status === 200);
const codes = (answers: Answer[]) =>
  new Set(answers.filter((a) => a.status !== 200).map((a) => a.body.error_code));

async function keyRow({ keyId }: Merchant) {
  const row = await env.DB.prepare("SELECT calls_left, started_count FROM api_keys WHERE id = ?")
    .bind(keyId)
    .first<{ calls_left: number; started_count: number }>();
  return row ?? { calls_left: -1, started_count: -1 };
}

const roomy = { LIMITS: JSON.stringify({ key_minute: 1_000 }) };

describe("200 pushes at once, with random delays in every binding", () => {
  it("send exactly three to one phone, over ten keys of ten merchants", async () => {
    const merchants = await Promise.all(times(10, () => newMerchant()));
    const phone = newPhone();
    const answers = await pushAll(times(200, (i) => ({ key: merchants[i % 10]?.key ?? "", phone })));
    expect(accepted(answers)).toHaveLength(3);
    expect(codes(answers)).toEqual(new Set(["PHONE_RATE_LIMIT"]));
    expect(network.pushes).toHaveLength(3);
    const rows = await Promise.all(merchants.map(keyRow));
    expect(rows.reduce((sum, row) => sum + 5_000 - row.calls_left, 0)).toBe(3);
  });

  it("send exactly as many as the key has calls left", async () => {
    const merchant = await newMerchant({ callsLeft: 5 });
    const answers = await Promise.all(
      times(200, () =>
        request("/v1/stk/push", {
          key: merchant.key,
          body: { phone: newPhone(), amount: 10 },
          env: { ...jittery(), ...roomy },
        }),
      ),
    );
    expect(accepted(answers)).toHaveLength(5);
    expect(codes(answers)).toEqual(new Set(["LIMIT_REACHED"]));
    expect(await keyRow(merchant)).toEqual({ calls_left: 0, started_count: 5 });
  });

  it("send exactly as many as the key's minute has room for", async () => {
    const merchant = await newMerchant();
    // A minute that ended during the test would let more through, and rightly.
    vi.useFakeTimers({ toFake: ["Date"], now: Math.ceil(Date.now() / 60_000) * 60_000 });
    const answers = await pushAll(times(200, () => ({ key: merchant.key, phone: newPhone() })));
    vi.useRealTimers();
    expect(accepted(answers)).toHaveLength(60);
    expect(codes(answers)).toEqual(new Set(["RATE_LIMIT_MINUTE"]));
    expect(await keyRow(merchant)).toEqual({ calls_left: 4_940, started_count: 60 });
  });

  it("send three where the phone, the calls and the minute all bind", async () => {
    const merchant = await newMerchant({ callsLeft: 5 });
    const phone = newPhone();
    const answers = await pushAll(times(200, () => ({ key: merchant.key, phone })));
    expect(accepted(answers)).toHaveLength(3);
    expect(await keyRow(merchant)).toEqual({ calls_left: 2, started_count: 3 });
  });

  it("send one for 50 copies with one Idempotency-Key, and leave the phone's other slots free", async () => {
    const merchant = await newMerchant();
    const phone = newPhone();
    const headers = { "Idempotency-Key": "order-101" };
    const answers = await pushAll(times(50, () => ({ key: merchant.key, phone, headers })));
    expect(network.pushes).toHaveLength(1);
    expect(["IDEMPOTENCY_IN_PROGRESS"]).toEqual(expect.arrayContaining([...codes(answers)]));
    const more = await pushAll(times(3, () => ({ key: merchant.key, phone })));
    expect(accepted(more)).toHaveLength(2);
  });

  it("never count a revoked key against the phone or its successor", async () => {
    const { key, keyId } = await newMerchant();
    const other = await newMerchant();
    await env.DB.prepare("UPDATE api_keys SET hash = 'replaced' WHERE id = ?").bind(keyId).run();
    const phone = newPhone();
    const refused = times(50, () => ({ key, phone }));
    const answers = await pushAll([...refused, ...times(3, () => ({ key: other.key, phone }))]);
    expect(accepted(answers)).toHaveLength(3);
    expect(codes(answers)).toEqual(new Set(["INVALID_API_KEY"]));
  });
});

describe("200 pushes at once by keys that this isolate knows to have plenty of room", () => {
  /** A merchant whose key was seen with so many calls left, and its minute full of room. */
  async function warm(callsLeft = 5_000): Promise<Merchant> {
    const merchant = await newMerchant({ callsLeft });
    await request("/v1/account", { key: merchant.key });
    return merchant;
  }
  const storedCount = async ({ merchantId }: Merchant) =>
    (await rows("SELECT 1 FROM transactions WHERE merchant_id = ?", merchantId)).length;

  it("send exactly three to one phone, over ten keys of ten merchants, and keep nothing of the others", async () => {
    const merchants = await Promise.all(times(10, () => warm()));
    const phone = newPhone();
    const answers = await pushAll(times(200, (i) => ({ key: merchants[i % 10]?.key ?? "", phone })));
    expect(accepted(answers)).toHaveLength(3);
    expect(codes(answers)).toEqual(new Set(["PHONE_RATE_LIMIT"]));
    expect(network.pushes).toHaveLength(3);
    const started = (await Promise.all(merchants.map(keyRow))).map((row) => row.started_count);
    expect(started.reduce((sum, count) => sum + count)).toBe(3);
    const calls = (await Promise.all(merchants.map(keyRow))).map((row) => 5_000 - row.calls_left);
    expect(calls).toEqual(started);
    expect(await Promise.all(merchants.map(storedCount))).toEqual(started);
  });

  it("send exactly as many as the key has calls left, though others held some that the phone denied", async () => {
    const merchant = await warm(110);
    const phone = newPhone();
    await pushAll(times(3, () => ({ key: merchant.key, phone })));
    const slow = { ...slowBindings({ delayMs: random(100) }), ...roomy };
    const quick = { ...jittery(), ...roomy };
    const answers = await Promise.all(
      times(200, (i) =>
        request("/v1/stk/push", {
          key: merchant.key,
          body: { phone: i < 10 ? phone : newPhone(), amount: 10 },
          env: i < 10 ? slow : quick,
        }),
      ),
    );
    expect(accepted(answers)).toHaveLength(107);
    expect(codes(answers)).toEqual(new Set(["PHONE_RATE_LIMIT", "LIMIT_REACHED"]));
    expect(await keyRow(merchant)).toEqual({ calls_left: 0, started_count: 110 });
    expect(await storedCount(merchant)).toBe(110);
  });

  it("send exactly as many as the key's minute has room for", async () => {
    const merchant = await newMerchant();
    vi.useFakeTimers({ toFake: ["Date"], now: Math.ceil(Date.now() / 60_000) * 60_000 });
    await request("/v1/account", { key: merchant.key });
    const answers = await pushAll(times(200, () => ({ key: merchant.key, phone: newPhone() })));
    vi.useRealTimers();
    expect(accepted(answers)).toHaveLength(59);
    expect(codes(answers)).toEqual(new Set(["RATE_LIMIT_MINUTE"]));
    expect(await keyRow(merchant)).toEqual({ calls_left: 4_941, started_count: 59 });
    expect(await storedCount(merchant)).toBe(59);
  });

  it("send one for 50 copies with one Idempotency-Key, and leave the phone's other slots free", async () => {
    const merchant = await warm();
    const phone = newPhone();
    const headers = { "Idempotency-Key": "order-102" };
    const answers = await pushAll(times(50, () => ({ key: merchant.key, phone, headers })));
    expect(network.pushes).toHaveLength(1);
    expect(accepted(answers).length).toBeGreaterThanOrEqual(1);
    expect(codes(answers)).toEqual(new Set(["IDEMPOTENCY_IN_PROGRESS"]));
    const more = await pushAll(times(3, () => ({ key: merchant.key, phone })));
    expect(accepted(more)).toHaveLength(2);
    expect(await keyRow(merchant)).toEqual({ calls_left: 4_997, started_count: 3 });
  });

  it.each([
    ["revoked", "hash = 'revoked-' || id", "INVALID_API_KEY"],
    ["deleted", "deleted_at = 1", "INVALID_API_KEY"],
    ["suspended", "suspended_at = 1", "KEY_SUSPENDED"],
    ["expired", "expires_at = 1", "KEY_INACTIVE"],
    ["exhausted", "calls_left = 0", "LIMIT_REACHED"],
  ])("send none by a key that was %s meanwhile, and keep no slot of the phone", async (_, change, code) => {
    const merchant = await warm();
    const other = await newMerchant();
    await setKey(merchant, change);
    const phone = newPhone();
    // Fewer than the minute holds, so that the gate itself lets all of them pass.
    const answers = await pushAll(times(50, () => ({ key: merchant.key, phone })));
    expect(codes(answers)).toEqual(new Set([code]));
    expect(network.pushes).toEqual([]);
    expect(await storedCount(merchant)).toBe(0);
    expect(accepted(await pushAll(times(3, () => ({ key: other.key, phone }))))).toHaveLength(3);
  });
});

describe("storage trips one after another, besides M-Pesa", () => {
  /** The trips that the answer waited for; what goes on behind it costs the client nothing. */
  async function tripsOf(path: string, options: { key: string; body?: object }): Promise<Trip[]> {
    const trips: Trip[] = [];
    const ctx = createExecutionContext();
    await fetchAnswer(path, { ...options, env: slowBindings({ delayMs: () => 10, trips }) }, ctx);
    const answeredAt = performance.now();
    await waitOnExecutionContext(ctx);
    return trips.filter((trip) => trip.endedAt <= answeredAt && trip.what !== "token get");
  }
  const pushTrips = (key: string, phone = newPhone()) =>
    tripsOf("/v1/stk/push", { key, body: { phone, amount: 1 } });

  it("are three for a key's first push and two for its next", async () => {
    const { key } = await newMerchant();
    expect(depth(await pushTrips(key))).toBe(3);
    expect(depth(await pushTrips(key))).toBe(2);
    expect(depth(await pushTrips(key))).toBe(2);
    expect(network.pushes).toHaveLength(3);
  });

  it("are two for the first push too, where the key has read before", async () => {
    const { key } = await newMerchant();
    await request("/v1/account", { key });
    expect(depth(await pushTrips(key))).toBe(2);
  });

  it("are three for a key that comes near the end of its calls or its minute", async () => {
    const scarce = await newMerchant({ callsLeft: 101 });
    expect(depth(await pushTrips(scarce.key))).toBe(3);
    expect(depth(await pushTrips(scarce.key))).toBe(3);
    const hurried = await newMerchant();
    vi.useFakeTimers({ toFake: ["Date"] });
    for (let i = 0; i < 50; i++) await request("/v1/transactions/ws_CO_1", { key: hurried.key });
    expect(depth(await pushTrips(hurried.key))).toBe(3);
    vi.useRealTimers();
  });

  it("are one for reading a payment", async () => {
    const { key } = await newMerchant();
    expect(depth(await tripsOf("/v1/transactions/ws_CO_1", { key }))).toBe(1);
  });

  it("are none for a key that is malformed, and one for a key that is made up", async () => {
    expect(await pushTrips("abc")).toEqual([]);
    expect(depth(await pushTrips("0".repeat(64)))).toBe(1);
  });

  it("are two for a push that the phone's limit denies, cold or warm", async () => {
    const phone = newPhone();
    const warm = await newMerchant();
    await pushAll(times(3, () => ({ key: warm.key, phone })));
    const { key } = await newMerchant();
    expect(depth(await pushTrips(key, phone))).toBe(2);
    expect(depth(await pushTrips(warm.key, phone))).toBe(2);
    expect(network.pushes).toHaveLength(3);
  });

  it("are none for a key that this isolate has seen at its minute's end", async () => {
    const { key } = await newMerchant();
    vi.useFakeTimers({ toFake: ["Date"], now: Math.ceil(Date.now() / 60_000) * 60_000 });
    for (let i = 0; i < 61; i++) await request("/v1/transactions/ws_CO_1", { key });
    expect(await pushTrips(key)).toEqual([]);
    vi.useRealTimers();
  });
});
