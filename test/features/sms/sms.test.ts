import { createExecutionContext, env, waitOnExecutionContext } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createDeps } from "../../../src/deps.ts";
import { notify } from "../../../src/features/notices/notify.ts";
import { sendNotice } from "../../../src/features/notices/send.ts";
import { callbackToken } from "../../../src/lib/callback-token.ts";
import { handleQueue } from "../../../src/queues.ts";
import {
  type Answer,
  fetchAnswer,
  type Merchant,
  newMerchant,
  newPhone,
  type RequestOptions,
  request,
  rows,
  tick,
} from "../../support/gateway.ts";
import { lossyDatabase } from "../../support/lossy.ts";
import { broken, freshNetwork, html, type Network, smsAnswer } from "../../support/network.ts";

let network: Network;
beforeEach(() => {
  network = freshNetwork();
});

/** A merchant without a plan, since SMS need none. */
async function newSender(credits = 100): Promise<Merchant> {
  const merchant = await newMerchant({ plan: null });
  await rows("UPDATE wallets SET sms_credits = ? WHERE merchant_id = ?", credits, merchant.merchantId);
  return merchant;
}

const send = (key: string, body: unknown = {}, options: RequestOptions = {}) =>
  request("/v1/sms", {
    key,
    ...options,
    body: typeof body === "object" ? { phone: newPhone(), message: "Hello", ...body } : body,
  });

const balanceOf = async (key: string) => (await request("/v1/sms/balance", { key })).body.data.balance;

const read = async (key: string, id: string) => (await request(`/v1/sms/${id}`, { key })).body.data;

/** Sends a message and tells what became of it. */
async function sendOne(key: string, body: object = {}) {
  const { data } = (await send(key, body)).body;
  return read(key, data.transaction_id);
}

const times = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));

const NO_SMS_GATEWAY = { SMS_USERNAME: undefined, SMS_API_KEY: undefined };

const SMILEY = "\u{1F600}";

