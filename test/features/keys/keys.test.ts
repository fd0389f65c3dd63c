import { createExecutionContext, env, waitOnExecutionContext } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  type Answer,
  callBack,
  fetchAnswer,
  type Merchant,
  newMerchant,
  newPhone,
  paid,
  push,
  request,
  rows,
  setKey,
  tick,
} from "../../support/gateway.ts";
import { freshNetwork, type Network } from "../../support/network.ts";
import { plansOf, SCAN_OR_SORT } from "../../support/plans.ts";

let network: Network;
beforeEach(() => {
  network = freshNetwork();
});

/** For tests that make more than sixty calls a minute. */
const roomy = { LIMITS: '{"key_minute":1000}' };
const times = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));
const code = (answer: Answer) => [answer.status, answer.body.error_code];

const create = (key: string, body: unknown) => request("/v1/keys", { key, body });
const list = async (key: string) => (await request("/v1/keys", { key })).body.accounts;
const read = (key: string, id: number | string) => request(`/v1/keys/${id}`, { key });
const remove = (key: string, id: number | string) => request(`/v1/keys/${id}`, { key, method: "DELETE" });
const post = (key: string, id: number | string, verb: string) =>
  request(`/v1/keys/${id}/${verb}`, { key, method: "POST" });
const put = (key: string, id: number | string, what: string, body: unknown) =>
  request(`/v1/keys/${id}/${what}`, { key, method: "PUT", body });

/** Another key of the merchant, by the API. */
async function newKey(merchant: Merchant, body: object = {}): Promise<Merchant> {
  const { account } = (await create(merchant.key, { name: crypto.randomUUID(), ...body })).body;
  return { ...merchant, keyId: account.id, key: account.api_key };
}

const storedKeys = ({ merchantId }: Merchant) =>
  rows("SELECT * FROM api_keys WHERE merchant_id = ? ORDER BY id", merchantId);

type Notice = { id: string; recipient: string; subject: string; body: string; channel: string };
const notices = ({ merchantId }: Merchant) =>
  rows<Notice>("SELECT * FROM notices WHERE merchant_id = ? ORDER BY created_at, id", merchantId);

describe("the list of keys", () => {
  it("has the text's form, in the text's order", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2027-06-01T06:00:00Z") });
    const merchant = await newMerchant();
    await put(merchant.key, merchant.keyId, "destination", {
      method: "paybill",
      paybill_number: "123456",
      account_number: "ACC001",
      callbackurl: "http://localhost:9/callback",
    });
    await put(merchant.key, merchant.keyId, "notifications", { notify_email: "pay@myapp.com" });
    const { body } = await request("/v1/keys", { key: merchant.key });
    expect(JSON.stringify(body)).toBe(
      JSON.stringify({
        success: true,
        accounts: [
          {
            id: merchant.keyId,
            name: "Default Account",
            is_default: true,
            active: true,
            limit: 5000,
            fraud_suspended: false,
            destination: { method: "paybill", paybill_number: "123456", account_number: "ACC001" },
            callbackurl: "http://localhost:9/callback",
            notify_email: "pay@myapp.com",
            notify_phone: "",
            created_at: "2027-06-01 09:00:00",
            last_used_at: "2027-06-01 09:00:00",
          },
        ],
        count: 1,
      }),
    );
  });

  it("is of the merchant's living keys alone, oldest first, and shows no key", async () => {
    const [merchant, other] = [await newMerchant(), await newMerchant()];
    const [first, second] = [await newKey(merchant), await newKey(merchant)];
    await newKey(other);
    await remove(merchant.key, first.keyId);
    const answer = await request("/v1/keys", { key: merchant.key });
    const ids = answer.body.accounts.map(({ id }: { id: number }) => id);
    expect(ids).toEqual([merchant.keyId, second.keyId]);
    expect(answer.body.count).toBe(2);
    expect(JSON.stringify(answer.body)).not.toMatch(/[0-9a-f]{64}|whsec_/);
  });

  it.each([
    ["an unexpired subscription", "calls_left = 7, expires_at = 9e15", { active: true, limit: 7 }],
    ["no calls left", "calls_left = 0, expires_at = 9e15", { active: true, limit: 0 }],
    ["an expired one", "calls_left = 7, expires_at = 1", { active: false, limit: 0 }],
    ["none", "calls_left = 0, expires_at = NULL", { active: false, limit: 0 }],
    ["a suspension", "suspended_at = 1", { active: true, limit: 5_000, fraud_suspended: true }],
  ])("tells %s", async (_, state, shown) => {
    const merchant = await newMerchant();
    await setKey(merchant, state);
    expect((await list(merchant.key))[0]).toMatchObject(shown);
  });

  it("answers with a slash at its end too", async () => {
    const { key } = await newMerchant();
    expect((await request("/v1/keys/", { key })).body.count).toBe(1);
  });
});

