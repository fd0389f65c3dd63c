import { createExecutionContext, env, waitOnExecutionContext } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../../src/env.ts";
import { type ApiKey, hashApiKey } from "../../../src/lib/api-key.ts";
import {
  callsLeft,
  fetchAnswer,
  type Merchant,
  newMerchant,
  newPhone,
  paymentIds,
  push,
  request,
  rows,
} from "../../support/gateway.ts";
import { lossyDatabase } from "../../support/lossy.ts";
import { freshNetwork, type Network } from "../../support/network.ts";

let network: Network;
beforeEach(() => {
  network = freshNetwork();
});

/** A merchant of whose key this isolate knows that it has plenty of room: its pushes take their call ahead. */
async function warmMerchant(): Promise<Merchant> {
  const merchant = await newMerchant();
  await request("/v1/account", { key: merchant.key });
  return merchant;
}

const pushWith = ({ key }: Merchant, overrides: Partial<Env>, phone = newPhone()) =>
  request("/v1/stk/push", { key, body: { phone, amount: 10 }, env: overrides });

async function expectNothingKept(merchant: Merchant, phone: string) {
  expect(network.pushes).toEqual([]);
  expect(await callsLeft(merchant)).toBe(5_000);
  expect(await paymentIds(merchant)).toEqual([]);
  const [figures] = await rows("SELECT started_count FROM api_keys WHERE id = ?", merchant.keyId);
  expect(figures).toEqual({ started_count: 0 });
  const others = await Promise.all([newMerchant(), newMerchant(), newMerchant()]);
  const answers = await Promise.all(others.map(({ key }) => push(key, { phone })));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
}

/** Objects of which one method fails, before it is carried out or after. */
function failing<T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  method: string,
  moment: "before" | "after",
): DurableObjectNamespace<T> {
  const getByName = (name: string) => {
    const stub = namespace.getByName(name);
    return new Proxy(stub, {
      get: (_, asked) => {
        const call = Reflect.get(stub, asked) as unknown as (...args: unknown[]) => Promise<unknown>; // RPC
        if (asked !== method) return (...args: unknown[]) => call(...args);
        return async (...args: unknown[]) => {
          if (moment === "after") await call(...args);
          throw new Error("Durable Object: Network connection lost.");
        };
      },
    });
  };
  return new Proxy(namespace, {
    get: (target, name) => (name === "getByName" ? getByName : Reflect.get(target, name)),
  });
}