describe("POST /v1/sms", () => {
  it("answers the text's example in both envelopes", async () => {
    const { key } = await newSender();
    const answer = await request("/v1/sms/", {
      headers: { "X-API-Key": key },
      body: { phone: "0712345678", message: "Hello from SmartPay!" },
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      success: true,
      status: "success",
      data: {
        transaction_id: expect.stringMatching(/^\d{19}$/),
        mobile: "254712345678",
        sms_parts: 1,
        characters: 20,
        cost: 1,
        encoding: "GSM-7",
        remaining_balance: 99,
      },
    });
    expect(answer.headers.get("X-RateLimit-Remaining")).toBe("59");
    expect(await balanceOf(key)).toBe(99);
  });

  it("is the same without the slash, and takes the key as a Bearer too", async () => {
    const { key } = await newSender();
    expect((await send(key)).body.data.remaining_balance).toBe(99);
  });

  it.each(["0712345678", "0110345678", "254712345678", "254110345678", "+254 712-345678", 254712345678])(
    "takes the phone number %s",
    async (phone) => {
      const { key } = await newSender();
      const answer = await send(key, { phone });
      expect(answer.body.data.mobile).toMatch(/^254(712345678|110345678)$/);
    },
  );

  it("gives ids that sort by age", async () => {
    const { key } = await newSender();
    const first = (await send(key)).body.data.transaction_id;
    const second = (await send(key)).body.data.transaction_id;
    expect(first < second).toBe(true);
  });

  it.each([
    [1, 1],
    [160, 1],
    [161, 2],
    [320, 2],
    [321, 3],
    [480, 3],
    [481, 4],
    [640, 4],
  ])("of %i characters is %i SMS and as many credits", async (characters, parts) => {
    const { key } = await newSender();
    const { data } = (await send(key, { message: "a".repeat(characters) })).body;
    expect(data).toMatchObject({ characters, sms_parts: parts, cost: parts, remaining_balance: 100 - parts });
    expect(network.texts[0]?.message).toHaveLength(characters);
  });

  it.each([
    ["an emoji is one character", SMILEY.repeat(160), 160, 1, "UCS-2"],
    ["the next one begins a block", SMILEY.repeat(161), 161, 2, "UCS-2"],
    ["640 emoji are four SMS", SMILEY.repeat(640), 640, 4, "UCS-2"],
    ["the GSM alphabet", "Kes 1,500/= @£$ èéùìòÇØøÅåÆæßÉ ÄÖÑÜäöñüà §¿¡ΔΩ", 46, 1, "GSM-7"],
    ["its extension", "[~] {^} \\ | €", 13, 1, "GSM-7"],
    ["line breaks", "Habari\nyako\r\nleo", 16, 1, "GSM-7"],
    ["a letter that GSM does not have", "ê", 1, 1, "UCS-2"],
    ["typographic quotes", "“Asante”", 8, 1, "UCS-2"],
  ])("counts Unicode characters: %s", async (_, message, characters, parts, encoding) => {
    const { key } = await newSender();
    expect((await send(key, { message })).body.data).toMatchObject({
      characters,
      sms_parts: parts,
      encoding,
    });
    expect(network.texts[0]?.message).toBe(message);
  });

  it.each<[string, unknown, string]>([
    ["no phone", { phone: undefined }, "MISSING_FIELDS"],
    ["a null phone", { phone: null }, "MISSING_FIELDS"],
    ["no message", { message: undefined }, "MISSING_FIELDS"],
    ["a null message", { message: null }, "MISSING_FIELDS"],
    ["an empty message", { message: "" }, "MISSING_FIELDS"],
    ["a blank message", { message: " \n " }, "MISSING_FIELDS"],
    ["no number in the list", { phone: [] }, "MISSING_FIELDS"],
    ["nothing but commas", { phone: " , \n," }, "MISSING_FIELDS"],
    ["an empty phone", { phone: "" }, "INVALID_PHONE"],
    ["a short phone", { phone: "071234567" }, "INVALID_PHONE"],
    ["a foreign phone", { phone: "255712345678" }, "INVALID_PHONE"],
    ["a landline", { phone: "0202345678" }, "INVALID_PHONE"],
    ["a phone that is an object", { phone: { number: "0712345678" } }, "INVALID_PHONE"],
    ["a phone that is true", { phone: true }, "INVALID_PHONE"],
    ["a phone without end", { phone: "0".repeat(10_000) }, "INVALID_PHONE"],
    ["a list without a valid number", { phone: ["07", null, {}, "\ud800"] }, "INVALID_PHONE"],
    ["101 numbers", { phone: times(101, (i) => 254712000000 + i) }, "INVALID_FIELD"],
    ["641 characters", { message: "a".repeat(641) }, "INVALID_FIELD"],
    ["641 emoji", { message: SMILEY.repeat(641) }, "INVALID_FIELD"],
    ["a message that is a number", { message: 42 }, "INVALID_FIELD"],
    ["a message that is a list", { message: ["Hello"] }, "INVALID_FIELD"],
    ["a NUL", { message: "a\0b" }, "INVALID_FIELD"],
    ["an escape", { message: "a\u001bb" }, "INVALID_FIELD"],
    ["a tab", { message: "a\tb" }, "INVALID_FIELD"],
    ["half a surrogate pair", { message: "a\ud83d" }, "INVALID_FIELD"],
    ["a body that is not JSON", "phone=0712345678", "INVALID_JSON"],
    ["a body that is a list", "[]", "INVALID_JSON"],
    ["a body over 64 KB", { message: "a".repeat(70_000) }, "PAYLOAD_TOO_LARGE"],
  ])("refuses %s and changes nothing", async (_, body, code) => {
    const { key } = await newSender();
    const answer = await send(key, body);
    expect(answer.body).toMatchObject({ success: false, status: "error", error_code: code });
    expect(answer.body.message).toEqual(expect.any(String));
    expect(answer.status).toBe(code === "PAYLOAD_TOO_LARGE" ? 413 : 400);
    expect(await balanceOf(key)).toBe(100);
    expect(network.texts).toEqual([]);
  });

  it("names the fields at fault", async () => {
    const { key } = await newSender();
    const answer = await request("/v1/sms", { key, body: {} });
    expect(answer.body.errors.map((error: { field: string }) => error.field)).toEqual(["phone", "message"]);
  });

  it("says what is wrong with a text, and which field is empty", async () => {
    const { key } = await newSender();
    const told = async (message: string) =>
      (await request("/v1/sms", { key, body: { phone: "0712345678", message } })).body.message;
    expect(await told("a\ud83d")).toMatch(/^message: must not contain half of a surrogate pair/);
    expect(await told("a\tb")).toBe("message: must not contain control characters other than line breaks");
    expect(await told(" ")).toBe("Required fields are missing: message.");
  });

  it("says `status: error` beside every failure, whoever found it", async () => {
    const { key } = await newSender();
    const failures = await Promise.all([
      request("/v1/sms", { body: {} }),
      request("/v1/sms", { key: "abc", body: {} }),
      request("/v1/sms/1234567890123456789", { key }),
      request("/v1/sms/a/b", { key }),
      request("/v1/sms/balance", { key, method: "DELETE" }),
    ]);
    expect(failures.map(({ status, body }) => [status, body.success, body.status])).toEqual([
      [401, false, "error"],
      [401, false, "error"],
      [404, false, "error"],
      [404, false, "error"],
      [404, false, "error"],
    ]);
  });

  it("is not to be had where no SMS gateway is configured, and takes no credits", async () => {
    const { key } = await newSender();
    const answer = await send(key, {}, { env: NO_SMS_GATEWAY });
    expect([answer.status, answer.body.error_code]).toEqual([503, "SERVICE_UNAVAILABLE"]);
    expect(answer.headers.get("Retry-After")).not.toBeNull();
    expect(await balanceOf(key)).toBe(100);
  });

  it("is open to a key of scope payments", async () => {
    const merchant = await newSender();
    await rows("UPDATE api_keys SET scope = 'payments' WHERE id = ?", merchant.keyId);
    expect((await send(merchant.key)).status).toBe(200);
  });
});

