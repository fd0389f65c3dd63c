import { env } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  callBack,
  failed,
  newMerchant,
  newPhone,
  paid,
  type RequestOptions,
  request,
  rows,
  tick,
} from "../support/gateway.ts";
import { lossyDatabase } from "../support/lossy.ts";
import { broken, freshNetwork, html, type Network } from "../support/network.ts";
import { b2cPaid, collect, consume, lastPaymentRequest, PAYING } from "../support/payouts.ts";
import { signUp, Visitor, verifyPhone } from "../support/visitor.ts";

let network: Network;
let merchant: Awaited<ReturnType<typeof newMerchant>>;
beforeAll(async () => {
  freshNetwork();
  merchant = await newMerchant();
});
beforeEach(() => {
  network = freshNetwork();
});

const SETTINGS = { ...PAYING, ROUTING: "direct" as const };
const ask = (path: string, options: RequestOptions = {}) => request(path, { env: SETTINGS, ...options });
const told = async (path: string, options: RequestOptions) => {
  const { status, body } = await ask(path, options);
  return [status, body.error_code ?? "OK"];
};

describe("a method", () => {
  const NOT_FOUND = [404, "NOT_FOUND"];

  it.each(["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])(
    "is not changed by a header: %s",
    async (name) => {
      const made = await ask("/v1/keys", { key: merchant.key, body: { name: `Shop ${name}` } });
      const path = `/v1/keys/${made.body.account.id}`;
      const headers = { [name]: "DELETE" };
      expect((await ask(path, { key: merchant.key, headers })).status).toBe(200);
      expect(await told(`${path}?_method=DELETE`, { key: merchant.key, method: "POST", headers })).toEqual(
        NOT_FOUND,
      );
      expect((await ask(path, { key: merchant.key })).status).toBe(200);
    },
  );

  it.each(["PATCH", "PURGE", "PROPFIND", "get"])("that is unknown is not found: %s", async (method) => {
    // The standard writes the usual ones in capitals.
    const expected = method === "get" ? 200 : 404;
    expect((await ask("/v1/account", { key: merchant.key, method })).status).toBe(expected);
    expect((await ask("/v1/stk/push", { key: merchant.key, method })).status).toBe(404);
  });

  it("TRACE reflects nothing", async () => {
    const headers = { Cookie: "session=secret" };
    const traced = await ask("/v1/account", { key: merchant.key, method: "TRACE", headers }).catch(
      () => undefined,
    );
    expect(traced?.status ?? 404).toBe(404);
    expect(JSON.stringify(traced?.body ?? "")).not.toContain("secret");
  });

  it("HEAD asks for authentication as GET does, and begins nothing where there is only POST", async () => {
    expect((await ask("/v1/account", { method: "HEAD" })).status).toBe(401);
    const seen = await ask("/v1/account", { key: merchant.key, method: "HEAD" });
    expect([seen.status, seen.body]).toEqual([200, ""]);
    expect((await ask("/v1/stk/push", { key: merchant.key, method: "HEAD" })).status).toBe(404);
    expect(network.pushes).toEqual([]);
  });

  it("OPTIONS begins nothing, and tells browsers that no cookie counts", async () => {
    const headers = { Origin: "https://evil.example", "Access-Control-Request-Method": "DELETE" };
    const { status, headers: told } = await ask(`/v1/keys/${merchant.keyId}`, { method: "OPTIONS", headers });
    expect([status, told.get("Access-Control-Allow-Origin")]).toEqual([204, "*"]);
    expect(told.get("Access-Control-Allow-Credentials")).toBeNull();
    for (const path of ["/operator/v1/ledger/verify", "/dashboard/api", "/cb/sms/x"]) {
      const answer = await ask(path, { method: "OPTIONS", headers });
      expect(answer.headers.get("Access-Control-Allow-Origin"), path).toBeNull();
    }
  });
});

describe("a key", () => {
  it.each(["api_key", "apikey", "key", "access_token", "token", "Authorization"])(
    "in the query is none: ?%s",
    async (name) => {
      expect(await told(`/v1/account?${name}=${merchant.key}`, {})).toEqual([401, "MISSING_AUTH"]);
    },
  );

  const other = "0".repeat(64);
  it.each<[string, (key: string) => string]>([
    ["twice", (key) => `Bearer ${key}, Bearer ${key}`],
    ["before another", (key) => `Bearer ${key}, Bearer ${other}`],
    ["behind another", (key) => `Bearer ${other}, Bearer ${key}`],
    ["in capitals", (key) => `Bearer ${key.toUpperCase()}`],
    ["as Basic", (key) => `Basic ${btoa(`${key}:`)}`],
    ["without a scheme", (key) => key],
    ["with more behind it", (key) => `Bearer ${key} x`],
    ["in quotes", (key) => `Bearer "${key}"`],
    ["one character longer", (key) => `Bearer ${key}0`],
    ["one character shorter", (key) => `Bearer ${key.slice(1)}`],
  ])("in Authorization is none: %s", async (_, write) => {
    const headers = { Authorization: write(merchant.key) };
    expect(await told("/v1/account", { headers })).toEqual([401, "INVALID_API_KEY"]);
  });

  it("that two headers name differently is none, whichever is right", async () => {
    for (const [Authorization, xApiKey] of [
      [`Bearer ${merchant.key}`, other],
      [`Bearer ${other}`, merchant.key],
      [other, merchant.key],
      ["Bearer", merchant.key],
      [`Bearer ${merchant.key} x`, merchant.key],
      [`Basic x, Bearer ${other}`, merchant.key],
      ["Basic x", other],
      ["Basic x", ""],
      [`Bearer ${merchant.key}`, ""],
      [`Bearer ${merchant.key}`, `${merchant.key}, ${merchant.key}`],
    ]) {
      const headers = { Authorization: Authorization ?? "", "X-API-Key": xApiKey ?? "" };
      expect(await told("/v1/account", { headers })).toEqual([401, "INVALID_API_KEY"]);
    }
  });

  it("opens no page, and a session opens no API", async () => {
    const visitor = new Visitor();
    const page = await visitor.get("/dashboard", {
      Authorization: `Bearer ${merchant.key}`,
      "X-API-Key": merchant.key,
    });
    expect(page.location).toMatch(/^\/login/);
    const person = await signUp();
    const Cookie = [...person.visitor.cookies].map((pair) => pair.join("=")).join("; ");
    expect(await told("/v1/account", { headers: { Cookie } })).toEqual([401, "MISSING_AUTH"]);
    expect(await told("/operator/v1/ledger/verify", { headers: { Cookie } })).toEqual([401, "MISSING_AUTH"]);
  });
});

describe("a header of a proxy's", () => {
  const PROXIED = {
    "X-Original-URL": "/operator/v1/ledger/verify",
    "X-Rewrite-URL": "/operator/v1/ledger/verify",
    "X-Forwarded-Prefix": "/operator",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Server": "evil.example",
    Forwarded: "for=127.0.0.1;host=evil.example;proto=http",
    Host: "evil.example",
  };

  it("routes nothing elsewhere", async () => {
    expect((await ask("/v1/ping", { headers: PROXIED })).body.message).toBe("pong");
    expect(await told("/operator/v1/ledger/verify", { headers: PROXIED })).toEqual([401, "MISSING_AUTH"]);
  });

  it("is in no URL that we hand out: callbacks, mails, redirects, documents", async () => {
    await ask("/v1/stk/push", {
      key: merchant.key,
      headers: PROXIED,
      body: { phone: newPhone(), amount: 1 },
    });
    expect(network.pushes[0]?.CallBackURL).toMatch(/^http:\/\/localhost:8787\/cb\/stk\//);
    const person = await signUp();
    await person.visitor.submit("/forgot-password", { email: person.email }, PROXIED);
    expect(network.to("email.test").at(-1)?.text).toContain("http://localhost:8787/reset-password?token=");
    const { headers } = await ask("/dashboard", { headers: PROXIED });
    expect(headers.get("Location")).toMatch(/^\/login/);
    expect(JSON.stringify((await ask("/openapi.json", { headers: PROXIED })).body)).not.toContain(
      "evil.example",
    );
    expect(JSON.stringify(network.sent)).not.toContain("evil.example");
  });

  it("does not make a form of another site's ours", async () => {
    const person = await signUp();
    const headers = {
      Origin: "https://evil.example",
      "X-Forwarded-Host": "evil.example",
      Host: "evil.example",
    };
    expect((await person.visitor.submit("/dashboard/api", { name: "x" }, headers)).status).toBe(403);
  });
});

describe("the IP limit", () => {
  const asked: string[] = [];
  const IP_LIMIT = {
    limit: async ({ key }: { key: string }) => {
      asked.push(key);
      return { success: true };
    },
  };
  const countedAs = async (headers: Record<string, string>, path = "/v1/ping") => {
    asked.length = 0;
    await ask(path, { headers, env: { IP_LIMIT } });
    return asked.join();
  };

  it.each([
    "X-Forwarded-For",
    "True-Client-IP",
    "X-Real-IP",
    "X-Client-IP",
    "Forwarded",
    "Client-IP",
    "CF-Connecting-IPv6",
    "CF-Pseudo-IPv4",
  ])("counts by Cloudflare's own header alone: %s changes nothing", async (name) => {
    const own = { "CF-Connecting-IP": "41.90.0.1" };
    for (const path of ["/v1/ping", "/login"]) {
      const plain = await countedAs(own, path);
      expect(plain).toContain("41.90.0.1");
      expect(await countedAs({ ...own, [name]: "10.0.0.1" }, path)).toBe(plain);
    }
  });

  it("counts every spelling of a network as one", async () => {
    const spellings = [
      "2c0f:fe38:1:2::1",
      "2C0F:FE38:1:2::1",
      "2c0f:fe38:0001:0002:0:0:0:1",
      "2c0f:fe38:1:2:ffff::",
      " 2c0f:fe38:1:2::9 ",
    ];
    const counted = await Promise.all(spellings.map((ip) => countedAs({ "CF-Connecting-IP": ip })));
    expect(new Set(await sequence(spellings)).size).toBe(1);
    expect(counted.length).toBe(spellings.length);
  });

  async function sequence(ips: string[]) {
    const keys: string[] = [];
    for (const ip of ips) keys.push(await countedAs({ "CF-Connecting-IP": ip }));
    return keys;
  }

  it("is asked on every path but callbacks and what people read", async () => {
    for (const path of [
      "/v1/ping",
      "/v1//ping",
      "/V1/ping",
      "/operator/v1/ledger/verify",
      "/nothing",
      "/login",
      "/dashboard",
    ]) {
      expect(await countedAs({ "CF-Connecting-IP": "41.90.0.1" }, path), path).toContain("41.90.0.1");
    }
  });
});

describe("secrets", () => {
  const sources = Object.entries(
    import.meta.glob<string>("../../src/**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true }),
  );
  /** A value that lets somebody in, or proves who sent something. */
  const SECRET = /(?:token|secret|signature|password|passkey|apiKey|codeHash|otp|hmac|mark|digest)\w*$/i;
  const COMPARED = /([\w.?()]+)\s*[!=]==?\s*([\w.?()"'`]+)/g;
  /** Comparisons that tell nobody anything, each with its reason. */
  const HARMLESS = [
    // Whether there is one, and of what type.
    /[!=]== "string"|=== undefined|!== undefined|=== null|!== null|=== ""|!== ""/,
    // Two headers of one request, both written by whoever sent it.
    /bearer !== xApiKey/,
    // The token that M-Pesa has just refused: our own, and no way in.
    /stored\.value !== refused/,
  ];

  it("are compared in constant time alone", () => {
    const found = sources.flatMap(([path, text]) =>
      text
        .split("\n")
        .filter((line) => !/^\s*(?:\/\/|\*|\/\*)/.test(line))
        .flatMap((line) =>
          [...line.matchAll(COMPARED)]
            .filter(([all, left = "", right = ""]) => {
              const isSecret = SECRET.test(left) || SECRET.test(right);
              return isSecret && !HARMLESS.some((harmless) => harmless.test(all));
            })
            .map(([all]) => `${path}: ${all}`),
        ),
    );
    expect(found).toEqual([]);
  });

  it("are compared where they come in", () => {
    const comparing = sources
      .filter(([, text]) => /equalSecrets\(|timingSafeEqual\(/.test(text))
      .map(([path]) => path);
    for (const place of [
      "lib/callback-token.ts",
      "operator/token.ts",
      "account/verify-phone.ts",
      "users/password.ts",
      "personal-data/erase.ts",
    ]) {
      expect(
        comparing.some((path) => path.endsWith(place)),
        place,
      ).toBe(true);
    }
  });
});

describe("the log of a whole day", () => {
  it("has no key, no secret, no token and no whole phone number, also where everything fails", async () => {
    const lines: string[] = [];
    /** A working network again, with the log listened to. */
    const listen = () => {
      network = freshNetwork();
      for (const level of ["log", "error", "warn", "info", "debug"] as const) {
        vi.spyOn(console, level).mockImplementation((...said) => void lines.push(said.map(String).join(" ")));
      }
    };
    listen();
    const person = await signUp();
    await verifyPhone(network, person);
    const { key, keyId, merchantId } = person;
    const owner = { account: `SP${merchantId}`, merchantId, keyId, key };
    await rows("UPDATE wallets SET sms_credits = 100 WHERE merchant_id = ?", merchantId);
    await rows(
      "UPDATE api_keys SET notify_phone = ?, notify_email = 'a@b.co' WHERE id = ?",
      person.phone,
      keyId,
    );
    const secrets = [key];

    const made = await ask("/v1/keys", { key, body: { name: "Second" } });
    const again = await ask(`/v1/keys/${made.body.account.id}/regenerate`, { key, method: "POST" });
    const hook = await ask(`/v1/keys/${keyId}/webhook-secret`, { key, method: "POST" });
    secrets.push(made.body.account.api_key, again.body.account.api_key, hook.body.webhook_secret);
    await ask(`/v1/keys/${keyId}/destination`, {
      key,
      method: "PUT",
      body: { method: "phone", phone: person.phone, callbackurl: "http://localhost:3000/told" },
    });

    const outcomes: (() => void)[] = [
      () => undefined,
      () => (network.push = html(503)),
      () => (network.push = broken("TimeoutError")),
      () =>
        (network.push = () =>
          Response.json(
            { errorCode: "400.002.02", errorMessage: `Bad 254712345678 ${key}` },
            { status: 400 },
          )),
      () => (network.merchant = broken("NetworkError")),
    ];
    for (const prepare of outcomes) {
      listen();
      prepare();
      const phone = newPhone();
      const { body } = await ask("/v1/stk/push", { key, body: { phone, amount: 150 } });
      const url = network.pushes.at(-1)?.CallBackURL ?? "http://localhost:8787/cb/stk/x";
      secrets.push(new URL(url).pathname.split("/").at(-1) ?? "none");
      await callBack(url, failed(body, 1032, `Cancelled by 254712345678 ${key}`), SETTINGS);
      await callBack(url, paid(body, { phone }), {
        ...SETTINGS,
        DB: lossyDatabase(/"transactions"/, { times: 9 }),
      });
      await callBack(url, `not JSON 0712345678 ${key}`, SETTINGS);
      await callBack(url.replace(/.$/, "x"), paid(body, { phone }), SETTINGS);
      await tick(SETTINGS);
    }
    listen();
    const id = (await collect(network, owner, 150, {})).replace("tx_", "po_");
    network.b2c = html(503);
    await consume([{ merchant: owner, id, target: person.phone }]);
    await callBack(lastPaymentRequest(network).ResultURL ?? "http://localhost:8787/x", b2cPaid(), SETTINGS);
    network.sms = broken("TimeoutError");
    await ask("/v1/sms", { key, body: { phone: person.phone, message: `Your key is ${key}` } });
    await person.visitor.submit("/login", { email: person.email, password: "wrong password 0712345678" });
    await person.visitor.submit("/forgot-password", { email: person.email });
    for (const before of [true, false]) {
      const DB = lossyDatabase(/./, { times: 1_000, before });
      await ask("/v1/stk/push", { key, body: { phone: person.phone, amount: 1 }, env: { DB } });
      await ask(`/v1/transactions?phone=${person.phone}`, { key, env: { DB } });
      await tick({ ...SETTINGS, DB });
    }

    const log = lines.join("\n");
    expect(log.length).toBeGreaterThan(2_000);
    expect(log).toContain("fault");
    for (const secret of [
      ...secrets,
      env.APP_SECRET,
      env.OPERATOR_TOKEN,
      "consumer-secret",
      "passkey",
      "ugali na sukuma",
    ]) {
      expect(log.includes(secret), secret.slice(0, 6)).toBe(false);
    }
    expect(log).not.toMatch(/[0-9a-f]{64}/i);
    expect(log).not.toMatch(/(?:254|\b0)[17]\d{8}/);
    expect(log).not.toContain(person.email);
  });
});