describe("creating a key", () => {
  it("answers 201 in the text's form, and the key works at once", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2027-06-03T12:00:00Z") });
    const { key, keyId } = await newMerchant();
    const answer = await create(key, { name: "Production App" });
    expect(answer.status).toBe(201);
    const { id, api_key } = answer.body.account;
    expect(JSON.stringify(answer.body)).toBe(
      JSON.stringify({
        success: true,
        message: "API account created successfully.",
        account: {
          id,
          name: "Production App",
          is_default: false,
          active: false,
          limit: 0,
          api_key,
          destination: { method: "wallet" },
          callbackurl: "",
          created_at: "2027-06-03 15:00:00",
        },
      }),
    );
    expect(id).toBeGreaterThan(keyId);
    expect(api_key).toMatch(/^[0-9a-f]{64}$/);
    expect((await list(api_key)).map((k: { name: string }) => k.name)).toContain("Production App");
    expect(code(await push(api_key))).toEqual([403, "KEY_INACTIVE"]);
  });

  it("stores nothing of the key but its hash and its ends", async () => {
    const merchant = await newMerchant();
    const { key } = await newKey(merchant);
    const stored = JSON.stringify(await storedKeys(merchant));
    expect(stored).not.toContain(key);
    expect(stored).toContain(`${key.slice(0, 4)}…${key.slice(-4)}`);
  });

  it("trims the name, and counts its 80 characters as code points", async () => {
    const { key } = await newMerchant();
    expect((await create(key, { name: "  Shop  " })).body.account.name).toBe("Shop");
    const long = "🛒".repeat(80);
    expect((await create(key, { name: ` ${long} ` })).body.account.name).toBe(long);
    expect((await create(key, { name: "'; DROP TABLE api_keys; --" })).status).toBe(201);
  });

  it.each(["Shop", "sHOP", "  shop "])(
    "refuses the name %j beside a Shop, until that is deleted",
    async (name) => {
      const merchant = await newMerchant();
      const shop = await newKey(merchant, { name: "Shop" });
      const refused = await create(merchant.key, { name });
      expect(code(refused)).toEqual([409, "DUPLICATE_NAME"]);
      expect(refused.body.errors).toEqual([{ field: "name", message: expect.any(String) }]);
      expect(await storedKeys(merchant)).toHaveLength(2);
      await remove(merchant.key, shop.keyId);
      expect((await create(merchant.key, { name })).status).toBe(201);
    },
  );

  it("folds letters beyond ASCII, however they are composed", async () => {
    const { key } = await newMerchant();
    expect((await create(key, { name: "CAFÉ" })).status).toBe(201);
    expect(code(await create(key, { name: "cafe\u0301" }))).toEqual([409, "DUPLICATE_NAME"]);
  });

  it("lets two merchants use one name", async () => {
    const [one, two] = [await newMerchant(), await newMerchant()];
    expect((await create(one.key, { name: "Shop" })).status).toBe(201);
    expect((await create(two.key, { name: "Shop" })).status).toBe(201);
  });

  it.each([
    [{}, "MISSING_FIELDS"],
    [{ name: null }, "MISSING_FIELDS"],
    [{ name: "" }, "INVALID_FIELD"],
    [{ name: "   " }, "INVALID_FIELD"],
    [{ name: 7 }, "INVALID_FIELD"],
    [{ name: ["Shop"] }, "INVALID_FIELD"],
    [{ name: "x".repeat(81) }, "INVALID_FIELD"],
    [{ name: "a\u0000b" }, "INVALID_FIELD"],
    [{ name: "a\nb" }, "INVALID_FIELD"],
    [{ name: "\ud800" }, "INVALID_FIELD"],
    [{ name: "Shop", scope: "admin" }, "INVALID_FIELD"],
    [{ name: "Shop", scope: 1 }, "INVALID_FIELD"],
    ['"Shop"', "INVALID_JSON"],
    ["[]", "INVALID_JSON"],
    ["{", "INVALID_JSON"],
    ["", "INVALID_JSON"],
    [JSON.stringify({ name: "x".repeat(70_000) }), "PAYLOAD_TOO_LARGE"],
  ])("refuses %j with %s, and makes none", async (body, expected) => {
    const merchant = await newMerchant();
    const answer = await create(merchant.key, body);
    expect(answer.body.error_code).toBe(expected);
    expect(answer.status).toBe(expected === "PAYLOAD_TOO_LARGE" ? 413 : 400);
    expect(await storedKeys(merchant)).toHaveLength(1);
  });

  it.each([
    ["\ud800", "name: must not contain half of a surrogate pair (\\ud800 to \\udfff)"],
    ["a\nb", "name: must not contain control characters"],
  ])("says what is wrong with the name %j", async (name, message) => {
    const { key } = await newMerchant();
    expect((await create(key, { name })).body.message).toBe(message);
  });

  it("makes exactly one hundred, however many ask at once, each with an id and a key of its own", async () => {
    const merchant = await newMerchant();
    const ask = (i: number) =>
      request("/v1/keys", { key: merchant.key, body: { name: `Shop ${i}` }, env: roomy });
    const answers = await Promise.all(times(120, ask));
    const made = answers.filter(({ status }) => status === 201);
    expect(made).toHaveLength(99);
    const refused = answers.filter(({ status }) => status !== 201).map(code);
    expect(refused).toEqual(times(21, () => [409, "TOO_MANY_KEYS"]));
    expect(new Set(made.map(({ body }) => body.account.id)).size).toBe(99);
    expect(new Set(made.map(({ body }) => body.account.api_key)).size).toBe(99);

    const victim = made[0]?.body.account.id;
    await request(`/v1/keys/${victim}`, { key: merchant.key, method: "DELETE", env: roomy });
    const again = await Promise.all([ask(200), ask(201), ask(202)]);
    expect(again.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
  });

  it("makes one of many that ask for one name at once", async () => {
    const merchant = await newMerchant();
    const answers = await Promise.all(times(10, () => create(merchant.key, { name: "Shop" })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...times(9, () => 409)]);
    expect(await storedKeys(merchant)).toHaveLength(2);
  });

  it("loses no key whose write was carried out but not heard of", async () => {
    const { key } = await newMerchant();
    const answer = await request("/v1/keys", { key, body: { name: "Shop" }, env: { DB: forgetful() } });
    expect(answer.status).toBe(201);
    expect((await list(answer.body.account.api_key)).length).toBe(2);
  });
});

