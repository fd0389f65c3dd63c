import { env } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/app.ts";
import { ConfigError, readConfig } from "../../src/env.ts";
import { ERRORS } from "../../src/errors.ts";
import { interceptedDatabase } from "../support/database.ts";
import { newMerchant, newPhone, paid, push, request, rows, setKey } from "../support/gateway.ts";
import { broken, freshNetwork, type Network } from "../support/network.ts";
import { Visitor } from "../support/visitor.ts";

let network: Network;
beforeEach(() => {
  network = freshNetwork();
});

const X_REQUEST_ID = expect.stringMatching(/^req_[0-9a-f]{24}$/);

/** A database every use of which fails like this. */
const failingDatabase = (error: Error) =>
  new Proxy({} as D1Database, {
    get: () => {
      throw error;
    },
  });

describe("ping", () => {
  it("answers without authentication, and names the environment", async () => {
    const answer = await request("/v1/ping");
    expect([answer.status, answer.body]).toEqual([
      200,
      { success: true, message: "pong", environment: "local" },
    ]);
    expect(answer.headers.get("Content-Type")).toMatch(/^application\/json/);
  });

  it("touches no storage", async () => {
    const DB = failingDatabase(new Error("storage was touched"));
    expect((await request("/v1/ping", { env: { DB } })).status).toBe(200);
  });

  it("is the same with a slash at its end, and has no body for HEAD", async () => {
    expect((await request("/v1/ping/")).body.message).toBe("pong");
    const head = await request("/v1/ping", { method: "HEAD" });
    expect([head.status, head.body]).toEqual([200, ""]);
  });
});

