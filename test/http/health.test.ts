import { env } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { forgetReadiness } from "../../src/features/health/routes.ts";
import { CERTIFICATE } from "../support/certificate.ts";
import { interceptedDatabase } from "../support/database.ts";
import { newMerchant, push, request, rows, tick } from "../support/gateway.ts";
import { darajaError, freshNetwork, type Network } from "../support/network.ts";

let network: Network;
beforeEach(() => {
  network = freshNetwork();
  forgetReadiness();
});

const brokenDatabase = interceptedDatabase(async () => {
  throw new Error("D1_ERROR: D1 DB is overloaded. Requests queued for too long.");
});

describe("/healthz", () => {
  it("answers where the process runs, whatever else is wrong", async () => {
    const answer = await request("/healthz", { env: { APP_SECRET: undefined, DB: brokenDatabase } });
    expect([answer.status, answer.body]).toEqual([200, { status: "ok" }]);
  });
});

/** The cron ran last so long ago. */
async function cronRan(minutesAgo: number): Promise<void> {
  await rows("DELETE FROM minute_figures");
  await rows(
    "INSERT INTO minute_figures (minute, name, count) VALUES (?, 'total:started', 0)",
    Date.now() - minutesAgo * 60_000,
  );
}

describe("/readyz", () => {
  it("names each part that a payment needs, with its time, and nothing else", async () => {
    const answer = await request("/readyz");
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        status: "ready",
        age_ms: 0,
        parts: ["database", "cron", "durable_object", "queue", "daraja_token"].map((name) => ({
          name,
          ready: true,
          ms: expect.any(Number),
        })),
      },
    ]);
  });

  const object = (answers: object) => ({ DARAJA_TOKEN: { getByName: () => answers } });
  const dead = () => Promise.reject(new Error("it is gone, and here is a secret"));
  it.each<[string, Record<string, unknown>]>([
    ["database", { DB: brokenDatabase }],
    ["durable_object", object({ ping: dead, get: async () => ({ token: { value: "t", expiresAt: 9e12 } }) })],
    ["queue", { SMS_QUEUE: { metrics: dead } }],
  ])("is 503 where the %s is not there, and says no more than that", async (name, settings) => {
    const answer = await request("/readyz", { env: settings });
    expect([answer.status, answer.body.status]).toEqual([503, "not_ready"]);
    const unready = answer.body.parts.filter((part: { ready: boolean }) => !part.ready);
    expect(unready).toMatchObject([{ name }]);
    expect(JSON.stringify(answer.body)).not.toMatch(/secret|D1_ERROR/);
  });

  it.each([{ APP_SECRET: undefined }, { SMS_API_KEY: undefined }])(
    "is 503 where a setting is wrong, and names none: %o",
    async (settings) => {
      const answer = await request("/readyz", { env: settings });
      expect([answer.status, answer.body]).toEqual([
        503,
        { status: "not_ready", age_ms: 0, parts: [{ name: "settings", ready: false, ms: 0 }] },
      ]);
    },
  );

  it("is 503 where the cron has been silent for more than five minutes", async () => {
    await cronRan(4);
    expect((await request("/readyz")).status).toBe(200);
    await cronRan(7);
    forgetReadiness();
    const answer = await request("/readyz");
    expect(answer.status).toBe(503);
    const unready = answer.body.parts.filter((part: { ready: boolean }) => !part.ready);
    expect(unready).toMatchObject([{ name: "cron" }]);
    await tick();
    forgetReadiness();
    expect((await request("/readyz")).status).toBe(200);
  });

  it("asks once for all who ask within ten seconds", async () => {
    let asked = 0;
    const DB = interceptedDatabase((_, call) => {
      asked++;
      return call();
    });
    for (let i = 0; i < 5; i++) expect((await request("/readyz", { env: { DB } })).status).toBe(200);
    expect(asked).toBe(1);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 11_000 });
    await request("/readyz", { env: { DB } });
    expect(asked).toBe(2);
  });
});

