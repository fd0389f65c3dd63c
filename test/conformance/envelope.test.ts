import { beforeAll, expect, it } from "vitest";
import { call, get, type Key, newKey, post } from "./support/gateway.ts";
import { target } from "./support/target.ts";

/** Without a plan: nothing that should be refused, and is not, could reach a phone. */
let bare: Key;
beforeAll(async () => {
  bare = await newKey();
});

const UNKNOWN_KEY = "0123456789abcdef".repeat(4);

it("ping answers pong without authentication", async () => {
  const { status, body } = await call("GET", "/v1/ping");
  expect([status, body]).toMatchObject([200, { success: true, message: "pong" }]);
});

it("ping names the environment", async () => {
  expect(["local", "sandbox", "production"]).toContain((await call("GET", "/v1/ping")).body.environment);
});

it("a key is a Bearer token in Authorization", async () => {
  expect((await get("/v1/account", target.key)).body.success).toBe(true);
});

it("X-API-Key is read everywhere, and has to agree with Authorization", async () => {
  const headers = { "X-API-Key": target.key };
  expect((await call("GET", "/v1/account", { headers })).body.success).toBe(true);
  expect((await get("/v1/account", target.key, { headers })).body.success).toBe(true);
  const other = { "X-API-Key": UNKNOWN_KEY };
  expect((await get("/v1/account", target.key, { headers: other })).body.error_code).toBe("INVALID_API_KEY");
});

it("without a key it is MISSING_AUTH", async () => {
  for (const [method, path] of [
    ["GET", "/v1/keys"],
    ["GET", "/v1/account"],
    ["GET", "/v1/transactions"],
    ["POST", "/v1/stk/push"],
    ["POST", "/v1/sms/"],
  ] as const) {
    const { status, body } = await call(method, path);
    expect([status, body.error_code]).toEqual([401, "MISSING_AUTH"]);
  }
});

it("what is no known key of 64 hex characters is INVALID_API_KEY", async () => {
  for (const key of [UNKNOWN_KEY, "abc", target.key.toUpperCase().replace(/^./, "g"), `${target.key}0`]) {
    const { status, body } = await get("/v1/account", key);
    expect([status, body.error_code]).toEqual([401, "INVALID_API_KEY"]);
  }
});

it("every answer says success, and a failure its error_code, a message and the request's id", async () => {
  expect((await get("/v1/transactions", target.key)).body.success).toBe(true);
  const { headers, body } = await get("/v1/transactions/ws_CO_0", target.key);
  expect(body).toEqual({
    success: false,
    error_code: "NOT_FOUND",
    message: expect.any(String),
    request_id: headers.get("X-Request-Id"),
  });
});

it("a failure of fields names them", async () => {
  const { body } = await post("/v1/stk/push", bare.key, { phone: "123", amount: 0 });
  expect(body.errors).toEqual([
    { field: "phone", message: expect.any(String) },
    { field: "amount", message: expect.any(String) },
  ]);
});

it("every answer has an X-Request-Id of its own, and is JSON", async () => {
  const answers = [
    await call("GET", "/v1/ping"),
    await call("GET", "/v1/ping"),
    await call("GET", "/v1/keys"),
  ];
  expect(new Set(answers.map(({ headers }) => headers.get("X-Request-Id"))).size).toBe(3);
  for (const { headers } of answers) expect(headers.get("Content-Type")).toMatch(/^application\/json/);
});

it("whoever accepts a problem document gets one", async () => {
  const { status, headers, body } = await call("GET", "/v1/keys", {
    headers: { Accept: "application/problem+json" },
  });
  expect(headers.get("Content-Type")).toMatch(/^application\/problem\+json/);
  expect(body).toMatchObject({
    success: false,
    error_code: "MISSING_AUTH",
    status,
    title: expect.any(String),
  });
  for (const member of ["type", "detail", "instance"]) expect(body).toHaveProperty(member);
});

it("a slash at the end changes nothing", async () => {
  for (const path of ["/v1/ping", "/v1/account", "/v1/sms/balance"]) {
    const [plain, slashed] = [await get(path, target.key), await get(`${path}/`, target.key)];
    expect([slashed.status, slashed.body.success]).toEqual([plain.status, true]);
  }
});

it("HEAD has no body, and any origin may call", async () => {
  const head = await call("HEAD", "/v1/ping");
  expect([head.status, head.body]).toEqual([200, ""]);
  const preflight = await call("OPTIONS", "/v1/stk/push", {
    headers: { Origin: "https://shop.example", "Access-Control-Request-Method": "POST" },
  });
  expect(preflight.status).toBeLessThan(300);
  expect(preflight.headers.get("Access-Control-Allow-Origin")).toBe("*");
});

it("an unknown path or method is NOT_FOUND", async () => {
  for (const [method, path] of [
    ["GET", "/v1/nothing"],
    ["GET", "/v1/stk/push"],
    ["DELETE", "/v1/account"],
    ["GET", "/v1/keys/999999999/destination/x"],
  ] as const) {
    const { status, body } = await call(method, path, { key: target.key });
    expect([status, body.error_code]).toEqual([404, "NOT_FOUND"]);
  }
});

it("a body that is no JSON object sent as JSON is INVALID_JSON", async () => {
  for (const body of ["", "no json", "[]", "null", '"text"', '{"phone":']) {
    const answer = await post("/v1/stk/push", bare.key, body);
    expect([answer.status, answer.body.error_code]).toEqual([400, "INVALID_JSON"]);
  }
  const form = { "Content-Type": "application/x-www-form-urlencoded" };
  const answer = await post("/v1/stk/push", bare.key, '{"phone":"0712345678","amount":1}', {
    headers: form,
  });
  expect([answer.status, answer.body.error_code]).toEqual([400, "INVALID_JSON"]);
});

it("a body over 64 KB is PAYLOAD_TOO_LARGE", async () => {
  const answer = await post("/v1/stk/push", bare.key, { description: "x".repeat(65 * 1024) });
  expect([answer.status, answer.body.error_code]).toEqual([413, "PAYLOAD_TOO_LARGE"]);
});

it("times are East Africa Time", async () => {
  const { id, key } = await newKey();
  const { created_at } = (await get(`/v1/keys/${id}`, key)).body.account;
  expect(created_at).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  const age = Date.now() - Date.parse(`${created_at.replace(" ", "T")}+03:00`);
  expect(Math.abs(age)).toBeLessThan(120_000);
});

it("authentication is checked before the body, and the scope before its fields", async () => {
  expect((await call("POST", "/v1/keys", { body: {} })).body.error_code).toBe("MISSING_AUTH");
  const { key } = await newKey("payments");
  expect((await post("/v1/keys", key, {})).body.error_code).toBe("FORBIDDEN_SCOPE");
});
