import { env } from "cloudflare:test";
import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { judgeFraud, type WindowCounts } from "../../../src/features/fraud/rules.ts";
import {
  callBack,
  failed,
  type Merchant,
  newMerchant,
  newPhone,
  paid,
  push,
  request,
  rows,
} from "../../support/gateway.ts";
import { freshNetwork, type Network } from "../../support/network.ts";

const LIMITS = {
  burst: { pushes: 30, seconds: 60, finished: 10, finished_seconds: 600, failed: 0.5 },
  cancel_rate: { finished: 20, seconds: 3_600, cancelled: 0.6 },
  failure_rate: { finished: 20, seconds: 3_600, failed: 0.8 },
  phone_diversity: { finished: 30, phones: 30, seconds: 600, completed: 0.1 },
};

const counts = (c: Partial<WindowCounts>): WindowCounts => ({
  finished: 0,
  completed: 0,
  failures: 0,
  cancels: 0,
  phones: 0,
  ...c,
});

const judge = (within: Record<number, Partial<WindowCounts>>, pushes = 0) =>
  judgeFraud({ pushesWithin: () => pushes, within: (seconds) => counts(within[seconds] ?? {}) }, LIMITS);

describe("the rules", () => {
  it.each([
    ["29 pushes are no burst", undefined, { 600: { finished: 10, failures: 10 } }, 29],
    ["30 pushes with half failed are", "FRAUD_BLOCK_BURST", { 600: { finished: 10, failures: 5 } }, 30],
    ["not with less than half", undefined, { 600: { finished: 11, failures: 5 } }, 30],
    ["not with nine finished", undefined, { 600: { finished: 9, failures: 9 } }, 30],
    ["60 % cancelled of 20", "FRAUD_BLOCK_CANCEL_RATE", { 3600: { finished: 20, cancels: 12 } }, 0],
    ["not 59 %", undefined, { 3600: { finished: 20, cancels: 11 } }, 0],
    ["80 % failed of 20", "FRAUD_BLOCK_FAILURE_RATE", { 3600: { finished: 20, failures: 16 } }, 0],
    ["not of 19", undefined, { 3600: { finished: 19, failures: 19 } }, 0],
    [
      "30 phones, under 10 % paid",
      "FRAUD_BLOCK_PHONE_DIVERSITY",
      { 600: { finished: 31, phones: 30, completed: 3 } },
      0,
    ],
    ["not with 10 %", undefined, { 600: { finished: 30, phones: 30, completed: 3 } }, 0],
    ["not to 29 phones", undefined, { 600: { finished: 40, phones: 29, completed: 0 } }, 0],
    [
      "cancelling stands before failing",
      "FRAUD_BLOCK_CANCEL_RATE",
      { 3600: { finished: 20, cancels: 20, failures: 20 } },
      0,
    ],
  ] as const)("%s", (_, code, within, pushes) => {
    expect(judge(within, pushes)).toBe(code);
  });

  it("never block a key whose customers all pay", () => {
    fc.assert(
      fc.property(fc.nat(500), fc.nat(500), (finished, pushes) => {
        const all = counts({ finished, completed: finished, phones: finished });
        return judgeFraud({ pushesWithin: () => pushes, within: () => all }, LIMITS) === undefined;
      }),
    );
  });
});

describe("a key whose payments go wrong", () => {
  let network: Network;
  let merchant: Merchant;
  beforeEach(async () => {
    network = freshNetwork();
    merchant = await newMerchant();
  });

  /** Pushes to new phones, each of which ends with this code. */
  async function pushes(count: number, code: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const pushed = await push(merchant.key);
      expect(pushed.status).toBe(200);
      const url = network.pushes.at(-1)?.CallBackURL ?? "";
      await callBack(url, code === 0 ? paid(pushed.body) : failed(pushed.body, code, "no"));
    }
  }

  it("is blocked at the twentieth cancellation, sends nothing, and is free when the hour is over", async () => {
    await pushes(19, 1032);
    await pushes(1, 1032);
    const blocked = await push(merchant.key);
    expect(blocked.status).toBe(403);
    expect(blocked.body.error_code).toBe("FRAUD_BLOCK_CANCEL_RATE");
    expect(network.pushes).toHaveLength(20);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_601_000 });
    expect((await push(merchant.key)).status).toBe(200);
  });

  it("is not blocked for M-Pesa's own troubles", async () => {
    await pushes(25, 1001);
    expect((await push(merchant.key)).status).toBe(200);
  });

  it("meets the burst's block with 429 and a Retry-After", async () => {
    for (let i = 0; i < 15; i++) {
      await pushes(1, 1037);
      await pushes(1, 0);
    }
    const blocked = await push(merchant.key);
    expect(blocked.status).toBe(429);
    expect(blocked.body.error_code).toBe("FRAUD_BLOCK_BURST");
    expect(Number(blocked.headers.get("Retry-After"))).toBeGreaterThan(0);
  });

  it("is suspended on the fifth occasion within a day, and works again when the operator releases it", async () => {
    const denyAgain = () => push(merchant.key);
    await pushes(20, 1032);
    let now = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now });
    for (let occasion = 1; occasion <= 5; occasion++) {
      const denied = await denyAgain();
      expect(denied.body.error_code).toBe("FRAUD_BLOCK_CANCEL_RATE");
      // A second denial without an allowed push between them is the same occasion.
      await denyAgain();
      if (occasion === 5) break;
      now += 3_700_000;
      vi.setSystemTime(now);
      await pushes(20, 1032);
    }
    const suspended = await push(merchant.key);
    expect(suspended).toMatchObject({ status: 403, body: { error_code: "KEY_SUSPENDED" } });
    const keys = await request("/v1/keys", { key: merchant.key });
    expect(keys.body.accounts[0]).toMatchObject({ fraud_suspended: true });
    const [email] = await rows<{ body: string }>(
      "SELECT body FROM notices WHERE id LIKE ?",
      `key_suspended:${merchant.keyId}:%`,
    );
    expect(email?.body).toContain(`"${keys.body.accounts[0].name}" was suspended, because too many`);
    const headers = { Authorization: `Bearer ${env.OPERATOR_TOKEN}` };
    const released = await request(`/operator/v1/keys/${merchant.keyId}/release`, {
      method: "POST",
      headers,
    });
    expect(released.status).toBe(200);
    expect((await push(merchant.key)).status).toBe(200);
  });

  it("is told of refusals by M-Pesa as no pushes at all", async () => {
    network.push = () =>
      Response.json(
        { requestId: "r", errorCode: "400.002.02", errorMessage: "Bad Request - Invalid PhoneNumber" },
        { status: 400 },
      );
    for (let i = 0; i < 31; i++) await push(merchant.key, { phone: newPhone() });
    network.push = () => Response.json(network.accepted());
    expect((await push(merchant.key)).status).toBe(200);
  });
});