describe("to many numbers", () => {
  it("sends to each once, and tells which numbers are malformed", async () => {
    const { key } = await newSender();
    const phone = [
      "0712000001",
      "+254 712 000 001",
      254712000002,
      "07",
      null,
      { a: 1 },
      "0712000003,0712000004",
    ];
    const answer = await send(key, { phone, message: "a".repeat(161) });
    expect(answer.status).toBe(200);
    const message = (mobile: string) => ({
      transaction_id: expect.stringMatching(/^\d{19}$/),
      mobile,
      sms_parts: 2,
      characters: 161,
      cost: 2,
      encoding: "GSM-7",
    });
    const rejected = (written: string) => ({
      phone: written,
      error_code: "INVALID_PHONE",
      message: expect.any(String),
    });
    expect(answer.body).toEqual({
      success: true,
      status: "success",
      data: {
        messages: [message("254712000001"), message("254712000002")],
        rejected: [rejected("07"), rejected("null"), rejected('{"a":1}'), rejected("0712000003,0712000004")],
        cost: 4,
        remaining_balance: 96,
      },
    });
    expect(network.texts.map(({ to }) => to).sort()).toEqual(["+254712000001", "+254712000002"]);
  });

  it.each([
    ["commas", "0712000001,0712000002, 0712000003"],
    ["line breaks", "0712000001\n0712000002\r\n0712000003\n"],
    ["both", "0712000001,\n0712000002,,0712000003"],
  ])("takes a text with %s between", async (_, phone) => {
    const { key } = await newSender();
    const { data } = (await send(key, { phone })).body;
    expect(data.messages.map(({ mobile }: { mobile: string }) => mobile)).toEqual([
      "254712000001",
      "254712000002",
      "254712000003",
    ]);
    expect(data).toMatchObject({ rejected: [], cost: 3, remaining_balance: 97 });
  });

  it("answers a list of one as a list, and a single number with a line break after it as one", async () => {
    const { key } = await newSender();
    expect((await send(key, { phone: ["0712000001"] })).body.data.messages).toHaveLength(1);
    expect((await send(key, { phone: "0712000001\n" })).body.data.mobile).toBe("254712000001");
  });

  it("sends to a hundred, each under an id of its own, the first ones at once and all by the queue", async () => {
    const { key, merchantId } = await newSender();
    const queued: unknown[] = [];
    const SMS_QUEUE = {
      sendBatch: async (messages: Iterable<{ body: unknown }>) => void queued.push(...messages),
    } as unknown as Queue; // the one method that is used
    const { data } = (await send(key, { phone: times(100, (i) => 254712000000 + i) }, { env: { SMS_QUEUE } }))
      .body;
    expect(data).toMatchObject({ cost: 100, remaining_balance: 0 });
    const ids = data.messages.map(({ transaction_id: id }: { transaction_id: string }) => id);
    expect(new Set(ids).size).toBe(100);
    expect(network.texts).toHaveLength(5);
    expect(queued).toHaveLength(95);
    await deliverQueue(queued.map((message) => (message as { body: unknown }).body)); // as queued above
    expect(network.texts).toHaveLength(100);
    expect(await rows("SELECT DISTINCT status FROM sms_messages WHERE merchant_id = ?", merchantId)).toEqual([
      { status: "sent" },
    ]);
  });

  it("sends none if the credits are not enough for all", async () => {
    const { key } = await newSender(5);
    const answer = await send(key, { phone: "0712000001,0712000002", message: "a".repeat(321) });
    expect([answer.status, answer.body.error_code]).toEqual([402, "INSUFFICIENT_SMS_CREDITS"]);
    expect(answer.body.message).toContain("6 SMS credits");
    expect(await balanceOf(key)).toBe(5);
    expect(network.texts).toEqual([]);
  });
});

describe("credits", () => {
  const roomy = { LIMITS: JSON.stringify({ key_minute: 1_000 }) };

  it("are refused at 0 and left alone", async () => {
    const { key } = await newSender(0);
    const answer = await send(key);
    expect([answer.status, answer.body.status]).toEqual([402, "error"]);
    expect(answer.body.error_code).toBe("INSUFFICIENT_SMS_CREDITS");
  });

  it("are exact under 100 sends at once", async () => {
    const { key, merchantId } = await newSender(40);
    const answers = await Promise.all(times(100, () => send(key, {}, { env: roomy })));
    const sent = answers.filter(({ status }) => status === 200);
    expect(sent).toHaveLength(40);
    const left = sent.map(({ body }) => body.data.remaining_balance).sort((a, b) => a - b);
    expect(left).toEqual(times(40, (i) => i));
    expect(new Set(answers.filter((a) => a.status !== 200).map((a) => a.body.error_code))).toEqual(
      new Set(["INSUFFICIENT_SMS_CREDITS"]),
    );
    expect(network.texts).toHaveLength(40);
    expect(await rows("SELECT id FROM sms_messages WHERE merchant_id = ?", merchantId)).toHaveLength(40);
  });

  it("are taken once where the storage's answer was lost", async () => {
    const { key, merchantId } = await newSender();
    const answer = await send(key, {}, { env: { DB: forgetful() } });
    expect(answer.body.data.remaining_balance).toBe(99);
    expect(await balanceOf(key)).toBe(99);
    expect(await rows("SELECT id FROM sms_messages WHERE merchant_id = ?", merchantId)).toHaveLength(1);
    expect(network.texts).toHaveLength(1);
  });

  it("draw another id where one is taken", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const drawn = [7, 7, 8];
    const real = crypto.getRandomValues.bind(crypto);
    const { key } = await newSender();
    vi.spyOn(crypto, "getRandomValues").mockImplementation((array) => {
      const random = real(array);
      if (random instanceof Uint32Array) random[0] = drawn.shift() ?? 9;
      return random;
    });
    const first = (await send(key)).body.data;
    const second = (await send(key)).body.data;
    expect(first.transaction_id).toMatch(/000007$/);
    expect(second.transaction_id).toMatch(/000008$/);
    expect(second.remaining_balance).toBe(98);
  });
});