/** The real database, whose first batch is carried out and then reported as lost. */
function forgetful(): D1Database {
  let isLost = false;
  return new Proxy(env.DB, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (name !== "batch") return typeof value === "function" ? value.bind(target) : value;
      return async (statements: D1PreparedStatement[]) => {
        const answer = await target.batch(statements);
        if (isLost) return answer;
        isLost = true;
        throw new Error("D1_ERROR: Network connection lost.");
      };
    },
  });
}

describe("reading a key", () => {
  it("adds the key's ends to the form of the list", async () => {
    const { key, keyId } = await newMerchant();
    const { body } = await read(key, keyId);
    const [listed] = await list(key);
    expect(body).toEqual({
      success: true,
      account: { ...listed, api_key_hint: `${key.slice(0, 4)}…${key.slice(-4)}` },
    });
  });

  it.each(["0", "-1", "1.5", "abc", "999999999", "99999999999999", "%00", "1%20OR%201=1"])(
    "finds no key %s",
    async (id) => {
      const { key } = await newMerchant();
      expect(code(await read(key, id))).toEqual([404, "NOT_FOUND"]);
    },
  );
});

describe("deleting a key", () => {
  it("refuses the default", async () => {
    const merchant = await newMerchant();
    await newKey(merchant);
    expect(code(await remove(merchant.key, merchant.keyId))).toEqual([400, "CANNOT_DELETE_DEFAULT"]);
    expect(await notices(merchant)).toEqual([]);
    expect((await list(merchant.key)).length).toBe(2);
  });

  it("ends the key on the very next request, and is a NOT_FOUND the second time", async () => {
    const merchant = await newMerchant();
    const other = await newKey(merchant);
    expect((await list(other.key)).length).toBe(2);
    expect((await remove(merchant.key, other.keyId)).body).toEqual({
      success: true,
      message: expect.any(String),
    });
    expect(code(await request("/v1/keys", { key: other.key }))).toEqual([401, "INVALID_API_KEY"]);
    expect(code(await push(other.key))).toEqual([401, "INVALID_API_KEY"]);
    for (const answer of [
      await remove(merchant.key, other.keyId),
      await read(merchant.key, other.keyId),
      await post(merchant.key, other.keyId, "set-default"),
      await post(merchant.key, other.keyId, "regenerate"),
      await put(merchant.key, other.keyId, "notifications", { notify_email: "" }),
      await put(merchant.key, other.keyId, "destination", { method: "wallet" }),
    ]) {
      expect(code(answer)).toEqual([404, "NOT_FOUND"]);
    }
  });

  it("leaves its transactions, and those in flight settle and are told", async () => {
    const merchant = await newMerchant();
    const other = await newKey(merchant);
    await setKey(other, "calls_left = 5, expires_at = 9e15, callback_url = 'https://duka.co.ke/cb'");
    const pushed = await push(other.key);
    await remove(merchant.key, other.keyId);
    await callBack(network.pushes[0]?.CallBackURL ?? "", paid(pushed.body));
    const { body } = await request(`/v1/transactions/${pushed.body.transaction_id}`, { key: merchant.key });
    expect(body.transaction.status).toBe("completed");
    expect(network.count("duka.co.ke")).toBe(1);
  });

  it("of the default itself stays refused while defaults change hands", async () => {
    const merchant = await newMerchant();
    const others = [await newKey(merchant), await newKey(merchant)];
    const ids = [merchant, ...others].map(({ keyId }) => keyId);
    await Promise.all([
      ...ids.map((id) => post(merchant.key, id, "set-default")),
      ...others.map(({ keyId }) => remove(merchant.key, keyId)),
    ]);
    const living = await list(merchant.key);
    expect(living.filter((k: { is_default: boolean }) => k.is_default)).toHaveLength(1);
  });
});