describe("the doctor", () => {
  const ask = (settings: Record<string, unknown> = {}, token = env.OPERATOR_TOKEN) =>
    request("/operator/v1/doctor", {
      method: "POST",
      headers: { Authorization: `Bearer ${token}` },
      env: settings,
    });
  /** What a queue's own delivery does here: at once. */
  type Finding = { name: string; ok: boolean | null; detail: string };
  const finding = (answer: Awaited<ReturnType<typeof ask>>, name: string) =>
    answer.body.findings.find((found: Finding) => found.name === name);
  beforeEach(() => {
    network.query = darajaError(500, "500.001.1001", "The transaction does not Exist");
  });

  it("is the operator's alone, and shut where there is no token", async () => {
    expect((await ask({}, "x".repeat(48))).body.error_code).toBe("INVALID_API_KEY");
    expect((await ask({ OPERATOR_TOKEN: undefined }, "")).body.error_code).toBe("MISSING_AUTH");
    expect((await ask({ OPERATOR_TOKEN: "short" }, "short")).body.error_code).toBe("INVALID_API_KEY");
  });

  it("names every setting that is missing, which nobody else is told", async () => {
    const answer = await ask({ DARAJA_PASSKEY: undefined, DARAJA_INITIATOR: "smartpay" });
    expect(answer.status).toBe(200);
    expect(answer.body.settings.map((fault: string) => fault.split(":")[0])).toEqual([
      "DARAJA_PASSKEY",
      "DARAJA_SECURITY_CREDENTIAL",
    ]);
  });

  it("asks for M-Pesa's statement once, and has M-Pesa's words where it does not tell", async () => {
    expect(finding(await ask(), "statement")).toMatchObject({ ok: true });
    expect(network.count("/pulltransactions/v1/query")).toBe(1);
    network.pull = darajaError(400, "400.002.02", "ShortCode is not registered for pull");
    expect(finding(await ask(), "statement")).toEqual({
      name: "statement",
      ok: null,
      detail: "HTTP 400: ShortCode is not registered for pull",
    });
  });

  it("finds a gateway that is well to be well, its queues by a message through each", async () => {
    const answer = await ask();
    const faults = answer.body.findings.filter(({ ok }: Finding) => ok === false);
    expect(faults).toEqual([]);
    expect(answer.body.findings.map(({ name }: Finding) => name)).toEqual(
      expect.arrayContaining(["credentials", "passkey", "callback_words", "clock", "queue_callbacks"]),
    );
    expect(answer.body.migrations[0]).toMatch(/^0000_/);
    expect(answer.body.daraja).toBe("daraja.test");
  });

  it("asks with the credentials of now, not with a token that outlived them", async () => {
    await ask();
    network.token = () => new Response("", { status: 400 });
    expect(finding(await ask(), "credentials")).toMatchObject({ ok: false });
  });

  it("tells a wrong passkey from a Daraja that says nothing of it", async () => {
    network.query = darajaError(500, "500.001.1001", "[MerchantValidate] - Wrong credentials");
    expect(finding(await ask(), "passkey")).toMatchObject({ ok: false, detail: /Wrong credentials/ });
    network.query = darajaError(503, "503", "Service Unavailable");
    expect(finding(await ask(), "passkey")).toMatchObject({ ok: null });
  });

  const initiator = { DARAJA_INITIATOR: "smartpay" };
  const whole = { ...initiator, DARAJA_INITIATOR_PASSWORD: "Pass#word1", DARAJA_CERTIFICATE: CERTIFICATE };
  it.each<[string, Record<string, unknown>, string | undefined]>([
    ["a certificate that is whole", whole, undefined],
    [
      "one of which the first line alone was put",
      { ...whole, DARAJA_CERTIFICATE: "-----BEGIN CERTIFICATE-----" },
      "DARAJA_CERTIFICATE",
    ],
    [
      "a password longer than it can seal",
      { ...whole, DARAJA_INITIATOR_PASSWORD: "x".repeat(300) },
      "DARAJA_INITIATOR_PASSWORD",
    ],
    ["a credential that is whole", { ...initiator, DARAJA_SECURITY_CREDENTIAL: "A".repeat(344) }, undefined],
    [
      "one of which the first line alone was put",
      { ...initiator, DARAJA_SECURITY_CREDENTIAL: "A".repeat(64) },
      "DARAJA_SECURITY_CREDENTIAL",
    ],
  ])("makes the payouts' security credential once: %s", async (_, settings, fault) => {
    const found = finding(await ask(settings), "initiator");
    expect(found).toMatchObject({ ok: fault === undefined });
    if (fault) expect(found.detail.split(" ")[0]).toBe(fault);
  });

  it("does not take a database that cannot be read for one without migrations", async () => {
    const DB = interceptedDatabase(async (sql, call) => {
      if (sql.includes("d1_migrations")) throw new Error("D1_ERROR: Network connection lost.");
      return call();
    });
    expect((await ask({ DB })).body.migrations).toBeNull();
  });

  it("is not shut to the operator by somebody elsewhere who asks too often", async () => {
    const asked: string[] = [];
    const IP_LIMIT = {
      limit: async ({ key }: { key: string }) => {
        asked.push(key);
        return { success: true };
      },
    };
    for (const address of ["192.0.2.1", "192.0.2.2"]) {
      await request("/operator/v1/doctor", {
        method: "POST",
        headers: { Authorization: "Bearer x", "CF-Connecting-IP": address },
        env: { IP_LIMIT },
      });
    }
    expect(new Set(asked).size).toBe(2);
  });

  it("finds a cron that is dead, and waits for one that never ran", async () => {
    await rows("DELETE FROM minute_figures");
    expect(finding(await ask(), "cron")).toMatchObject({ ok: null });
    await cronRan(60);
    expect(finding(await ask(), "cron")).toMatchObject({ ok: false, detail: /60 minutes ago/ });
    await tick();
    expect(finding(await ask(), "cron")).toMatchObject({ ok: true });
  });

  it("finds words in the callback URL that Daraja refuses", async () => {
    const answer = await ask({
      PUBLIC_BASE_URL: "https://mpesa.duka.co.ke",
      ENVIRONMENT: "sandbox",
      ROUTING: "direct",
    });
    expect(finding(answer, "callback_words")).toMatchObject({ ok: false, detail: /"mpesa"/ });
  });

  it("finds a clock that is off, and a queue that takes nothing", async () => {
    const daraja = network.token;
    network.token = (sent) =>
      sent.headers.has("Authorization")
        ? daraja(sent)
        : new Response("", { status: 400, headers: { Date: new Date(Date.now() - 600_000).toUTCString() } });
    const send = () => Promise.reject(new Error("Queue not found"));
    const answer = await ask({ SMS_QUEUE: { send } });
    expect(finding(answer, "clock")).toMatchObject({ ok: false, detail: /600 s ahead/ });
    expect(finding(answer, "queue_sms")).toMatchObject({ ok: false, detail: /Queue not found/ });
  });
});

describe("the figures", () => {
  it("of a payment are written beside it, and one that cannot be written stops nothing", async () => {
    const merchant = await newMerchant();
    const points: AnalyticsEngineDataPoint[] = [];
    const METRICS = { writeDataPoint: (point: AnalyticsEngineDataPoint) => points.push(point) };
    await request("/v1/stk/push", {
      key: merchant.key,
      body: { phone: "254712345678", amount: 1 },
      env: { METRICS },
    });
    expect(points.map(({ blobs }) => blobs)).toContainEqual(["daraja", "stkpush", "http_200"]);
    const broken = {
      writeDataPoint: () => {
        throw new Error("no dataset");
      },
    };
    const answer = await request("/v1/stk/push", {
      key: merchant.key,
      body: { phone: "254712345679", amount: 1 },
      env: { METRICS: broken },
    });
    expect(answer.status).toBe(200);
    expect((await push(merchant.key)).status).toBe(200);
  });
});