/** The real storage, whose first answer to a batch that stores messages is lost on the way. */
function forgetful(): D1Database {
  let lost = 0;
  return new Proxy(env.DB, {
    get(db, name) {
      if (name === "batch") {
        return async (statements: D1PreparedStatement[]) => {
          const results = await db.batch(statements);
          if (results.some(({ meta }) => meta.changes > 0) && lost++ === 0) {
            throw new Error("D1_ERROR: Network connection lost.");
          }
          return results;
        };
      }
      const value = Reflect.get(db, name);
      return typeof value === "function" ? value.bind(db) : value;
    },
  });
}

describe("Idempotency-Key", () => {
  const headers = { "Idempotency-Key": "text-1" };
  const body = { phone: "0712345678", message: "Once" };

  it("answers a copy with the first answer, and sends once", async () => {
    const { key } = await newSender();
    const first = await send(key, body, { headers });
    await send(key);
    const again = await send(key, { ...body, phone: "+254 712 345 678", ignored: 1 }, { headers });
    expect(again.body).toEqual(first.body);
    expect([first, again].map((a) => a.headers.get("Idempotent-Replayed"))).toEqual([null, "true"]);
    expect(network.texts).toHaveLength(2);
    expect(await balanceOf(key)).toBe(98);
  });

  it("answers a copy to many numbers alike, what was rejected included", async () => {
    const { key } = await newSender();
    const bulk = { phone: ["0712345678", "\ud800 ê", "0712345679"], message: "Once" };
    const first = await send(key, bulk, { headers });
    expect(first.body.data.messages).toHaveLength(2);
    expect((await send(key, bulk, { headers })).body).toEqual(first.body);
  });

  it("answers the first again when the credits are used up meanwhile", async () => {
    const { key } = await newSender(1);
    const first = await send(key, body, { headers });
    const again = await send(key, body, { headers });
    expect([again.status, again.body]).toEqual([200, first.body]);
  });

  it("sends once for 20 copies at once", async () => {
    const { key } = await newSender();
    const answers = await Promise.all(times(20, () => send(key, body, { headers })));
    expect(new Set(answers.map((a) => a.body.data.transaction_id)).size).toBe(1);
    expect(network.texts).toHaveLength(1);
    expect(await balanceOf(key)).toBe(99);
  });

  it("is refused with another body", async () => {
    const { key } = await newSender();
    await send(key, body, { headers });
    const other = await send(key, { ...body, message: "Twice" }, { headers });
    expect([other.status, other.body.error_code]).toEqual([422, "IDEMPOTENCY_KEY_REUSED"]);
    expect(await balanceOf(key)).toBe(99);
  });

  it("is not used up by a refusal, and is each API key's own", async () => {
    const poor = await newSender(0);
    expect((await send(poor.key, body, { headers })).status).toBe(402);
    await rows("UPDATE wallets SET sms_credits = 1 WHERE merchant_id = ?", poor.merchantId);
    expect((await send(poor.key, body, { headers })).headers.get("Idempotent-Replayed")).toBeNull();
    const other = await newSender();
    expect((await send(other.key, body, { headers })).headers.get("Idempotent-Replayed")).toBeNull();
  });

  it.each(["", "a b", "ü", "x".repeat(256)])("is refused as %j", async (value) => {
    const { key } = await newSender();
    const answer = await send(key, body, { headers: { "Idempotency-Key": value } });
    expect(answer.body).toMatchObject({ error_code: "INVALID_FIELD", status: "error" });
  });

  it("holds where the storage's answer was lost", async () => {
    const { key } = await newSender();
    const first = await send(key, body, { headers, env: { DB: forgetful() } });
    const again = await send(key, body, { headers });
    expect(again.body).toEqual(first.body);
    expect(await balanceOf(key)).toBe(99);
  });
});

describe("what the SMS gateway is asked", () => {
  it("is one form a message, with the key in a header and JSON wanted", async () => {
    const { key } = await newSender();
    await send(key, { phone: "0712345678", message: "Ksh 5 & more = 10%" });
    expect(network.texts).toEqual([
      {
        username: "sandbox",
        to: "+254712345678",
        message: "Ksh 5 & more = 10%",
        bulkSMSMode: "1",
        enqueue: "1",
      },
    ]);
    const [sent] = network.to("/version1/messaging");
    expect(sent?.method).toBe("POST");
    expect(sent?.headers.get("apiKey")).toBe("sms-key");
    expect(sent?.headers.get("Accept")).toBe("application/json");
    expect(sent?.headers.get("Content-Type")).toBe("application/x-www-form-urlencoded");
    expect(sent?.redirect).toBe("manual");
  });

  it("names the sender id where one is set", async () => {
    const { key } = await newSender();
    await send(key, {}, { env: { SMS_SENDER_ID: "DUKA" } });
    expect(network.texts[0]?.from).toBe("DUKA");
  });

  it("comes after the answer, which waits for nobody", async () => {
    const { key } = await newSender();
    const mayAnswer = Promise.withResolvers<void>();
    network.sms = async () => {
      await mayAnswer.promise;
      return smsAnswer(101, "Success", "ATXid_slow");
    };
    const ctx = createExecutionContext();
    const body = { phone: newPhone(), message: "Hello" };
    const answer = await fetchAnswer("/v1/sms", { key, body }, ctx);
    expect((await read(key, answer.body.data.transaction_id)).status).toBe("queued");
    mayAnswer.resolve();
    await waitOnExecutionContext(ctx);
    expect((await read(key, answer.body.data.transaction_id)).status).toBe("sent");
  });
});

