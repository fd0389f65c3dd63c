import { env } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { createApp } from "../../src/app.ts";
import { createPages } from "../../src/dashboard/app.tsx";
import { callBack, paid, type RequestOptions, request, rows } from "../support/gateway.ts";
import { freshNetwork, type Network } from "../support/network.ts";
import { exampleOf, type Operation, operations } from "../support/operations.ts";
import { PAYING } from "../support/payouts.ts";
import { type SignedUp, signUp, Visitor, verifyPhone } from "../support/visitor.ts";

/** Everything that has an id, of one merchant; another one, and a key of narrower scope, try every door. */

const SETTINGS = { ...PAYING, ROUTING: "direct" as const };
const ask = (path: string, options: RequestOptions = {}) => request(path, { env: SETTINGS, ...options });

let network: Network;
let owner: SignedUp;
let stranger: SignedUp;
/** Ids of the owner's, by what they name. */
let own: Record<
  "key" | "transaction" | "checkout" | "purchase" | "payout" | "sms" | "webhook" | "session",
  string
>;
/** A key of the owner's that may only take payments. */
let narrow: { id: number; key: string };

async function dayOfTrade(person: SignedUp) {
  const { key, keyId, merchantId, phone } = person;
  await verifyPhone(network, person);
  const second = await ask("/v1/keys", { key, body: { name: "Second shop" } });
  const limited = await ask("/v1/keys", { key, body: { name: "Till", scope: "payments" } });
  await ask(`/v1/keys/${keyId}/destination`, {
    key,
    method: "PUT",
    body: { method: "wallet", callbackurl: "http://localhost:3000/told" },
  });
  const pushed = await ask("/v1/stk/push", { key, body: { phone, amount: 500 } });
  await callBack(network.pushes.at(-1)?.CallBackURL ?? "", paid(pushed.body, { amount: 500 }), SETTINGS);
  const withdrawn = await ask("/v1/account/withdrawals", {
    key,
    body: { amount: 100, phone },
    headers: { "Idempotency-Key": "out-1" },
  });
  await rows("UPDATE wallets SET sms_credits = 50 WHERE merchant_id = ?", merchantId);
  const sms = await ask("/v1/sms", { key, body: { phone, message: "Karibu" } });
  const bought = await ask("/v1/sms/credits", { key, body: { credits: 10, phone } });
  const [webhook] = await rows<{ id: string }>(
    "SELECT id FROM webhook_deliveries WHERE merchant_id = ?",
    merchantId,
  );
  await rows(
    `INSERT INTO webhook_deliveries (merchant_id, id, key_id, transaction_id, url, body, status, created_at)
     SELECT merchant_id, replace(id, '_completed', '_failed'), key_id, transaction_id, url, body, 'failed', created_at
     FROM webhook_deliveries WHERE id = ?`,
    webhook?.id,
  );
  const [session] = await rows<{ id: string }>(
    "SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email = ?",
    person.email,
  );
  return {
    narrow: { id: limited.body.account.id, key: limited.body.account.api_key },
    ids: {
      key: String(second.body.account.id),
      transaction: pushed.body.transaction_id,
      checkout: pushed.body.checkout_request_id,
      purchase: bought.body.transaction_id,
      payout: withdrawn.body.withdrawal.id,
      sms: sms.body.data.transaction_id,
      webhook: webhook?.id ?? "",
      session: session?.id ?? "",
    },
  };
}

beforeAll(async () => {
  network = freshNetwork();
  owner = await signUp();
  stranger = await signUp();
  const made = await dayOfTrade(owner);
  own = made.ids;
  narrow = made.narrow;
  await dayOfTrade(stranger);
});

/** All that is stored of the owner, and of who signs in for it. */
async function everythingOfTheOwner() {
  const tables = await rows<{ name: string; sql: string }>(
    "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql LIKE '%merchant_id%' ORDER BY name",
  );
  const [merchant] = await rows<{ user_id: string }>(
    "SELECT * FROM merchants WHERE id = ?",
    owner.merchantId,
  );
  const stored: Record<string, unknown> = { merchant };
  for (const { name } of tables) {
    stored[name] = await rows(`SELECT * FROM ${name} WHERE merchant_id = ?`, owner.merchantId);
  }
  for (const name of ["sessions", "credentials", "two_factors"]) {
    stored[name] = await rows(`SELECT * FROM ${name} WHERE user_id = ?`, merchant?.user_id);
  }
  stored.users = await rows("SELECT * FROM users WHERE id = ?", merchant?.user_id);
  return stored;
}

/** What stands in each path's place for an id. A path that is not here fails the test. */
const IN_PATH: [RegExp, () => string[]][] = [
  [/^\/v1\/keys\/\{id\}/, () => [own.key, String(owner.keyId)]],
  [/^\/v1\/transactions\/\{ref\}$/, () => [own.transaction, own.checkout, own.purchase]],
  [/^\/v1\/account\/withdrawals\/\{id\}$/, () => [own.payout]],
  [/^\/v1\/sms\/\{id\}$/, () => [own.sms]],
  [/^\/v1\/webhooks\/\{id\}/, () => [own.webhook]],
  // A day names no merchant's thing: everybody has their own of it, or none.
  [/^\/v1\/statements\/\{day\}$/, () => []],
];