describe("the default", () => {
  it("moves, so that there is always one", async () => {
    const merchant = await newMerchant();
    const other = await newKey(merchant);
    const answer = await post(merchant.key, other.keyId, "set-default");
    expect(answer.body).toMatchObject({ success: true, account: { id: other.keyId, is_default: true } });
    expect((await list(merchant.key)).map((k: { is_default: boolean }) => k.is_default)).toEqual([
      false,
      true,
    ]);
    expect((await post(merchant.key, other.keyId, "set-default")).status).toBe(200);
    expect((await remove(merchant.key, merchant.keyId)).status).toBe(200);
  });

  it("stays one when many keys become it at once", async () => {
    const merchant = await newMerchant();
    const keys = [merchant, ...(await Promise.all(times(9, () => newKey(merchant))))];
    const answers = await Promise.all(
      times(40, (i) => post(merchant.key, keys[i % keys.length]?.keyId ?? 0, "set-default")),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const defaults = (await storedKeys(merchant)).filter((k) => k.is_default === 1);
    expect(defaults).toHaveLength(1);
  });

  it("stays where it is when it should move to a key that is not there", async () => {
    const merchant = await newMerchant();
    expect(code(await post(merchant.key, 999_999_999, "set-default"))).toEqual([404, "NOT_FOUND"]);
    expect((await list(merchant.key))[0].is_default).toBe(true);
  });
});

describe("regenerating a key", () => {
  it("shows the new key once; the old one is dead on the very next request", async () => {
    const merchant = await newMerchant();
    const answer = await post(merchant.key, merchant.keyId, "regenerate");
    const { api_key: key } = answer.body.account;
    expect(answer.body).toMatchObject({ success: true, account: { id: merchant.keyId, limit: 5_000 } });
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(key).not.toBe(merchant.key);
    expect(code(await request("/v1/keys", { key: merchant.key }))).toEqual([401, "INVALID_API_KEY"]);
    expect(code(await push(merchant.key))).toEqual([401, "INVALID_API_KEY"]);
    expect((await push(key)).status).toBe(200);
    expect((await read(key, merchant.keyId)).body.account.api_key_hint).toBe(
      `${key.slice(0, 4)}…${key.slice(-4)}`,
    );
  });

  it("keeps the id, the windows and the idempotency", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Math.ceil(Date.now() / 60_000) * 60_000 });
    const merchant = await newMerchant();
    const order = { phone: newPhone() };
    const headers = { "Idempotency-Key": "order-101" };
    const first = await push(merchant.key, order, headers);
    const regenerated = await post(merchant.key, merchant.keyId, "regenerate");
    const left = Number(regenerated.headers.get("X-RateLimit-Remaining"));
    const again = await push(regenerated.body.account.api_key, order, headers);
    expect(again.body.transaction_id).toBe(first.body.transaction_id);
    expect(again.headers.get("Idempotent-Replayed")).toBe("true");
    expect(Number(again.headers.get("X-RateLimit-Remaining"))).toBe(left - 1);
  });

  it("at once by many leaves one key that works", async () => {
    const merchant = await newMerchant();
    const other = await newKey(merchant);
    const answers = await Promise.all(times(5, () => post(merchant.key, other.keyId, "regenerate")));
    const keys = answers.map(({ body }) => body.account.api_key);
    const statuses = await Promise.all(keys.map((key) => request("/v1/keys", { key })));
    expect(statuses.filter(({ status }) => status === 200)).toHaveLength(1);
  });
});