describe("a push that takes its call ahead of its permission", () => {
  it.each([
    ["gate", "before"],
    ["gate", "after"],
    ["phone", "before"],
    ["phone", "after"],
  ] as const)("keeps nothing where the %s fails, %s it was asked", async (whose, moment) => {
    const merchant = await warmMerchant();
    const phone = newPhone();
    const bindings =
      whose === "gate"
        ? { KEY_GATE: failing(env.KEY_GATE, "take", moment) }
        : { PHONE_LIMIT: failing(env.PHONE_LIMIT, "claim", moment) };
    expect((await pushWith(merchant, bindings, phone)).status).toBe(503);
    await expectNothingKept(merchant, phone);
  });

  it.each([
    ["carried out", false],
    ["not carried out", true],
  ])("keeps nothing where its batch's answer does not come, %s", async (_, before) => {
    const merchant = await warmMerchant();
    const phone = newPhone();
    const DB = lossyDatabase(/insert into "transactions"/, { times: 3, before });
    expect((await pushWith(merchant, { DB }, phone)).status).toBe(503);
    expect(DB.losses()).toBe(3);
    await expectNothingKept(merchant, phone);
  });

  it("takes one call and sends one prompt where its batch's answer comes in the end", async () => {
    const merchant = await warmMerchant();
    const DB = lossyDatabase(/insert into "transactions"/, { times: 2 });
    expect((await pushWith(merchant, { DB })).status).toBe(200);
    expect(await callsLeft(merchant)).toBe(4_999);
    expect(network.pushes).toHaveLength(1);
  });

  it("is denied where the minute was used up elsewhere, and then without a trip", async () => {
    // Within a minute: in its last second, what is known of it is not believed any more.
    vi.useFakeTimers({ toFake: ["Date"], now: Math.floor(Date.now() / 60_000) * 60_000 });
    const merchant = await warmMerchant();
    const limits = { key_minute: 60, key_day: 10_000 };
    const gate = env.KEY_GATE.getByName(String(merchant.keyId));
    for (let i = 0; i < 60; i++) await gate.take("elsewhere", limits);
    const phone = newPhone();
    expect((await pushWith(merchant, {}, phone)).body.error_code).toBe("RATE_LIMIT_MINUTE");
    await expectNothingKept(merchant, phone);
    const DB = lossyDatabase(/./, { times: 99 });
    expect((await pushWith(merchant, { DB })).body.error_code).toBe("RATE_LIMIT_MINUTE");
    expect(DB.losses()).toBe(0);
  });

  it("is denied by the fraud rules, and counts among their denials", async () => {
    const merchant = await warmMerchant();
    const phone = newPhone();
    const LIMITS = JSON.stringify({ fraud: { phone_diversity: { finished: 1, phones: 1, completed: 1 } } });
    const gate = env.KEY_GATE.getByName(String(merchant.keyId));
    for (const id of ["tx_1", "tx_2"]) {
      await gate.take("any", { key_minute: 60, key_day: 10_000 }, { id, phone: id, limits: NO_FRAUD });
      await gate.finishPush(id, "failed");
    }
    const answer = await request("/v1/stk/push", {
      key: merchant.key,
      body: { phone, amount: 10 },
      env: { LIMITS },
    });
    expect(answer.body.error_code).toBe("FRAUD_BLOCK_PHONE_DIVERSITY");
    await expectNothingKept(merchant, phone);
  });

  it("has given its call back before the denial is answered", async () => {
    const merchant = await warmMerchant();
    const phone = newPhone();
    for (let i = 0; i < 3; i++) await push((await newMerchant()).key, { phone });
    const ctx = createExecutionContext();
    const denied = await fetchAnswer("/v1/stk/push", { key: merchant.key, body: { phone, amount: 10 } }, ctx);
    expect(denied.body.error_code).toBe("PHONE_RATE_LIMIT");
    expect(await callsLeft(merchant)).toBe(5_000);
    expect(await paymentIds(merchant)).toEqual([]);
    await waitOnExecutionContext(ctx);
  });

  it("gives its call back once where the answer to that is lost", async () => {
    const merchant = await warmMerchant();
    const phone = newPhone();
    for (let i = 0; i < 3; i++) await push((await newMerchant()).key, { phone });
    const DB = lossyDatabase(/delete from "transactions"/, { times: 2 });
    expect((await pushWith(merchant, { DB }, phone)).body.error_code).toBe("PHONE_RATE_LIMIT");
    expect(DB.losses()).toBe(2);
    expect(await callsLeft(merchant)).toBe(5_000);
    expect(await paymentIds(merchant)).toEqual([]);
  });

  it("is told the same as any other: an earlier payment's answer, and the key's state before the phone's", async () => {
    const merchant = await warmMerchant();
    const phone = newPhone();
    const headers = { "Idempotency-Key": "order-103" };
    const first = await push(merchant.key, { phone }, headers);
    for (let i = 0; i < 2; i++) await push(merchant.key, { phone });
    const again = await push(merchant.key, { phone }, headers);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get("Idempotent-Replayed")).toBe("true");
    expect((await push(merchant.key, { phone })).body.error_code).toBe("PHONE_RATE_LIMIT");
    await rows("UPDATE api_keys SET suspended_at = 1 WHERE id = ?", merchant.keyId);
    expect((await push(merchant.key, { phone })).body.error_code).toBe("KEY_SUSPENDED");
    expect(await callsLeft(merchant)).toBe(4_997);
  });

  it("goes ahead only for a minute on what this isolate saw of the key", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const triesToStore = async (afterMs: number) => {
      const merchant = await warmMerchant();
      vi.setSystemTime(Date.now() + afterMs);
      const DB = lossyDatabase(/insert into "transactions"/, { times: 99, before: true });
      const KEY_GATE = failing(env.KEY_GATE, "take", "before");
      expect((await pushWith(merchant, { DB, KEY_GATE })).status).toBe(503);
      return DB.losses() > 0;
    };
    expect(await triesToStore(59_000)).toBe(true);
    expect(await triesToStore(61_000)).toBe(false);
  });

  it("needs no look-up of a key that does not name its own id", async () => {
    const merchant = await newMerchant();
    const key = "cd".repeat(32) as ApiKey; // of the form, and not made with our locator
    await rows("UPDATE api_keys SET hash = ? WHERE id = ?", await hashApiKey(key), merchant.keyId);
    expect((await push(key)).status).toBe(200);
    const DB = lossyDatabase(/^select/, { times: 99 });
    expect((await pushWith({ ...merchant, key }, { DB })).status).toBe(200);
    expect(DB.losses()).toBe(0);
  });
});

/** Rules that nothing meets. */
const NO_FRAUD = {
  burst: { pushes: 1_000, seconds: 60, finished: 1_000, finished_seconds: 600, failed: 1 },
  cancel_rate: { finished: 1_000, seconds: 3_600, cancelled: 1 },
  failure_rate: { finished: 1_000, seconds: 3_600, failed: 1 },
  phone_diversity: { finished: 1_000, phones: 1_000, seconds: 600, completed: 0 },
};