describe("every answer", () => {
  it.each([
    ["GET", "/v1/ping"],
    ["GET", "/v1/nothing"],
    ["POST", "/v1/stk/push"],
    ["GET", "/"],
    ["OPTIONS", "/v1/stk/push"],
    ["POST", "/cb/stk/12345678/tx_00000000000000000000000000000000/abc"],
  ])("has an X-Request-Id of ours: %s %s", async (method, path) => {
    const answer = await request(path, { method, headers: { "X-Request-Id": "theirs" } });
    expect(answer.headers.get("X-Request-Id")).toEqual(X_REQUEST_ID);
  });

  it.each([
    ["GET", "/"],
    ["GET", "/v1"],
    ["GET", "/v2/ping"],
    ["GET", "/v1/nothing"],
    ["GET", "/v1/stk/push"],
    ["POST", "/v1/ping"],
    ["DELETE", "/v1/ping"],
    ["PUT", "/v1/transactions/ws_CO_1"],
    ["GET", "/V1/PING"],
    ["GET", "/v1//ping"],
    ["GET", "/cb/stk/12345678/tx_0/abc"],
  ])("to an unknown path or method is 404: %s %s", async (method, path) => {
    const answer = await request(path, { method });
    expect([answer.status, answer.body]).toEqual([
      404,
      { success: false, error_code: "NOT_FOUND", message: expect.any(String), request_id: X_REQUEST_ID },
    ]);
    expect(answer.body.request_id).toBe(answer.headers.get("X-Request-Id"));
  });

  it("is for any origin", async () => {
    const Origin = "https://shop.example";
    const preflight = await request("/v1/stk/push", {
      method: "OPTIONS",
      headers: {
        Origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "Authorization, Content-Type, Idempotency-Key",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("Access-Control-Allow-Origin")).toBe("*");
    expect(preflight.headers.get("Access-Control-Allow-Methods")).toContain("POST");
    expect(preflight.headers.get("Access-Control-Allow-Headers")).toContain("Idempotency-Key");
    const answer = await request("/v1/ping", { headers: { Origin } });
    expect(answer.headers.get("Access-Control-Allow-Origin")).toBe("*");
    expect(answer.headers.get("Access-Control-Expose-Headers")).toContain("X-RateLimit-Remaining");
  });

  it("that is a failure is a problem document for whoever asks for one", async () => {
    const headers = { Accept: "application/problem+json, application/json;q=0.9" };
    const answer = await request("/v1/nothing", { headers });
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    expect(answer.body).toEqual({
      success: false,
      error_code: "NOT_FOUND",
      message: expect.any(String),
      request_id: X_REQUEST_ID,
      type: expect.stringContaining("NOT_FOUND"),
      title: expect.any(String),
      status: 404,
      detail: answer.body.message,
      instance: expect.stringContaining(answer.body.request_id),
    });
    const { headers: plain } = await request("/v1/nothing", { headers: { Accept: "application/json" } });
    expect(plain.get("Content-Type")).toMatch(/^application\/json/);
  });

  it("reads the same with and without a slash at the path's end", async () => {
    const { key } = await newMerchant();
    const pushed = await request("/v1/stk/push/", { key, body: { phone: newPhone(), amount: 1 } });
    expect(pushed.status).toBe(200);
    const ref = pushed.body.checkout_request_id;
    expect((await request(`/v1/transactions/${ref}/`, { key })).body.transaction.amount).toBe(1);
  });
});

describe("authentication", () => {
  const routes = createApp().routes.filter(
    ({ path, method }) => path.startsWith("/v1/") && !path.includes("*") && method !== "ALL",
  );
  const guarded = [...new Set(routes.map(({ path, method }) => `${method} ${path}`))].filter(
    (route) => route !== "GET /v1/ping",
  );

  it.each(guarded)("is demanded by %s", async (route) => {
    const [method = "", path = ""] = route.split(" ");
    const answer = await request(path.replace(/:\w+(\{.*?\})?/g, "1"), { method });
    expect([answer.status, answer.body.error_code]).toEqual([401, "MISSING_AUTH"]);
    const wrong = await request(path.replace(/:\w+(\{.*?\})?/g, "1"), { method, key: "0".repeat(64) });
    expect([wrong.status, wrong.body.error_code]).toEqual([401, "INVALID_API_KEY"]);
  });

  it("is demanded by some routes at least", () => {
    expect(guarded).toContain("POST /v1/stk/push");
  });

  it("refuses a deleted key", async () => {
    const merchant = await newMerchant();
    await setKey(merchant, "deleted_at = 1");
    expect((await push(merchant.key)).body.error_code).toBe("INVALID_API_KEY");
    expect((await request("/v1/transactions/x", { key: merchant.key })).body.error_code).toBe(
      "INVALID_API_KEY",
    );
  });

  it("is not by the operator's token, nor the operator by a key", async () => {
    const { key } = await newMerchant();
    const asOperator = await request("/operator/v1/merchants", { key, body: {} });
    expect([asOperator.status, asOperator.body.error_code]).toEqual([401, "INVALID_API_KEY"]);
    expect((await push(env.OPERATOR_TOKEN)).body.error_code).toBe("INVALID_API_KEY");
  });

  it("stores and logs no key", async () => {
    const log = vi.spyOn(console, "log");
    const { key } = await newMerchant();
    const { body } = await push(key);
    await request(`/v1/transactions/${body.transaction_id}`, { key });
    for (const table of ["api_keys", "transactions", "merchants", "wallets"]) {
      expect(JSON.stringify(await rows(`SELECT * FROM ${table}`))).not.toContain(key);
    }
    expect(JSON.stringify(log.mock.calls)).not.toContain(key);
  });
});

describe("rate-limit headers", () => {
  it("are on every authenticated answer, and count down", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2027-03-01T20:30:15Z") });
    const { key } = await newMerchant();
    const fields = (headers: Headers) =>
      ["X-RateLimit-Remaining", "X-RateLimit-Day-Remaining", "RateLimit", "RateLimit-Policy"].map((name) =>
        headers.get(name),
      );
    const policy = '"minute";q=60;w=60, "day";q=10000;w=86400';
    const minute = (r: number) => `"minute";r=${r};t=45, "day";r=${9_940 + r};t=1785`;
    const answers = [
      await push(key),
      await push(key, { amount: 0 }),
      await request("/v1/transactions/unknown", { key }),
      await request("/v1/transactions/unknown/", { key, method: "HEAD" }),
    ];
    expect(answers.map((answer) => answer.status)).toEqual([200, 400, 404, 404]);
    expect(answers.map(({ headers }) => fields(headers))).toEqual(
      [59, 58, 57, 56].map((left) => [`${left}`, `${9_940 + left}`, minute(left), policy]),
    );
  });

  it("are on no other answer", async () => {
    for (const answer of [await request("/v1/ping"), await push("0".repeat(64))]) {
      expect(answer.headers.get("X-RateLimit-Remaining")).toBeNull();
    }
  });
});

describe("the IP limit", () => {
  const from = (ip: string) => request("/v1/ping", { headers: { "CF-Connecting-IP": ip } });

  it("is 200 a minute, whatever is asked for, and for one address alone", async () => {
    let answers: Awaited<ReturnType<typeof from>>[] = [];
    // The binding's windows are those of the clock: a run that met the end of one does not count.
    for (let minute = -1; minute !== Math.floor(Date.now() / 60_000); ) {
      minute = Math.floor(Date.now() / 60_000);
      const ip = `41.90.0.${answers.length % 250}`;
      answers = await Promise.all(Array.from({ length: 205 }, () => from(ip)));
      answers.push(await request("/v1/nothing", { headers: { "CF-Connecting-IP": ip } }));
    }
    const refused = answers.filter((answer) => answer.status === 429);
    expect(answers.length - refused.length).toBe(200);
    expect(answers.at(-1)?.body).toEqual({
      success: false,
      error_code: "IP_RATE_LIMIT",
      message: expect.any(String),
      request_id: X_REQUEST_ID,
    });
    expect(Number(refused[0]?.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect((await from("41.90.1.1")).status).toBe(200);
  });

  it("counts an IPv6 network of /64 as one address, and a mapped IPv4 address as itself", async () => {
    const keys: string[] = [];
    const IP_LIMIT: RateLimit = {
      limit: async ({ key }) => {
        keys.push(key);
        return { success: true };
      },
    };
    const ips = [
      "2c0f:fe38:1:2:a::1",
      "2c0f:fe38:1:2:b::2",
      "2c0f:fe38:1:3::1",
      "::ffff:41.90.0.1",
      "41.90.0.1",
    ];
    for (const ip of ips)
      await request("/v1/ping", { headers: { "CF-Connecting-IP": ip }, env: { IP_LIMIT } });
    const [first, second, third, mapped, plain] = keys;
    expect(first).toBe(second);
    expect(third).not.toBe(first);
    expect(mapped).toBe(plain);
  });

  it("comes before authentication", async () => {
    const IP_LIMIT: RateLimit = { limit: async () => ({ success: false }) };
    const answer = await request("/v1/stk/push", { body: {}, env: { IP_LIMIT } });
    expect([answer.status, answer.body.error_code]).toEqual([429, "IP_RATE_LIMIT"]);
  });
});

describe("the log", () => {
  const lines = (spy: { mock: { calls: unknown[][] } }) =>
    spy.mock.calls.map(([line]) => JSON.parse(String(line)));

  it("has one line a request, with the route's pattern in place of the path", async () => {
    const { key } = await newMerchant();
    const log = vi.spyOn(console, "log");
    log.mockClear();
    const { body, headers } = await request("/v1/transactions/254712345678", { key });
    expect(lines(log)).toEqual([
      {
        event: "request",
        request_id: headers.get("X-Request-Id"),
        method: "GET",
        route: "/v1/transactions/:ref",
        status: 404,
        ms: expect.any(Number),
        error_code: body.error_code,
      },
    ]);
  });

  it("names the payment that a push began", async () => {
    const { key } = await newMerchant();
    const log = vi.spyOn(console, "log");
    const { body } = await push(key);
    expect(lines(log)).toContainEqual(
      expect.objectContaining({ transaction: body.transaction_id, status: 200 }),
    );
  });

  it("masks keys and phone numbers, wherever they come from", async () => {
    const { key } = await newMerchant();
    const error = vi.spyOn(console, "error");
    const log = vi.spyOn(console, "log");
    const DB = failingDatabase(new Error(`D1_ERROR: 254712345678, +254112345678, 0712345678 and ${key}`));
    await request("/v1/stk/push", { key, body: { phone: "0712345678", amount: 1 }, env: { DB } });
    const text = JSON.stringify([log.mock.calls, error.mock.calls]);
    expect(text).toContain("D1_ERROR");
    expect(text).not.toContain(key);
    expect(text).not.toMatch(/[71]12345678/);
    expect(text).toContain("678");
  });

  it("names the statement that the database failed, and nothing that was to be stored or looked for", async () => {
    const { key } = await newMerchant();
    const { body: ids } = await push(key);
    const error = vi.spyOn(console, "error");
    const log = vi.spyOn(console, "log");
    const DB = interceptedDatabase(async (sql, call) => {
      if (sql.includes('"throttles"')) return call();
      throw new Error("D1_ERROR: the disk is full.");
    });
    await new Visitor({ DB }).submit("/login", { email: "wanjiku@duka.co.ke", password: "ugali na sukuma" });
    const whole = paid(ids);
    const named = { ...whole, Body: { ...whole.Body, ReceiverPartyPublicName: "0712345678 - JOHN KAMAU" } };
    await request(new URL(network.pushes[0]?.CallBackURL ?? "").pathname, { body: named, env: { DB } });
    const text = JSON.stringify([log.mock.calls, error.mock.calls]);
    for (const part of ["the disk is full", "users", "inbound_callbacks"]) expect(text).toContain(part);
    for (const part of ["wanjiku", "duka.co.ke", "ugali", "KAMAU", "712345678", "ReceiverParty"]) {
      expect(text).not.toContain(part);
    }
  });

  it("has no callback token", async () => {
    const { key } = await newMerchant();
    const { body: ids } = await push(key);
    const log = vi.spyOn(console, "log");
    const { pathname } = new URL(network.pushes[0]?.CallBackURL ?? "");
    await request(pathname, { body: paid(ids) });
    const token = pathname.split("/").at(-1) ?? "";
    expect(token).toMatch(/^[0-9a-f]{40}$/);
    expect(lines(log)).toContainEqual(expect.objectContaining({ route: "/cb/stk/:merchant/:id/:token" }));
    expect(JSON.stringify(log.mock.calls)).not.toContain(token);
  });
});

describe("a fault", () => {
  it("of ours is an INTERNAL_ERROR without details, and is logged with them", async () => {
    const { key } = await newMerchant();
    const error = vi.spyOn(console, "error");
    const DB = failingDatabase(new TypeError("secret detail"));
    const answer = await request("/v1/transactions/x", { key, env: { DB } });
    expect([answer.status, answer.body.error_code]).toEqual([500, "INTERNAL_ERROR"]);
    expect(JSON.stringify(answer.body)).not.toContain("secret detail");
    expect(JSON.stringify(error.mock.calls)).toContain("secret detail");
    expect(JSON.stringify(error.mock.calls)).toContain(answer.body.request_id);
  });

  it.each(["D1_ERROR: D1 DB is overloaded. Too many requests queued.", "Network connection lost."])(
    "of D1 is SERVICE_UNAVAILABLE: %s",
    async (message) => {
      const { key } = await newMerchant();
      const phone = newPhone();
      const DB = failingDatabase(new Error(message));
      for (const answer of [
        await request("/v1/stk/push", { key, body: { phone, amount: 1 }, env: { DB } }),
        await request("/v1/transactions/x", { key, env: { DB } }),
      ]) {
        expect([answer.status, answer.body.error_code]).toEqual([503, "SERVICE_UNAVAILABLE"]);
        expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
        expect(answer.body.message).not.toContain(message);
      }
      expect(network.pushes).toEqual([]);
      for (const _ of [1, 2, 3]) expect((await push(key, { phone })).status).toBe(200);
    },
  );

  it.each(["KEY_GATE", "PHONE_LIMIT"])("of %s is SERVICE_UNAVAILABLE", async (binding) => {
    const { key } = await newMerchant();
    const getByName = () =>
      new Proxy({}, { get: () => async () => Promise.reject(new Error("Durable Object reset.")) });
    const answer = await request("/v1/stk/push", {
      key,
      body: { phone: newPhone(), amount: 1 },
      env: { [binding]: { getByName } },
    });
    expect([answer.status, answer.body.error_code]).toEqual([503, "SERVICE_UNAVAILABLE"]);
    expect(network.pushes).toEqual([]);
  });

  it("of M-Pesa is told as what it is, not as ours", async () => {
    const { key } = await newMerchant();
    network.push = broken("NetworkError");
    expect((await push(key)).status).toBe(202);
  });
});

describe("settings", () => {
  const ping = (settings: Record<string, unknown>) => request("/v1/ping", { env: settings });
  const production = {
    PUBLIC_BASE_URL: "https://api.duka.co.ke",
    ENVIRONMENT: "production",
    ROUTING: "direct",
    DARAJA_BASE_URL: "https://api.safaricom.co.ke",
  };

  it.each<[string, Record<string, unknown>]>([
    ["no secret", { APP_SECRET: undefined }],
    ["a short secret", { APP_SECRET: "short" }],
    ["no Daraja", { DARAJA_BASE_URL: undefined }],
    ["production without ROUTING", { ...production, ROUTING: undefined }],
    ["production over http", { ...production, PUBLIC_BASE_URL: "http://api.duka.co.ke" }],
    [
      "Daraja over http",
      { ...production, ENVIRONMENT: "sandbox", DARAJA_BASE_URL: "http://daraja.duka.co.ke" },
    ],
    [
      "an egress proxy over http",
      {
        ...production,
        DARAJA_BASE_URL: "http://egress.duka.co.ke",
        DARAJA_EGRESS_HOST: "egress.duka.co.ke",
      },
    ],
    ["an SMS gateway over http", { ...production, SMS_BASE_URL: "http://api.africastalking.com" }],
    ["an email service over http", { ...production, EMAIL_BASE_URL: "http://api.resend.com" }],
    ["production with another Daraja", { ...production, DARAJA_BASE_URL: "https://daraja.evil.co.ke" }],
    [
      "production with Safaricom's sandbox",
      { ...production, DARAJA_BASE_URL: "https://sandbox.safaricom.co.ke" },
    ],
    ["production on localhost", { ...production, PUBLIC_BASE_URL: "http://localhost:8787" }],
    ["production on a loopback address", { ...production, PUBLIC_BASE_URL: "http://127.0.0.1" }],
    ["a public URL without ENVIRONMENT", { ...production, ENVIRONMENT: undefined }],
    ["LIMITS that are no JSON", { LIMITS: "many" }],
    ["LIMITS of an unknown name", { LIMITS: '{"key_hour":1}' }],
    ["half an initiator", { DARAJA_INITIATOR: "smartpay" }],
    ["half an SMS gateway", { SMS_API_KEY: undefined }],
  ])("with %s serve nobody, and tell nobody which", async (_, settings) => {
    const answer = await ping(settings);
    expect([answer.status, answer.body.error_code]).toEqual([500, "INTERNAL_ERROR"]);
    expect(JSON.stringify(answer.body)).not.toMatch(/APP_SECRET|ROUTING|DARAJA|LIMITS|ENVIRONMENT/);
  });

  it.each<[string, Record<string, unknown>]>([
    ["Safaricom's live M-Pesa", production],
    [
      "an egress proxy of the operator's",
      {
        ...production,
        DARAJA_BASE_URL: "https://egress.duka.co.ke",
        DARAJA_EGRESS_HOST: "egress.duka.co.ke",
      },
    ],
    [
      "Safaricom's sandbox in a sandbox",
      { ...production, ENVIRONMENT: "sandbox", DARAJA_BASE_URL: "https://sandbox.safaricom.co.ke" },
    ],
  ])("serve with %s", async (_, settings) => {
    expect((await ping(settings)).body.environment).toBe(settings.ENVIRONMENT);
  });

  it("serve where the date of a password is all that is left of an initiator", async () => {
    expect((await ping({ DARAJA_INITIATOR_PASSWORD_SET_ON: "2026-09-01" })).status).toBe(200);
  });

  it("are refused with every name at once, and none of their values", () => {
    const settings = {
      ...env,
      ...production,
      APP_SECRET: "short-and-secret",
      ROUTING: undefined,
      DARAJA_PASSKEY: undefined,
      DARAJA_INITIATOR_PASSWORD: "Safaricom999!*!",
      SMS_USERNAME: undefined,
      EMAIL_API_KEY: undefined,
    };
    const faults = (() => {
      try {
        readConfig(settings);
        return [];
      } catch (error) {
        return error instanceof ConfigError ? error.faults : [];
      }
    })();
    expect(faults.map((fault) => fault.split(":")[0])).toEqual([
      "APP_SECRET",
      "DARAJA_CERTIFICATE",
      "DARAJA_INITIATOR",
      "DARAJA_PASSKEY",
      "EMAIL_API_KEY",
      "ROUTING",
      "SMS_USERNAME",
    ]);
    expect(faults.join()).not.toMatch(/short-and-secret|Safaricom999/);
  });

  it("do not let LIMITS count outside local", async () => {
    const { key } = await newMerchant();
    const env = { ...production, ENVIRONMENT: "sandbox", LIMITS: '{"key_minute":1}' };
    expect((await request("/v1/transactions/x", { key, env })).headers.get("X-RateLimit-Remaining")).toBe(
      "59",
    );
  });
});

it("has every code of the text, with its status", () => {
  const table = {
    MISSING_AUTH: 401,
    INVALID_API_KEY: 401,
    KEY_SUSPENDED: 403,
    KEY_INACTIVE: 403,
    LIMIT_REACHED: 403,
    MISSING_FIELDS: 400,
    INVALID_PHONE: 400,
    INVALID_AMOUNT: 400,
    DUPLICATE_NAME: 409,
    CANNOT_DELETE_DEFAULT: 400,
    IP_RATE_LIMIT: 429,
    RATE_LIMIT_MINUTE: 429,
    RATE_LIMIT_DAY: 429,
    PHONE_RATE_LIMIT: 429,
    FRAUD_BLOCK_FAILURE_RATE: 403,
    FRAUD_BLOCK_PHONE_DIVERSITY: 403,
    FRAUD_BLOCK_BURST: 429,
    FRAUD_BLOCK_CANCEL_RATE: 403,
    PAYMENT_FAILURE: 500,
    NOT_FOUND: 404,
    INVALID_JSON: 400,
    INVALID_FIELD: 400,
    PAYLOAD_TOO_LARGE: 413,
    INVALID_DESTINATION: 400,
    INVALID_CALLBACK_URL: 400,
    TOO_MANY_KEYS: 409,
    IDEMPOTENCY_KEY_REUSED: 422,
    IDEMPOTENCY_IN_PROGRESS: 409,
    INSUFFICIENT_SMS_CREDITS: 402,
    INSUFFICIENT_BALANCE: 402,
    FORBIDDEN_SCOPE: 403,
    INTERNAL_ERROR: 500,
    SERVICE_UNAVAILABLE: 503,
  };
  expect(
    Object.fromEntries(Object.entries(ERRORS).map(([code, { status }]) => [code, status])),
  ).toMatchObject(table);
});