describe("notifications", () => {
  it("are set one by one, kept where absent, and cleared by an empty text", async () => {
    const { key, keyId } = await newMerchant();
    const set = async (body: object) => (await put(key, keyId, "notifications", body)).body;
    expect(await set({ notify_email: "pay@myapp.com", notify_phone: "0712 345 678" })).toEqual({
      success: true,
      message: expect.any(String),
      notify_email: "pay@myapp.com",
      notify_phone: "254712345678",
    });
    expect(await set({ notify_email: "" })).toMatchObject({ notify_email: "", notify_phone: "254712345678" });
    expect(await set({ notify_phone: "", notify_email: "a@b.ke" })).toMatchObject({
      notify_email: "a@b.ke",
      notify_phone: "",
    });
  });

  it.each([
    [{}, "MISSING_FIELDS"],
    [{ notify_email: null, notify_phone: null }, "MISSING_FIELDS"],
    [{ notify_email: "not an email" }, "INVALID_FIELD"],
    [{ notify_email: "a@b.ke, c@d.ke" }, "INVALID_FIELD"],
    [{ notify_email: "a@b.ke\nBcc: c@d.ke" }, "INVALID_FIELD"],
    [{ notify_email: `${"a".repeat(250)}@b.ke` }, "INVALID_FIELD"],
    [{ notify_email: "\ud800@b.ke" }, "INVALID_FIELD"],
    [{ notify_email: 7 }, "INVALID_FIELD"],
    [{ notify_phone: "12" }, "INVALID_PHONE"],
    [{ notify_phone: "\u0000" }, "INVALID_PHONE"],
    [{ notify_phone: [] }, "INVALID_PHONE"],
    [{ notify_phone: "0712345678", notify_email: "x" }, "INVALID_FIELD"],
    ["[]", "INVALID_JSON"],
  ])("refuse %j with %s, and change nothing", async (body, expected) => {
    const merchant = await newMerchant();
    await put(merchant.key, merchant.keyId, "notifications", { notify_email: "pay@myapp.com" });
    expect(code(await put(merchant.key, merchant.keyId, "notifications", body))).toEqual([400, expected]);
    expect((await list(merchant.key))[0]).toMatchObject({ notify_email: "pay@myapp.com", notify_phone: "" });
  });
});

