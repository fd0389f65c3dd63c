import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  eventually,
  Listener,
  newAddress,
  newStateDir,
  type Running,
  removeStateDir,
  start,
} from "./support/running.ts";

/** The API's public text, sentence by sentence, against what `npm start` runs: its tables and its examples. */

/** With the limits of the text. */
let running: Running;
/** With limits small enough to be reached. */
let strict: Running;
let listener: Listener;
const stateDirs = [newStateDir(), newStateDir()] as const;

const STRICT = {
  key_day: 30,
  phone_pushes: 100,
  fraud: {
    burst: { pushes: 4, finished: 2 },
    cancel_rate: { finished: 3 },
    failure_rate: { finished: 3 },
    phone_diversity: { finished: 3, phones: 3 },
  },
};

beforeAll(async () => {
  listener = await Listener.open();
  running = await start({ stateDir: stateDirs[0], env: { TIME_SCALE: "15" } });
});

beforeAll(async () => {
  const env = { TIME_SCALE: "15", LIMITS: JSON.stringify(STRICT) };
  strict = await start({ stateDir: stateDirs[1], env });
});

afterAll(async () => {
  await Promise.all([running?.stop(), strict?.stop()]);
  listener?.close();
  for (const path of stateDirs) removeStateDir(path);
});

// biome-ignore lint/suspicious/noExplicitAny: answers are read as a merchant's client reads them, without types
type Answer = { status: number; headers: Headers; body: any };

type Options = { headers?: Record<string, string>; at?: Running };