describe("what the SMS gateway answers", () => {
  it.each([
    [100, "Processed"],
    [101, "Success"],
    [102, "Queued"],
  ])("%i %s: the message is sent", async (code, status) => {
    const { key } = await newSender();
    network.sms = () => smsAnswer(code, status, `ATXid_${crypto.randomUUID()}`);
    expect(await sendOne(key)).toMatchObject({ status: "sent", failure_reason: null });
    expect(await balanceOf(key)).toBe(99);
  });

  it.each([
    [401, "RiskHold"],
    [402, "InvalidSenderId"],
    [403, "InvalidPhoneNumber"],
    [404, "UnsupportedNumberType"],
    [405, "InsufficientBalance"],
    [406, "UserInBlacklist"],
    [407, "CouldNotRoute"],
    [500, "InternalServerError"],
    [501, "GatewayError"],
    [502, "RejectedByGateway"],
  ])("%i %s: the message failed, and its credits come back", async (code, status) => {
    const { key } = await newSender();
    network.sms = () => smsAnswer(code, status, "None");
    const message = await sendOne(key, { message: "a".repeat(200) });
    expect(message).toMatchObject({ status: "failed", failure_reason: expect.any(String), sent_at: null });
    expect(await balanceOf(key)).toBe(100);
  });

  const refusedAsAWhole: [string, () => Response][] = [
    [
      "InvalidSenderId without recipients",
      () =>
        Response.json({ SMSMessageData: { Message: "InvalidSenderId", Recipients: [] } }, { status: 201 }),
    ],
    ["401 in plain text", () => new Response("The supplied authentication is invalid", { status: 401 })],
    ["400 in plain text", () => new Response("Request is missing required form field 'to'", { status: 400 })],
    ["429", () => new Response("", { status: 429 })],
  ];
  it.each(refusedAsAWhole)("%s: the same", async (_, answer) => {
    const { key } = await newSender();
    network.sms = answer;
    expect(await sendOne(key)).toMatchObject({ status: "failed", failure_reason: expect.any(String) });
    expect(await balanceOf(key)).toBe(100);
  });

  it("tells the operator, once a day, where no message would go", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2027-03-01T09:00:00Z") });
    const { key } = await newSender();
    network.sms = () => smsAnswer(406, "UserInBlacklist", "None");
    await sendOne(key);
    const told = () => rows("SELECT status FROM notices WHERE id = 'sms_refused:2027-03-01'");
    expect(await told()).toEqual([]);
    network.sms = () => new Response("The supplied authentication is invalid", { status: 401 });
    await sendOne(key);
    await sendOne(key);
    await tick();
    expect(await told()).toEqual([{ status: "sent" }]);
    const emails = network.to("email.test").map(({ body }) => body);
    const text = expect.stringContaining("The supplied authentication is invalid");
    expect(emails).toContainEqual(expect.objectContaining({ to: ["operator@smartpay.test"], text }));
  });

  const unclear: [string, () => Response][] = [
    ["no answer in time", broken("TimeoutError")],
    ["a connection that breaks", broken("NetworkError")],
    ["HTML with 503", html(503)],
    ["HTML with 403, from a firewall on the way", html(403)],
    ["HTML with 200", html(200)],
    ["500 in plain text", () => new Response("oops", { status: 500 })],
    ["408", () => new Response("", { status: 408 })],
    ["a redirect", () => new Response(null, { status: 302, headers: { Location: "http://x.test/" } })],
    ["nothing", () => new Response("", { status: 201 })],
    ["JSON of another shape", () => Response.json({ ok: true }, { status: 201 })],
    ["a code that nobody knows", () => smsAnswer(999, "Perhaps", "None")],
  ];
  it.each(unclear)("%s: neither repeated nor given back, and not called sent", async (_, answer) => {
    const { key } = await newSender();
    network.sms = answer;
    const message = await sendOne(key);
    expect(message).toMatchObject({ status: "queued", sent_at: null });
    expect(message.failure_reason).toContain("no clear answer");
    await laterTicks();
    expect(network.texts).toHaveLength(1);
    expect(await balanceOf(key)).toBe(99);
  });
});

/** The cron, an hour from now and another one. */
async function laterTicks() {
  for (const hours of [1, 2]) {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + hours * 3_600_000 });
    await tick();
    vi.useRealTimers();
  }
}