it("a phone for notifications that is none is told that it may be empty", async () => {
  const merchant = await newMerchant();
  const { body } = await put(merchant.key, merchant.keyId, "notifications", { notify_phone: "12" });
  expect(body.message).toMatch(/or empty/);
});

describe("the webhook secret", () => {
  const secret = (key: string, id: number) => request(`/v1/keys/${id}/webhook-secret`, { key });

  it("is shown, and rotated by a POST", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2027-06-03T12:00:00Z") });
    const { key, keyId } = await newMerchant();
    const before = await secret(key, keyId);
    expect(before.body).toEqual({
      success: true,
      webhook_secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{32}$/),
      previous_valid_until: null,
    });
    const rotated = await post(key, keyId, "webhook-secret");
    expect(rotated.body.webhook_secret).not.toBe(before.body.webhook_secret);
    expect(rotated.body.previous_valid_until).toBe("2027-06-04 15:00:00");
    expect((await secret(key, keyId)).body.webhook_secret).toBe(rotated.body.webhook_secret);
  });

  it("signs together with the one before for 24 hours, then alone", async () => {
    const merchant = await newMerchant({ callbackUrl: "https://duka.co.ke/cb" });
    await post(merchant.key, merchant.keyId, "webhook-secret");
    const tell = async () => {
      const pushed = await push(merchant.key);
      await callBack(network.pushes.at(-1)?.CallBackURL ?? "", paid(pushed.body));
      return network.to("duka.co.ke").at(-1)?.headers.get("webhook-signature")?.split(" ");
    };
    expect(await tell()).toHaveLength(2);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 86_400_000 });
    expect(await tell()).toHaveLength(1);
  });

  it("is not lost by a rotation that was carried out but not heard of", async () => {
    const { key, keyId } = await newMerchant();
    const first = (await secret(key, keyId)).body.webhook_secret;
    const path = `/v1/keys/${keyId}/webhook-secret`;
    const rotated = await request(path, { key, method: "POST", env: { DB: forgetful() } });
    const [row] = await rows("SELECT * FROM api_keys WHERE id = ?", keyId);
    expect(row).toMatchObject({
      webhook_secret: rotated.body.webhook_secret,
      previous_webhook_secret: first,
    });
  });

  it("is read by a key of scope payments for itself alone, and not rotated", async () => {
    const merchant = await newMerchant();
    const narrow = await newKey(merchant, { scope: "payments" });
    expect((await secret(narrow.key, narrow.keyId)).status).toBe(200);
    expect(code(await secret(narrow.key, merchant.keyId))).toEqual([403, "FORBIDDEN_SCOPE"]);
    expect(code(await post(narrow.key, narrow.keyId, "webhook-secret"))).toEqual([403, "FORBIDDEN_SCOPE"]);
  });
});

/** Every call on a key by its id. */
const BY_ID: [string, string, object?][] = [
  ["GET", ""],
  ["DELETE", ""],
  ["POST", "/set-default"],
  ["POST", "/regenerate"],
  ["GET", "/destination"],
  ["PUT", "/destination", { method: "phone", phone: "0712345678" }],
  ["PUT", "/notifications", { notify_email: "thief@example.co.ke" }],
  ["GET", "/webhook-secret"],
  ["POST", "/webhook-secret"],
];

describe("another merchant's key", () => {
  it.each(BY_ID)("is not found by %s %s, and nothing changes", async (method, path, body) => {
    const [mine, theirs] = [await newMerchant(), await newMerchant()];
    const second = await newKey(theirs);
    const before = await storedKeys(theirs);
    for (const { keyId } of [theirs, second]) {
      const answer = await request(`/v1/keys/${keyId}${path}`, { key: mine.key, method, body });
      expect(code(answer)).toEqual([404, "NOT_FOUND"]);
    }
    expect(await storedKeys(theirs)).toEqual(before);
    expect(await notices(theirs)).toEqual([]);
    expect((await list(mine.key))[0].is_default).toBe(true);
  });
});