async function call(
  method: string,
  path: string,
  body?: object | string,
  options: Options = {},
): Promise<Answer> {
  const response = await fetch((options.at ?? running).gateway + path, {
    method,
    headers: {
      "CF-Connecting-IP": newAddress(),
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

const bearer = (key: string) => ({ Authorization: `Bearer ${key}` });

/** A caller of the API with one key. */
const client =
  (key: string, at?: Running) =>
  (method: string, path: string, body?: object | string): Promise<Answer> =>
    call(method, path, body, { headers: bearer(key), at: at ?? running });

type Client = ReturnType<typeof client>;
type Merchant = { account: string; keyId: number; key: string; call: Client };

const operator = (method: string, path: string, body?: object, at: Running = running) =>
  call(method, `/operator/v1${path}`, body, { headers: bearer(at.operatorToken), at });

let phones = 0;
/** A phone that nobody has pushed to before, and whose prompt waits. */
const newPhone = () => `2547${String(20_000_000 + ++phones)}`;

async function newMerchant(of: object = {}, at: Running = running): Promise<Merchant> {
  const merchant = { fullname: "John Kamau", email: "john@duka.co.ke", plan: "Professional", ...of };
  const { body } = await operator("POST", "/merchants", merchant, at);
  const { id: keyId, api_key: key } = body.key;
  return { account: body.merchant.account_number, keyId, key, call: client(key, at) };
}

const push = (merchant: { call: Client }, phone: string = newPhone(), amount = 150) =>
  merchant.call("POST", "/v1/stk/push", { phone, amount });

/** The payment once it has ended. Who asks so often may have to wait for the key's next minute. */
const settled = (merchant: Merchant, ref: string) =>
  eventually(
    async () => (await merchant.call("GET", `/v1/transactions/${ref}`)).body.transaction,
    (transaction) => transaction !== undefined && transaction.status !== "pending",
  );

const simulator = (method: string, path: string, body?: object, at: Running = running) =>
  fetch(at.simulator + path, {
    method,
    ...(body ? { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {}),
  });

/** Answers the prompt on a phone, as its owner does. */
const answerPrompt = (phone: string, ref: string, answer: object, at?: Running) =>
  eventually(
    () => simulator("POST", `/phones/${phone}/prompts/${ref}`, answer, at),
    ({ ok }) => ok,
  );

/** While a prompt is open, M-Pesa refuses another. */
const cancel = (phone: string, ref: string, at?: Running) =>
  answerPrompt(phone, ref, { action: "cancel" }, at);

const TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;
const PATTERNS = [TIME, /^[0-9a-f]{64}$/, /^SP\d{8}$/, /^ws_CO_\d+$/, /^\d{19}$/, /^2547\d{8}$/];

/**
 * Holds an answer to an example of the text: every name of the example, in its order, with a value of the
 * same type, and a text of the same form. Names that the text does not have may stand between.
 */
function expectForm(actual: unknown, example: unknown, path = "answer"): void {
  const typeOf = (value: unknown) =>
    Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
  expect(typeOf(actual), path).toBe(typeOf(example));
  if (typeof example === "string") {
    for (const pattern of PATTERNS) if (pattern.test(example)) expect(actual, path).toMatch(pattern);
  } else if (typeof example === "object" && example !== null) {
    const names = Object.keys(example);
    const actualNames = Object.keys(actual as object); // of the example's type
    expect(
      actualNames.filter((name) => names.includes(name)),
      path,
    ).toEqual(names);
    for (const name of names)
      expectForm(Reflect.get(actual as object, name), Reflect.get(example, name), `${path}.${name}`);
  }
}

describe("Base URL & Versioning", () => {
  it("GET /v1/ping answers without authentication", async () => {
    const { status, headers, body } = await call("GET", "/v1/ping");
    expect(status).toBe(200);
    expect(headers.get("Content-Type")).toContain("application/json");
    expect(body).toEqual({ success: true, message: "pong", environment: "local" });
  });

  it("a slash at the end changes nothing", async () => {
    expect((await call("GET", "/v1/ping/")).body.message).toBe("pong");
  });
});

describe("API Key Management", () => {
  let merchant: Merchant;
  const production = { name: "Production App" };
  beforeAll(async () => {
    merchant = await newMerchant();
  });

  it("POST /v1/keys answers as the example does", async () => {
    const { status, body } = await merchant.call("POST", "/v1/keys", '{ "name": "Production App" }');
    expect(status).toBe(201);
    const example = {
      success: true,
      message: "API account created successfully.",
      account: {
        id: 4,
        name: "Production App",
        is_default: false,
        active: false,
        limit: 0,
        api_key: "a3f8c1e9b2d4f6a0e7c5b8d1f3a9e2c6b4d7f0a2e5c8b1d3f6a9e0c2b5d8f1a4",
        destination: { method: "wallet" },
        callbackurl: "",
        created_at: "2025-06-03 15:00:00",
      },
    };
    expectForm(body, example);
    const { id: _, api_key: __, created_at: ___, ...same } = example.account;
    expect(body).toMatchObject({ message: example.message, account: same });
  });

  it("GET /v1/keys answers as the example does", async () => {
    const { call: ask, keyId } = await newMerchant();
    const destination = { method: "paybill", paybill_number: "123456", account_number: "ACC001" };
    const callbackurl = "https://myapp.com/callback";
    await ask("PUT", `/v1/keys/${keyId}/destination`, { ...destination, callbackurl });
    await ask("PUT", `/v1/keys/${keyId}/notifications`, { notify_email: "pay@myapp.com", notify_phone: "" });
    const { body } = await eventually(
      () => ask("GET", "/v1/keys"),
      (answer) => answer.status === 200 && answer.body.accounts[0].last_used_at !== null,
    );
    const example = {
      success: true,
      accounts: [
        {
          id: 1,
          name: "Default Account",
          is_default: true,
          active: true,
          limit: 4850,
          fraud_suspended: false,
          destination,
          callbackurl,
          notify_email: "pay@myapp.com",
          notify_phone: "",
          created_at: "2025-06-01 09:00:00",
          last_used_at: "2025-06-03 14:22:11",
        },
      ],
      count: 1,
    };
    expectForm(body, example);
    const { id: _, limit: __, created_at: ___, last_used_at: ____, ...same } = example.accounts[0] ?? {};
    expect(body).toMatchObject({ success: true, accounts: [same], count: 1 });
    expect(JSON.stringify(body)).not.toContain("api_key");
  });

  it("GET /v1/keys/{id} shows one account", async () => {
    const { status, body } = await merchant.call("GET", `/v1/keys/${merchant.keyId}`);
    expect([status, body.account.id]).toEqual([200, merchant.keyId]);
  });

  it("a key is set as default, regenerated and deleted", async () => {
    const { call: ask, keyId } = await newMerchant();
    const { id, api_key: old } = (await ask("POST", "/v1/keys", production)).body.account;
    expect((await ask("POST", `/v1/keys/${id}/set-default`)).body.success).toBe(true);
    const { accounts } = (await ask("GET", "/v1/keys")).body;
    const defaults = accounts.map((each: { id: number; is_default: boolean }) => [each.id, each.is_default]);
    expect(defaults).toEqual([
      [keyId, false],
      [id, true],
    ]);
    const regenerated = await ask("POST", `/v1/keys/${id}/regenerate`);
    const { api_key: fresh } = regenerated.body.account;
    expect(fresh).toMatch(/^[0-9a-f]{64}$/);
    expect((await client(old)("GET", "/v1/keys")).body.error_code).toBe("INVALID_API_KEY");
    expect((await client(fresh)("GET", "/v1/keys")).status).toBe(200);
    expect((await client(fresh)("DELETE", `/v1/keys/${keyId}`)).body.success).toBe(true);
    expect((await ask("GET", "/v1/keys")).body.error_code).toBe("INVALID_API_KEY");
  });

  const DESTINATIONS: Record<string, string>[] = [
    { method: "wallet" },
    { method: "phone", phone: "254712345678" },
    { method: "paybill", paybill_number: "123456", account_number: "ACC001" },
    { method: "till", till_number: "52345" },
    { method: "bankpaybill", bank_code: "247247", bank_account: "0123456789" },
  ];
  it.each(DESTINATIONS)("PUT /v1/keys/{id}/destination takes $method", async (destination) => {
    const path = `/v1/keys/${merchant.keyId}/destination`;
    const callbackurl = "https://myapp.com/mpesa/callback";
    expect(await merchant.call("PUT", path, { ...destination, callbackurl })).toMatchObject({
      status: 200,
      body: { success: true },
    });
    expect((await merchant.call("GET", path)).body).toEqual({ success: true, destination, callbackurl });
    const { method, ...fields } = destination;
    for (const missing of Object.keys(fields)) {
      const { [missing]: _, ...rest } = fields;
      const answer = await merchant.call("PUT", path, { method, ...rest });
      expect([answer.status, answer.body.error_code]).toEqual([400, "MISSING_FIELDS"]);
    }
  });

  it("PUT /v1/keys/{id}/notifications takes the example, and empty texts", async () => {
    const path = `/v1/keys/${merchant.keyId}/notifications`;
    const example = { notify_email: "payments@myapp.com", notify_phone: "254712345678" };
    expect((await merchant.call("PUT", path, example)).body).toMatchObject({ success: true, ...example });
    const none = { notify_email: "", notify_phone: "" };
    expect((await merchant.call("PUT", path, none)).body).toMatchObject({ success: true, ...none });
  });
});

describe("Initiate STK Push", () => {
  const example = {
    success: true,
    message: "STK Push initiated successfully.",
    checkout_request_id: "ws_CO_03062025160832822727856009",
    merchant_request_id: "aea5-4f44-b4a1-d9044446ee461957335",
  };

  it("the cURL example is answered as the text says", async () => {
    const { call: ask } = await newMerchant();
    const body = '{"phone":"254712345678","amount":150,"account_reference":"ORDER_101"}';
    const answer = await ask("POST", "/v1/stk/push", body);
    expect(answer.status).toBe(200);
    expectForm(answer.body, example);
    expect(answer.body.message).toBe(example.message);
    const ref = answer.body.checkout_request_id;
    await cancel("254712345678", ref);
    expect((await ask("GET", `/v1/transactions/${ref}`)).body).toMatchObject({
      success: true,
      transaction: {
        checkout_request_id: ref,
        phone: "254712345678",
        amount: 150,
        account_reference: "ORDER_101",
      },
    });
  });

  it("the PHP example is, with the defaults of the text", async () => {
    const { call: ask } = await newMerchant();
    const { body } = await ask("POST", "/v1/stk/push", { phone: "254712345678", amount: 150 });
    expectForm(body, example);
    expect((await ask("GET", `/v1/transactions/${body.checkout_request_id}`)).body.transaction).toMatchObject(
      {
        account_reference: "SMARTPAY",
        description: "SmartPay Payment",
      },
    );
  });

  it.each([
    ["254700110001", "254700110001"],
    ["254110110001", "254110110001"],
    ["0700110002", "254700110002"],
    ["0110110002", "254110110002"],
  ])("%s is a phone", async (phone, stored) => {
    const merchant = await newMerchant();
    const { body } = await push(merchant, phone);
    const read = await merchant.call("GET", `/v1/transactions/${body.checkout_request_id}`);
    expect(read.body.transaction.phone).toBe(stored);
  });

  it.each([1, 300_000])("%i is an amount", async (amount) => {
    expect((await push(await newMerchant(), newPhone(), amount)).status).toBe(200);
  });

  it("each call tells what is left of the key's minute and day", async () => {
    let headers: (string | null)[][] = [];
    // The windows are those of the clock: a run that met the end of one does not count.
    for (let minute = -1; minute !== Math.floor(Date.now() / 60_000); ) {
      minute = Math.floor(Date.now() / 60_000);
      const { call: ask } = await newMerchant();
      headers = [await ask("GET", "/v1/keys"), await ask("GET", "/v1/keys")].map((answer) => [
        answer.headers.get("X-RateLimit-Remaining"),
        answer.headers.get("X-RateLimit-Day-Remaining"),
      ]);
    }
    expect(headers).toEqual([
      ["59", "9999"],
      ["58", "9998"],
    ]);
  });
});

describe("Transaction Status", () => {
  it("lists by limit, offset and status", async () => {
    const merchant = await newMerchant();
    const refs: string[] = [];
    for (const phone of ["254700000000", "254700001032", newPhone()]) {
      refs.unshift((await push(merchant, phone)).body.checkout_request_id);
    }
    for (const ref of refs.slice(1)) await settled(merchant, ref);
    const list = async (query: string) => {
      const { body } = await merchant.call("GET", `/v1/transactions${query}`);
      return body.transactions.map((t: { checkout_request_id: string }) =>
        refs.indexOf(t.checkout_request_id),
      );
    };
    expect(await list("")).toEqual([0, 1, 2]);
    expect(await list("?limit=2")).toEqual([0, 1]);
    expect(await list("?limit=2&offset=1")).toEqual([1, 2]);
    expect(await list("?status=pending")).toEqual([0]);
    expect(await list("?status=failed")).toEqual([1]);
    expect(await list("?status=completed")).toEqual([2]);
    const { body } = await merchant.call("GET", "/v1/transactions");
    expect(body).toMatchObject({ success: true, limit: 20, offset: 0 });
  });
});

describe("Account Balance", () => {
  it("GET /v1/account answers as the example does", async () => {
    const merchant = await newMerchant({ verified_phone: "254722000111" });
    const { body } = await merchant.call("GET", "/v1/account");
    expectForm(body, {
      success: true,
      account: { account_number: "SP36413506", fullname: "John Kamau", verified: true },
      active_key: {
        id: 4,
        name: "Production App",
        plan: "Professional",
        limit_remaining: 4850,
        fraud_suspended: false,
      },
      subscription: {
        plan: "Professional",
        status: "active",
        expires_at: "2025-07-01 00:00:00",
        api_calls: 5000,
      },
      transaction_stats: { total: 312, completed: 298, pending: 4, failed: 10 },
    });
    expect(body).toMatchObject({
      account: { account_number: merchant.account, fullname: "John Kamau", verified: true },
      active_key: { id: merchant.keyId, plan: "Professional", limit_remaining: 5000, fraud_suspended: false },
      subscription: { plan: "Professional", status: "active", api_calls: 5000 },
      transaction_stats: { total: 0, completed: 0, pending: 0, failed: 0 },
    });
  });
});

describe("SMS API", () => {
  const send = ({ key }: Merchant, body: object | string) =>
    call("POST", "/v1/sms/", body, { headers: { "X-API-Key": key } });
  const balance = async ({ key }: Merchant) =>
    (await call("GET", "/v1/sms/balance", undefined, { headers: { "X-API-Key": key } })).body;

  it("the example is answered as the text says, but for its slip in counting", async () => {
    const merchant = await newMerchant({ sms_credits: 100 });
    const { body } = await send(merchant, '{"phone":"0712345678","message":"Hello from SmartPay!"}');
    const data = {
      transaction_id: "5713595232279350695",
      mobile: "254712345678",
      sms_parts: 1,
      characters: 20,
      cost: 1,
      remaining_balance: 99,
    };
    expectForm(body, { status: "success", data });
    const { transaction_id: _, ...same } = data;
    expect(body).toMatchObject({ success: true, status: "success", data: same });
    expect(await balance(merchant)).toEqual({ success: true, status: "success", data: { balance: 99 } });
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
  ])("a message of %i characters costs %i", async (characters, cost) => {
    const merchant = await newMerchant({ sms_credits: 10 });
    const { body } = await send(merchant, { phone: "0712345678", message: "a".repeat(characters) });
    expect(body.data).toMatchObject({ sms_parts: cost, cost, characters, remaining_balance: 10 - cost });
  });

  it.each(["0712345679", "0112345679", "254712345679"])("%s is a number", async (phone) => {
    const { body } = await send(await newMerchant({ sms_credits: 1 }), { phone, message: "Hello" });
    expect(body.data.mobile).toBe(phone.replace(/^0/, "254"));
  });
});

describe("Webhooks", () => {
  it("the payload is the text's, name by name and in its order", async () => {
    const merchant = await newMerchant();
    const callbackurl = `${listener.url}/payload`;
    await merchant.call("PUT", `/v1/keys/${merchant.keyId}/destination`, { method: "wallet", callbackurl });
    const { body } = await push(merchant, "254700000000", 150);
    const told = await listener.next(({ path }) => path === "/payload");
    expect(told.headers["content-type"]).toContain("application/json");
    const receipt = (await settled(merchant, body.checkout_request_id)).mpesa_receipt;
    const expected = {
      Body: {
        stkCallback: {
          MerchantRequestID: body.merchant_request_id,
          CheckoutRequestID: body.checkout_request_id,
          ResultCode: 0,
          ResultDesc: "The service request is processed successfully.",
          CallbackMetadata: {
            Item: [
              { Name: "Amount", Value: 150 },
              { Name: "MpesaReceiptNumber", Value: receipt },
              { Name: "TransactionDate", Value: 20250617005603 },
              { Name: "PhoneNumber", Value: 254700000000 },
            ],
          },
        },
      },
    };
    const withoutDate = (value: unknown) =>
      JSON.stringify(value).replace(/"Value":20\d{12}/, '"Value":"a time"');
    expect(withoutDate(told.body)).toBe(withoutDate(expected));
  });

  it("a test event reaches the server, and no payment can be read from it", async () => {
    const merchant = await newMerchant();
    const callbackurl = `${listener.url}/test-event`;
    await merchant.call("PUT", `/v1/keys/${merchant.keyId}/destination`, { method: "wallet", callbackurl });
    const { status, body } = await merchant.call("POST", `/v1/keys/${merchant.keyId}/test-webhook`);
    expect(status).toBe(202);
    const told = await listener.next(({ path }) => path === "/test-event");
    expect(told.headers["webhook-test"]).toBe("true");
    expect(told.body).toEqual(body.webhook.body);
    expect(told.body).toMatchObject({ Body: { stkCallback: { ResultCode: 9999 } } });
  });

  it("a delivery can be replayed", async () => {
    const merchant = await newMerchant();
    const callbackurl = `${listener.url}/replayed`;
    await merchant.call("PUT", `/v1/keys/${merchant.keyId}/destination`, { method: "wallet", callbackurl });
    await push(merchant, "254700000001");
    const delivered = await eventually(
      async () => (await merchant.call("GET", "/v1/webhooks?status=delivered")).body.webhooks,
      (webhooks) => webhooks?.length > 0,
    );
    await merchant.call("POST", `/v1/webhooks/${delivered[0].id}/replay`);
    const [first, second] = await eventually(
      async () => listener.received.filter(({ path }) => path === "/replayed"),
      (received) => received.length > 1,
    );
    expect(second?.body).toEqual(first?.body);
    expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
  });
});

const UNKNOWN_KEY = "0".repeat(64);

/** Settles all but the last push, and answers that one's error. */
async function blocked(
  phones: string[],
  end: (phone: string, ref: string) => Promise<unknown>,
): Promise<Answer> {
  const merchant = await newMerchant({}, strict);
  for (const phone of phones) {
    const { body } = await push(merchant, phone);
    await end(phone, body.checkout_request_id);
    await settled(merchant, body.checkout_request_id);
  }
  await new Promise((resolve) => setTimeout(resolve, 1_000)); // the key's history follows the settlement
  return push(merchant);
}

const byItself = async () => undefined;
const cancelled = (phone: string, ref: string) => cancel(phone, ref, strict);

async function until(error_code: string, ask: () => Promise<Answer>, atMost: number): Promise<Answer> {
  for (let i = 0; i < atMost; i++) {
    const answer = await ask();
    if (answer.body.error_code === error_code) return answer;
  }
  throw new Error(`no ${error_code} within ${atMost} requests`);
}

/** The text's table "API errors": the code, its HTTP status, and a request that meets it. */
const API_ERRORS: [string, number, () => Promise<Answer>][] = [
  ["MISSING_AUTH", 401, () => call("GET", "/v1/keys")],
  ["INVALID_API_KEY", 401, () => client(UNKNOWN_KEY)("GET", "/v1/keys")],
  [
    "KEY_SUSPENDED",
    403,
    async () => {
      const merchant = await newMerchant();
      await operator("POST", `/keys/${merchant.keyId}/suspend`);
      return push(merchant);
    },
  ],
  [
    "KEY_INACTIVE",
    403,
    async () => {
      const { call: ask } = await newMerchant();
      const { body } = await ask("POST", "/v1/keys", { name: "Without a plan" });
      return push({ call: client(body.account.api_key) });
    },
  ],
  [
    "LIMIT_REACHED",
    403,
    async () => {
      const merchant = await newMerchant({ plan: "Trial" });
      const payment = async () => {
        const phone = newPhone();
        const { body } = await push(merchant, phone);
        await answerPrompt(phone, body.checkout_request_id, { pin: "1234" });
      };
      // Unpaid they would end by themselves, and the fraud rules block a key whose payments fail.
      for (let i = 0; i < 5; i++) await Promise.all(Array.from({ length: 10 }, payment));
      return push(merchant);
    },
  ],
  ["MISSING_FIELDS", 400, async () => (await newMerchant()).call("POST", "/v1/stk/push", {})],
  ["INVALID_PHONE", 400, async () => push(await newMerchant(), "12345")],
  ["INVALID_AMOUNT", 400, async () => push(await newMerchant(), newPhone(), 300_001)],
  [
    "DUPLICATE_NAME",
    409,
    async () => {
      const { call: ask } = await newMerchant();
      await ask("POST", "/v1/keys", { name: "Production App" });
      return ask("POST", "/v1/keys", { name: "Production App" });
    },
  ],
  [
    "CANNOT_DELETE_DEFAULT",
    400,
    async () => {
      const { call: ask, keyId } = await newMerchant();
      return ask("DELETE", `/v1/keys/${keyId}`);
    },
  ],
  [
    "IP_RATE_LIMIT",
    429,
    () => {
      const headers = { "CF-Connecting-IP": newAddress() };
      // Twice the limit, in case that a minute ends meanwhile.
      return until("IP_RATE_LIMIT", () => call("GET", "/v1/ping", undefined, { headers }), 401);
    },
  ],
  [
    "RATE_LIMIT_MINUTE",
    429,
    async () => {
      const { call: ask } = await newMerchant();
      return until("RATE_LIMIT_MINUTE", () => ask("GET", "/v1/keys"), 121);
    },
  ],
  [
    "RATE_LIMIT_DAY",
    429,
    async () => {
      const { call: ask } = await newMerchant({}, strict);
      return until("RATE_LIMIT_DAY", () => ask("GET", "/v1/keys"), STRICT.key_day + 1);
    },
  ],
  [
    "PHONE_RATE_LIMIT",
    429,
    async () => {
      const merchant = await newMerchant();
      const phone = newPhone();
      for (let i = 0; i < 3; i++) {
        const { status, body } = await push(merchant, phone);
        expect(status).toBe(200);
        await cancel(phone, body.checkout_request_id);
      }
      return push(merchant, phone);
    },
  ],
  [
    "FRAUD_BLOCK_FAILURE_RATE",
    403,
    () => blocked(["254700000001", "254700001037", "254700002001"], byItself),
  ],
  [
    "FRAUD_BLOCK_PHONE_DIVERSITY",
    403,
    () => blocked(["254700001001", "254700009999", "254700000026"], byItself),
  ],
  [
    "FRAUD_BLOCK_BURST",
    429,
    () => blocked(["254700000000", "254700000001", "254700001037", "254700000000"], byItself),
  ],
  ["FRAUD_BLOCK_CANCEL_RATE", 403, () => blocked([newPhone(), newPhone(), newPhone()], cancelled)],
  [
    "PAYMENT_FAILURE",
    500,
    async () => {
      const merchant = await newMerchant();
      await simulator("PUT", "/faults", { stk_push: { refuse: { count: 1 } } });
      return push(merchant);
    },
  ],
  ["NOT_FOUND", 404, async () => (await newMerchant()).call("GET", "/v1/transactions/ws_CO_0")],
];

describe("Error Codes", () => {
  it.each(API_ERRORS)("%s is %i", async (error_code, status, provoke) => {
    const { status: answered, headers, body } = await provoke();
    expect([answered, body.error_code]).toEqual([status, error_code]);
    expect(body).toMatchObject({ success: false, message: expect.stringMatching(/\S/) });
    expect(body.request_id).toBe(headers.get("X-Request-Id"));
    expect(headers.get("Content-Type")).toContain("application/json");
    if (status === 429) expect(Number(headers.get("Retry-After"))).toBeGreaterThan(0);
  });

  it.each(["not-hex", "a".repeat(63), "A".repeat(64).replace(/A/g, "G")])("%s is no key", async (key) => {
    expect((await client(key)("GET", "/v1/keys")).body.error_code).toBe("INVALID_API_KEY");
  });

  it.each([0, -1, 1.5, "abc"])("%s is no amount", async (amount) => {
    const { call: ask } = await newMerchant();
    const { status, body } = await ask("POST", "/v1/stk/push", { phone: newPhone(), amount });
    expect([status, body.error_code]).toEqual([400, "INVALID_AMOUNT"]);
  });

  it.each(["/v1/nothing", "/v1/keys/999999", "/v1/keys/x/destination"])("%s does not exist", async (path) => {
    const { status, body } = await (await newMerchant()).call("GET", path);
    expect([status, body.error_code]).toEqual([404, "NOT_FOUND"]);
  });
});

/** The text's table "M-Pesa ResultCodes"; the simulator's numbers end in the code they answer with. */
const RESULT_CODES = [0, 1, 1001, 1019, 1032, 1037, 2001, 9999];

describe("M-Pesa ResultCodes", () => {
  it.each(RESULT_CODES)("%i reaches the merchant as it is", async (code) => {
    const merchant = await newMerchant();
    const callbackurl = `${listener.url}/code-${code}`;
    await merchant.call("PUT", `/v1/keys/${merchant.keyId}/destination`, { method: "wallet", callbackurl });
    const { body } = await push(merchant, String(254_700_000_000 + code));
    const told = await listener.next(({ path }) => path === `/code-${code}`);
    expect(told.body).toMatchObject({
      Body: { stkCallback: { CheckoutRequestID: body.checkout_request_id, ResultCode: code } },
    });
    const isPaid = code === 0;
    expect("CallbackMetadata" in (told.body as Told).Body.stkCallback).toBe(isPaid);
    expect(await settled(merchant, body.checkout_request_id)).toMatchObject({
      status: isPaid ? "completed" : "failed",
      result_code: String(code),
      mpesa_receipt: isPaid ? expect.stringMatching(/^[A-Z0-9]{10}$/) : null,
    });
  });
});
type Told = { Body: { stkCallback: object } };

/** The text's table "Supported Banks". */
const BANKS = [
  "111777 303030 972900 247247 222111 542542 522522 522533 547700 488488 600100 329329 516600 700201",
  "400200 400222 100400 4156839 200999 982800 559900 888600 508400 972700 498100 328585 919700 344500",
  "985050 529901 910200 111999 101200 333222 514000 802200 777001 862862 504600 200555",
].flatMap((line) => line.split(" "));

describe("Supported Banks", () => {
  it("each of the forty is taken, and no other", async () => {
    const { call: ask, keyId, account } = await newMerchant();
    expect(BANKS).toHaveLength(40);
    const set = (bank_code: string, bank_account: string) =>
      ask("PUT", `/v1/keys/${keyId}/destination`, { method: "bankpaybill", bank_code, bank_account });
    for (const bank of BANKS) {
      const isWallet = bank === "4156839";
      const answer = await set(bank, isWallet ? account : "0123456789");
      expect([bank, answer.status, answer.body.destination?.bank_code]).toEqual([bank, 200, bank]);
    }
    const unknown = await set("123456", "0123456789");
    expect([unknown.status, unknown.body.error_code]).toEqual([400, "INVALID_DESTINATION"]);
  });
});