/** Brings these bodies to the consumer, as the queue does. */
async function deliverQueue(bodies: unknown[]) {
  const ctx = createExecutionContext();
  const messages = bodies.map((body) => ({ body, ack: vi.fn(), retry: vi.fn() }));
  const batch = { queue: "smartpay-sms", messages } as unknown as MessageBatch<unknown>; // what is used of it
  await handleQueue(batch, createDeps(env, ctx));
  await waitOnExecutionContext(ctx);
  return messages;
}

describe("each message is sent once", () => {
  const reset = (id: string, assignments: string) =>
    rows(`UPDATE sms_messages SET ${assignments} WHERE id = ?`, id);

  it("when the queue brings it again", async () => {
    const { key, merchantId } = await newSender();
    const { transaction_id: id } = await sendOne(key);
    const bodies = times(3, () => ({ kind: "send", merchantId, id }));
    const messages = await deliverQueue(bodies);
    expect(messages.every(({ ack }) => ack.mock.calls.length === 1)).toBe(true);
    expect(network.texts).toHaveLength(1);
  });

  it("when queue, sweep and request meet", async () => {
    const { key, merchantId } = await newSender();
    const { transaction_id: id } = await sendOne(key);
    await reset(id, "status = 'queued', provider_id = NULL, due_at = 1");
    const body = { kind: "send", merchantId, id };
    await Promise.all([tick(), deliverQueue([body, body]), tick()]);
    expect(network.texts).toHaveLength(2);
    expect((await read(key, id)).status).toBe("sent");
  });

  it("when neither request nor queue sent it: by the sweep, once it is due", async () => {
    const { key } = await newSender();
    const { transaction_id: id } = await sendOne(key);
    await reset(id, "status = 'queued', provider_id = NULL, due_at = 9000000000000");
    await tick();
    expect(network.texts).toHaveLength(1);
    await reset(id, "due_at = 1");
    await tick();
    await tick();
    expect(network.texts).toHaveLength(2);
    expect((await read(key, id)).status).toBe("sent");
  });

  it("and never again when it died after it was marked", async () => {
    const { key, merchantId } = await newSender();
    const { transaction_id: id } = await sendOne(key);
    await reset(id, "status = 'sending', provider_id = NULL, sent_at = NULL, due_at = 1");
    await deliverQueue([{ kind: "send", merchantId, id }]);
    await tick();
    await tick();
    expect(network.texts).toHaveLength(1);
    const message = await read(key, id);
    expect(message.status).toBe("queued");
    expect(message.failure_reason).toContain("no clear answer");
    expect(await balanceOf(key)).toBe(99);
  });

  it("and waits where the gateway's settings are gone", async () => {
    const { key } = await newSender();
    const { transaction_id: id } = await sendOne(key);
    await reset(id, "status = 'queued', provider_id = NULL, due_at = 1");
    await tick(NO_SMS_GATEWAY);
    expect((await read(key, id)).status).toBe("queued");
    await tick();
    expect(network.texts).toHaveLength(2);
  });

  it("and its credits come back once, however often a refusal is recorded", async () => {
    const { key, merchantId } = await newSender();
    network.sms = () => smsAnswer(406, "UserInBlacklist", "None");
    const { transaction_id: id } = await sendOne(key);
    await deliverQueue([{ kind: "send", merchantId, id }]);
    await tick();
    expect(await balanceOf(key)).toBe(100);
    expect(network.texts).toHaveLength(1);
  });

  it("and its credits come back once where the answer to the refusal's record is lost", async () => {
    const { key } = await newSender();
    network.sms = () => smsAnswer(406, "UserInBlacklist", "None");
    const DB = lossyDatabase(/update "wallets".*update "sms_messages"/s);
    const { data } = (await send(key, {}, { env: { DB } })).body;
    expect(DB.losses()).toBe(1);
    expect((await read(key, data.transaction_id)).status).toBe("failed");
    expect(await balanceOf(key)).toBe(100);
  });

  it("and a message that cannot be read is brought again, then told", async () => {
    const [message] = await deliverQueue([{ nonsense: true }]);
    expect(message?.retry).toHaveBeenCalledOnce();
  });
});

describe("GET /v1/sms/{transaction_id}", () => {
  it("tells all about a message", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-24T06:30:15Z") });
    const { key } = await newSender();
    const { data } = (await send(key, { phone: "0712345678", message: "Habari" })).body;
    const answer = await request(`/v1/sms/${data.transaction_id}`, { key });
    expect(answer.body).toEqual({
      success: true,
      status: "success",
      data: {
        transaction_id: data.transaction_id,
        mobile: "254712345678",
        status: "sent",
        sms_parts: 1,
        characters: 6,
        cost: 1,
        encoding: "GSM-7",
        failure_reason: null,
        created_at: "2026-11-24 09:30:15",
        sent_at: "2026-11-24 09:30:15",
      },
    });
  });

  it("is 404 for another merchant's message, and for what is no id", async () => {
    const { key } = await newSender();
    const { transaction_id: id } = await sendOne(key);
    const other = await newSender();
    for (const path of [id, "1", "abc", "balance2", `${id}0`, "%00", "'%20OR%201=1"]) {
      const answer = await request(`/v1/sms/${path}`, { key: other.key });
      expect([answer.status, answer.body.error_code]).toEqual([404, "NOT_FOUND"]);
    }
  });

  it("shows a key of scope payments its own messages alone", async () => {
    const merchant = await newSender();
    const { transaction_id: id } = await sendOne(merchant.key);
    await rows("UPDATE api_keys SET scope = 'payments' WHERE id = ?", merchant.keyId);
    expect((await read(merchant.key, id)).transaction_id).toBe(id);
    await rows("UPDATE sms_messages SET key_id = key_id + 1 WHERE id = ?", id);
    expect((await request(`/v1/sms/${id}`, { key: merchant.key })).status).toBe(404);
    await rows("UPDATE api_keys SET scope = 'full' WHERE id = ?", merchant.keyId);
    expect((await read(merchant.key, id)).transaction_id).toBe(id);
  });
});