it("a new key whose scope is null has the default one", async () => {
  const merchant = await newMerchant();
  const { keyId } = await newKey(merchant, { scope: null });
  expect((await storedKeys(merchant)).find(({ id }) => id === keyId)).toMatchObject({ scope: "full" });
});

describe("a key of scope payments", () => {
  it.each([["GET", ""] as const, ["POST", ""] as const])("may not %s /v1/keys", async (method, path) => {
    const narrow = await newKey(await newMerchant(), { scope: "payments" });
    const body = method === "POST" ? { name: "More" } : undefined;
    const answer = await request(`/v1/keys${path}`, { key: narrow.key, method, body });
    expect(code(answer)).toEqual([403, "FORBIDDEN_SCOPE"]);
  });

  it.each(BY_ID.filter(([method, path]) => `${method}${path}` !== "GET/webhook-secret"))(
    "may not %s %s, not even on itself, and the scope is told before the body's faults",
    async (method, path, body) => {
      const merchant = await newMerchant();
      const narrow = await newKey(merchant, { scope: "payments" });
      const before = await storedKeys(merchant);
      for (const keyId of [narrow.keyId, merchant.keyId]) {
        const answer = await request(`/v1/keys/${keyId}${path}`, { key: narrow.key, method, body });
        expect(code(answer)).toEqual([403, "FORBIDDEN_SCOPE"]);
      }
      const used = (key: Record<string, unknown>) => ({ ...key, last_used_at: null });
      expect((await storedKeys(merchant)).map(used)).toEqual(before.map(used));
      if (!body) return;
      const invalid = await request(`/v1/keys/${narrow.keyId}${path}`, {
        key: narrow.key,
        method,
        body: "{",
      });
      expect(code(invalid)).toEqual([403, "FORBIDDEN_SCOPE"]);
    },
  );

  it("may push and read its own payment", async () => {
    const narrow = await newKey(await newMerchant(), { scope: "payments" });
    await setKey(narrow, "calls_left = 5, expires_at = 9e15");
    const pushed = await push(narrow.key);
    expect(pushed.status).toBe(200);
    const path = `/v1/transactions/${pushed.body.transaction_id}`;
    expect((await request(path, { key: narrow.key })).status).toBe(200);
  });
});

describe("the merchant is told by email", () => {
  const paybill = { method: "paybill", paybill_number: "123456", account_number: "ACC001" };

  it("where the money goes from now on, when, and what to do about it", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2027-06-03T12:00:00Z") });
    const merchant = await newMerchant();
    const callbackurl = "http://localhost:9/callback";
    await put(merchant.key, merchant.keyId, "destination", { ...paybill, callbackurl });
    const told = await notices(merchant);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ channel: "email", recipient: "john@duka.co.ke", status: "queued" });
    expect(told[0]?.subject).toContain(merchant.account);
    for (const part of [
      "Default Account",
      "2027-06-03 15:00:00 EAT",
      "123456",
      "ACC001",
      callbackurl,
      "not you",
    ]) {
      expect(told[0]?.body).toContain(part);
    }
  });

  it("of each change once, and of none where nothing changed", async () => {
    const merchant = await newMerchant();
    const set = (body: object) => put(merchant.key, merchant.keyId, "destination", body);
    const count = async () => (await notices(merchant)).length;
    await set({ method: "wallet" });
    expect(await count()).toBe(0);
    await set({ method: "wallet", callbackurl: "" });
    expect(await count()).toBe(0);
    await set({ method: "wallet", callbackurl: "http://localhost:9/a" });
    expect(await count()).toBe(1);
    await set({ method: "wallet" });
    expect(await count()).toBe(1);
    await set(paybill);
    await set(paybill);
    expect(await count()).toBe(2);
    await set({ ...paybill, callbackurl: "" });
    expect(await count()).toBe(3);
    await set({ method: "paybill", paybill_number: "1" });
    expect(await count()).toBe(3);
  });

  it("that a key was replaced or deleted, and never the key", async () => {
    const merchant = await newMerchant();
    const other = await newKey(merchant, { name: "Kiosk" });
    const { body } = await post(merchant.key, other.keyId, "regenerate");
    await remove(merchant.key, other.keyId);
    await remove(merchant.key, other.keyId);
    const told = await notices(merchant);
    expect(told.map(({ subject }) => subject).sort()).toEqual([
      expect.stringMatching(/"Kiosk" deleted/),
      expect.stringMatching(/"Kiosk" replaced/),
    ]);
    const text = JSON.stringify(told);
    expect(text).not.toContain(body.account.api_key);
    expect(text).not.toMatch(/[0-9a-f]{32}/);
  });

  it("through the email service, once", async () => {
    const merchant = await newMerchant();
    const other = await newKey(merchant);
    const email = { EMAIL_API_KEY: "key", EMAIL_BASE_URL: "https://email.test" };
    const path = `/v1/keys/${other.keyId}/regenerate`;
    await request(path, { key: merchant.key, method: "POST", env: { ...email, NOTICE_QUEUE: silent } });
    await tick(email);
    await tick(email);
    const [told] = await notices(merchant);
    const sent = network.to("email.test").filter((mail) => mail.headers.get("Idempotency-Key") === told?.id);
    expect(sent.map(({ body }) => body)).toEqual([
      expect.objectContaining({ to: ["john@duka.co.ke"], subject: told?.subject, text: told?.body }),
    ]);
  });
});