const idsIn = (path: string) => IN_PATH.find(([pattern]) => pattern.test(path))?.[1]();
const named = operations.filter(({ path }) => path.includes("{"));
const nameOf = ({ method, path }: Operation) => `${method} ${path}`;

const call = (operation: Operation, id: string, key: string) =>
  ask(operation.path.replace(/\{\w+\}/, id), {
    key,
    method: operation.method,
    body: exampleOf(operation),
    headers: { "Idempotency-Key": crypto.randomUUID() },
  });

describe("another merchant's key", () => {
  it("knows what each path names", () => {
    for (const { path } of named) expect(idsIn(path), path).toBeDefined();
    expect(named.length).toBeGreaterThan(15);
  });

  it.each(named.map((operation) => [nameOf(operation), operation] as const))(
    "finds nothing, and changes nothing: %s",
    async (name, operation) => {
      const before = await everythingOfTheOwner();
      for (const id of idsIn(operation.path) ?? []) {
        const answer = await call(operation, id, stranger.key);
        expect([answer.status, answer.body.error_code], `${name} ${id}`).toEqual([404, "NOT_FOUND"]);
        expect(JSON.stringify(answer.body)).not.toContain(owner.email);
      }
      expect(await everythingOfTheOwner()).toEqual(before);
    },
  );

  it("finds nothing by an id in a body or a query", async () => {
    const { key } = stranger;
    const asked = await ask("/v1/transactionstatus", { key, body: { CheckoutRequestID: own.checkout } });
    expect([asked.status, asked.body.error_code]).toEqual([404, "NOT_FOUND"]);
    const before = await everythingOfTheOwner();
    const found: Record<string, unknown>[] = [];
    for (const query of [`key_id=${owner.keyId}`, `cursor=${own.transaction}`, `phone=${owner.phone}`]) {
      const { body } = await ask(`/v1/transactions?${query}`, { key });
      found.push(...(body.transactions ?? []));
    }
    const payouts = await ask(`/v1/payouts?cursor=${own.payout}`, { key });
    const webhooks = await ask(`/v1/webhooks?cursor=${own.webhook}`, { key });
    found.push(...payouts.body.payouts, ...webhooks.body.webhooks);
    const shown = JSON.stringify(found);
    for (const id of Object.values(own)) expect(shown).not.toContain(`"${id}"`);
    await ask("/v1/webhooks/replay", { key, body: { status: "failed", since: "2020-01-01" } });
    expect(await everythingOfTheOwner()).toEqual(before);
  });

  it("takes no money to the owner's phone, and puts none into the owner's wallet", async () => {
    const { key } = stranger;
    const before = await everythingOfTheOwner();
    const withdrawn = await ask("/v1/account/withdrawals", {
      key,
      body: { amount: 10, phone: owner.phone },
      headers: { "Idempotency-Key": "theirs" },
    });
    expect(withdrawn.status).toBe(400);
    const redirected = await ask(`/v1/keys/${stranger.keyId}/destination`, {
      key,
      method: "PUT",
      body: { method: "bankpaybill", bank_code: "4156839", bank_account: `SP${owner.merchantId}` },
    });
    expect([redirected.status, redirected.body.error_code]).toEqual([400, "INVALID_DESTINATION"]);
    expect(await everythingOfTheOwner()).toEqual(before);
  });
});

describe("a key of scope payments", () => {
  it.each(
    operations.filter(({ codes }) => codes.includes("FORBIDDEN_SCOPE")).map((o) => [nameOf(o), o] as const),
  )("is refused by %s", async (_, operation) => {
    const before = await everythingOfTheOwner();
    const id = idsIn(operation.path)?.[0] ?? "2026-11-24";
    // Its own list of payments it may read, another key's not.
    const asked =
      operation.id === "listTransactions"
        ? { ...operation, path: `${operation.path}?key_id=${owner.keyId}` }
        : operation;
    const answer = await call(asked, id, narrow.key);
    expect(answer.status).toBe(403);
    expect(answer.body.error_code).toBe("FORBIDDEN_SCOPE");
    expect(withoutUse(await everythingOfTheOwner())).toEqual(withoutUse(before));
  });

  it("does not read what the merchant's other keys did", async () => {
    for (const path of [`transactions/${own.transaction}`, `sms/${own.sms}`, `webhooks/${own.webhook}`]) {
      expect((await ask(`/v1/${path}`, { key: narrow.key })).status, path).toBe(404);
    }
    const { body } = await ask("/v1/transactions", { key: narrow.key });
    expect(body.transactions).toEqual([]);
  });
});

/** When a key was used last is noted by every call of its own. */
const withoutUse = (stored: Record<string, unknown>) =>
  JSON.parse(JSON.stringify(stored, (name, value) => (name === "last_used_at" ? undefined : value)));