it("GET /v1/sms/balance answers in both envelopes", async () => {
  const { key } = await newSender(7);
  const answer = await request("/v1/sms/balance", { headers: { "X-API-Key": key } });
  expect(answer.body).toEqual({ success: true, status: "success", data: { balance: 7 } });
});

describe("delivery reports", () => {
  type Report = Record<string, string>;

  async function postReport(
    report: Report | string,
    options: { token?: string; asJson?: boolean; env?: RequestOptions["env"] } = {},
  ): Promise<Answer> {
    const token = options.token ?? (await callbackToken(env.APP_SECRET, "sms"));
    const form = typeof report === "string" ? report : new URLSearchParams(report).toString();
    return request(`/cb/sms/${token}`, {
      method: "POST",
      env: options.env,
      headers: {
        "Content-Type": options.asJson ? "application/json" : "application/x-www-form-urlencoded",
      },
      body: options.asJson ? JSON.stringify(report) : form,
    });
  }

  /** A message that was sent, and its reports. */
  async function sent() {
    const { key } = await newSender();
    const providerId = `ATXid_${crypto.randomUUID()}`;
    network.sms = () => smsAnswer(101, "Success", providerId);
    const { transaction_id: id, mobile } = await sendOne(key);
    const report = (status: string, more: Report = {}): Report => ({
      id: providerId,
      status,
      phoneNumber: `+${mobile}`,
      networkCode: "63902",
      retryCount: "0",
      ...more,
    });
    return { key, id, report, current: () => read(key, id) };
  }

  it.each([
    ["a form", false],
    ["JSON", true],
  ])("Success as %s: the message is delivered", async (_, asJson) => {
    const { report, current } = await sent();
    expect((await postReport(report("Success"), { asJson })).status).toBe(200);
    expect(await current()).toMatchObject({ status: "delivered", failure_reason: null });
  });

  it.each([
    ["Failed", "UserAccountSuspended", "suspended"],
    ["Rejected", "UserInBlackList", "blocked"],
    ["Failed", "SomethingNew", "could not deliver"],
  ])("%s with %s: it failed, and the credits stay taken", async (status, failureReason, words) => {
    const { key, report, current } = await sent();
    await postReport(report(status, { failureReason }));
    const message = await current();
    expect(message.status).toBe("failed");
    expect(message.failure_reason).toContain(words);
    expect(await balanceOf(key)).toBe(99);
  });

  it.each(["Sent", "Submitted", "Buffered", "SomethingNew"])("%s is not final", async (status) => {
    const { report, current } = await sent();
    expect((await postReport(report(status))).status).toBe(200);
    expect((await current()).status).toBe("sent");
  });

  it("may come twice and out of order: a delivery is never undone, a failure is", async () => {
    const { report, current } = await sent();
    await postReport(report("Failed", { failureReason: "DeliveryFailure" }));
    await postReport(report("Failed", { failureReason: "DeliveryFailure" }));
    await postReport(report("Success"));
    await postReport(report("Success"));
    await postReport(report("Failed", { failureReason: "DeliveryFailure" }));
    await postReport(report("Sent"));
    expect(await current()).toMatchObject({ status: "delivered", failure_reason: null });
  });

  it("are turned away with a wrong token, without touching the storage", async () => {
    const { report, current } = await sent();
    for (const token of ["x", "0".repeat(40), await callbackToken(env.APP_SECRET, "stk")]) {
      const answer = await postReport(report("Success"), { token, env: { DB: undefined } });
      expect(answer.status).toBe(404);
    }
    expect((await current()).status).toBe("sent");
  });

  it("stand in front of the IP limit", async () => {
    const IP_LIMIT = { limit: async () => ({ success: false }) };
    const { report, current } = await sent();
    expect((await postReport(report("Success"), { env: { IP_LIMIT } })).status).toBe(200);
    expect((await current()).status).toBe("delivered");
  });

  it.each(["", "id=", "status=Success", "[]", "null", "{}", '{"id":{"a":1},"status":"Success"}', "\0"])(
    "are refused as %j",
    async (body) => {
      expect((await postReport(body)).status).toBe(400);
    },
  );

  it("are refused over 16 KB", async () => {
    expect((await postReport(`id=1&status=Success&x=${"a".repeat(17_000)}`)).status).toBe(413);
  });

  describe("that name no message of ours", () => {
    const lookAgain: unknown[] = [];
    const SMS_QUEUE = {
      send: async (body: unknown) => void lookAgain.push(body),
    } as unknown as Queue; // the one method that is used
    beforeEach(() => {
      lookAgain.length = 0;
    });

    it("are looked at once more later, and change nothing", async () => {
      const { report, current } = await sent();
      const answer = await postReport({ ...report("Success"), id: "ATXid_unknown" }, { env: { SMS_QUEUE } });
      expect(answer.status).toBe(200);
      expect(lookAgain).toHaveLength(1);
      const [message] = await deliverQueue(lookAgain);
      expect(message?.ack).toHaveBeenCalledOnce();
      expect((await current()).status).toBe("sent");
    });

    it("may have overtaken the answer that names it", async () => {
      const { key } = await newSender();
      const providerId = `ATXid_${crypto.randomUUID()}`;
      network.sms = async () => {
        await postReport({ id: providerId, status: "Success" }, { env: { SMS_QUEUE } });
        return smsAnswer(101, "Success", providerId);
      };
      const message = await sendOne(key);
      expect(message.status).toBe("sent");
      await deliverQueue(lookAgain);
      expect((await read(key, message.transaction_id)).status).toBe("delivered");
    });

    it("tell of the one message to this phone whose sending was unclear", async () => {
      const { key } = await newSender();
      network.sms = broken("TimeoutError");
      const { transaction_id: id, mobile } = await sendOne(key);
      const report = { id: `ATXid_${crypto.randomUUID()}`, status: "Success", phoneNumber: `+${mobile}` };
      await postReport(report, { env: { SMS_QUEUE } });
      await deliverQueue(lookAgain);
      await deliverQueue(lookAgain);
      expect(await read(key, id)).toMatchObject({ status: "delivered", failure_reason: null });
      expect(await balanceOf(key)).toBe(99);
    });

    it("tell of none while another message to this phone is being sent", async () => {
      const { key } = await newSender();
      network.sms = broken("TimeoutError");
      const { mobile, transaction_id: unclear } = await sendOne(key);
      const providerId = `ATXid_${crypto.randomUUID()}`;
      network.sms = async () => {
        const report = { id: providerId, status: "Success", phoneNumber: `+${mobile}` };
        await postReport(report, { env: { SMS_QUEUE } });
        await deliverQueue(lookAgain);
        return smsAnswer(101, "Success", providerId);
      };
      const second = await sendOne(key, { phone: mobile });
      expect((await read(key, second.transaction_id)).status).toBe("sent");
      expect((await read(key, unclear)).status).toBe("queued");
    });

    it("tell of none where two are unclear", async () => {
      const { key } = await newSender();
      network.sms = broken("TimeoutError");
      const { mobile, transaction_id: id } = await sendOne(key);
      await sendOne(key, { phone: mobile });
      const report = { id: `ATXid_${crypto.randomUUID()}`, status: "Success", phoneNumber: `+${mobile}` };
      await postReport(report, { env: { SMS_QUEUE } });
      await deliverQueue(lookAgain);
      expect((await read(key, id)).status).toBe("queued");
    });
  });
});