/** A queue that loses everything. */
const silent = new Proxy(env.NOTICE_QUEUE, { get: () => async () => undefined });

describe("last_used_at", () => {
  it("is kept behind the answer, once a minute, by calls that were let in", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2027-06-03T12:00:00Z") });
    const merchant = await newMerchant();
    const lastUsed = async () =>
      (await rows("SELECT last_used_at FROM api_keys WHERE id = ?", merchant.keyId))[0]?.last_used_at;
    const at = (seconds: number) => vi.setSystemTime(Date.parse("2027-06-03T12:00:00Z") + seconds * 1_000);
    expect(await lastUsed()).toBeNull();
    await list(merchant.key);
    const first = await lastUsed();
    expect(first).toBe(Date.now());
    at(59);
    await list(merchant.key);
    expect(await lastUsed()).toBe(first);
    at(60);
    await create(merchant.key, {});
    expect(await lastUsed()).toBe(Date.now());
  });

  it("does not fail the call that it cannot be written for", async () => {
    const { key } = await newMerchant();
    const prepare = (sql: string) => {
      if (/^update "api_keys" set "last_used_at"/.test(sql)) throw new Error("D1_ERROR: overloaded");
      return env.DB.prepare(sql);
    };
    const DB = new Proxy(env.DB, {
      get: (target, name) => (name === "prepare" ? prepare : Reflect.get(target, name).bind(target)),
    });
    const ctx = createExecutionContext();
    expect((await fetchAnswer("/v1/keys", { key, env: { DB } }, ctx)).status).toBe(200);
    await waitOnExecutionContext(ctx);
  });
});

it("reads keys without a scan or a sort", async () => {
  const merchant = await newMerchant();
  const plans = [
    ...(await plansOf("/v1/keys", merchant)),
    ...(await plansOf(`/v1/keys/${merchant.keyId}`, merchant)),
  ];
  expect(plans.length).toBeGreaterThan(3);
  for (const step of plans) expect(step).not.toMatch(SCAN_OR_SORT);
});

it("answers no unknown method or path under /v1/keys", async () => {
  const { key, keyId } = await newMerchant();
  for (const [method, path] of [
    ["PATCH", `/v1/keys/${keyId}`],
    ["PUT", `/v1/keys/${keyId}`],
    ["POST", `/v1/keys/${keyId}/destination`],
    ["GET", `/v1/keys/${keyId}/regenerate`],
    ["GET", `/v1/keys/${keyId}/nothing`],
  ] as const) {
    const body = method === "GET" ? undefined : {};
    expect(code(await request(path, { key, method, body }))).toEqual([404, "NOT_FOUND"]);
  }
});