describe("the operator's API", () => {
  const routes = [
    ...new Set(
      createApp()
        .routes.filter(({ method, path }) => path.startsWith("/operator/v1/") && method !== "ALL")
        .map(({ method, path }) => `${method} ${path}`),
    ),
  ];

  it.each(routes)("is closed to merchants and to whoever has no token: %s", async (route) => {
    const [method = "", pattern = ""] = route.split(" ");
    const path = pattern.replace(/:account/, `SP${owner.merchantId}`).replace(/:\w+(\{.*?\})?/g, own.key);
    const before = await everythingOfTheOwner();
    const body = method === "GET" ? undefined : {};
    const bare = await ask(path, { method, body });
    expect([bare.status, bare.body.error_code]).toEqual([401, "MISSING_AUTH"]);
    for (const key of [owner.key, `${env.OPERATOR_TOKEN}x`, ""]) {
      const headers = { Authorization: `Bearer ${key}`, Cookie: cookiesOf(owner) };
      const answer = await ask(path, { method, body, headers });
      expect(answer.status).toBe(401);
      expect(["MISSING_AUTH", "INVALID_API_KEY"]).toContain(answer.body.error_code);
    }
    expect(await everythingOfTheOwner()).toEqual(before);
  });

  it("has routes", () => expect(routes.length).toBeGreaterThan(5));
});

const cookiesOf = ({ visitor }: SignedUp) => [...visitor.cookies].map((pair) => pair.join("=")).join("; ");

describe("the pages", () => {
  /** As above, for the pages' paths. */
  const IN_PAGE: [RegExp, () => string][] = [
    [/^\/dashboard\/api\/:id\{/, () => own.key],
    [/^\/dashboard\/api\/webhooks\/:/, () => own.webhook],
    [/^\/dashboard\/payments\/:/, () => own.transaction],
    [/^\/dashboard\/buying\/:/, () => own.purchase],
    [/^\/dashboard\/settings\/sessions\/:/, () => own.session],
    [/^\/operator\//, () => own.key],
  ];
  const routes = [
    ...new Set(
      createPages()
        .routes.filter(({ method }) => method !== "ALL")
        .map(({ method, path }) => `${method} ${path}`),
    ),
  ];
  const inside = routes.filter((route) => /^\w+ \/(dashboard|operator)/.test(route));
  const pathOf = (route: string) => {
    const pattern = route.split(" ")[1] ?? "";
    const id = IN_PAGE.find(([known]) => known.test(pattern))?.[1]() ?? "unknown";
    return pattern.replace(/:\w+(\{[^}]*\})?/, id).replace(/:\w+(\{[^}]*\})?/g, "1");
  };
  const open = ({ visitor }: Pick<SignedUp, "visitor">, route: string) =>
    route.startsWith("GET") ? visitor.get(pathOf(route)) : visitor.submit(pathOf(route), {});

  it("know what each path names", () => {
    const withIds = inside.filter((route) => route.includes(":"));
    expect(withIds.length).toBeGreaterThan(10);
    for (const route of withIds) {
      const [, path = ""] = route.split(" ");
      expect(
        IN_PAGE.some(([known]) => known.test(path)),
        route,
      ).toBe(true);
    }
  });

  it.each(inside)("send whoever is not signed in to the sign-in page: %s", async (route) => {
    const before = await everythingOfTheOwner();
    const page = await open({ visitor: new Visitor() }, route);
    expect(page.status, page.text).toBe(302);
    expect(page.location).toMatch(/^\/login/);
    expect(await everythingOfTheOwner()).toEqual(before);
  });

  it.each(inside.filter((route) => route.includes("/:")))(
    "find nothing of another merchant's, and change nothing: %s",
    async (route) => {
      const before = await everythingOfTheOwner();
      stranger.visitor.address = crypto.randomUUID();
      const page = await open(stranger, route);
      if (route.includes(" /operator")) expect([302, 403, 404]).toContain(page.status);
      else expect(page.status, page.text).toBe(404);
      expect(page.html).not.toContain(owner.email);
      expect(page.html).not.toContain(owner.phone);
      expect(await everythingOfTheOwner()).toEqual(before);
    },
  );

  it("take no form from another site", async () => {
    const before = await everythingOfTheOwner();
    const cross = { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" };
    for (const route of inside.filter((each) => each.startsWith("POST"))) {
      owner.visitor.address = crypto.randomUUID();
      const page = await owner.visitor.submit(pathOf(route), {}, cross);
      expect(page.status, route).toBe(403);
    }
    expect(await everythingOfTheOwner()).toEqual(before);
  });
});

describe("the owner", () => {
  it("finds all of it, so that the ids above were real ones", async () => {
    const late = (operation: Operation) => (operation.method === "DELETE" ? 1 : 0);
    for (const operation of [...named].sort((a, b) => late(a) - late(b))) {
      for (const id of idsIn(operation.path) ?? []) {
        if (id === String(owner.keyId) && operation.method !== "GET") continue; // it is asking with this one
        const answer = await call(operation, id, owner.key);
        expect([401, 404], `${nameOf(operation)} ${id} ${JSON.stringify(answer.body)}`).not.toContain(
          answer.status,
        );
      }
    }
  });
});