describe("a notice by SMS", () => {
  async function noticeTo(merchantId: number, body: string) {
    const ctx = createExecutionContext();
    const deps = createDeps(env, ctx);
    const id = `payment:${crypto.randomUUID()}`;
    const notice = { id, merchantId, channel: "sms" as const, recipient: newPhone(), subject: "", body };
    await notify(
      { ...deps, noticeQueue: { send: async () => ({ metadata: {} }) as QueueSendResponse } },
      notice,
    );
    await Promise.all([sendNotice(deps, id), sendNotice(deps, id)]);
    await waitOnExecutionContext(ctx);
    const [stored] = await rows<{ status: string }>("SELECT status FROM notices WHERE id = ?", id);
    return { id, deps, recipient: notice.recipient, status: stored?.status };
  }

  it("costs the merchant a credit for each 160 characters and is sent once", async () => {
    const { key, merchantId } = await newSender(3);
    const { status, recipient } = await noticeTo(merchantId, "a".repeat(161));
    expect(status).toBe("sent");
    expect(network.texts.map(({ to }) => to)).toEqual([`+${recipient}`]);
    expect(await balanceOf(key)).toBe(1);
  });

  it("is skipped without the credits for it", async () => {
    const { key, merchantId } = await newSender(1);
    expect((await noticeTo(merchantId, "a".repeat(161))).status).toBe("skipped");
    expect(network.texts).toEqual([]);
    expect(await balanceOf(key)).toBe(1);
  });

  it("is sent once where the attempt died before it was recorded", async () => {
    const { key, merchantId } = await newSender();
    const { id, deps } = await noticeTo(merchantId, "Paid");
    await rows("UPDATE notices SET status = 'queued', due_at = 1 WHERE id = ?", id);
    await sendNotice(deps, id);
    expect(network.texts).toHaveLength(1);
    expect(await balanceOf(key)).toBe(99);
  });

  it("is cut to four SMS", async () => {
    const { key, merchantId } = await newSender();
    await noticeTo(merchantId, SMILEY.repeat(700));
    expect([...(network.texts[0]?.message ?? "")]).toHaveLength(640);
    expect(await balanceOf(key)).toBe(96);
  });
});
