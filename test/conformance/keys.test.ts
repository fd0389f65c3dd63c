import { expect, it } from "vitest";
import { forget, get, type Key, newKey, newName, post, put, remove } from "./support/gateway.ts";
import { isLocal, target } from "./support/target.ts";

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
const KEY = expect.stringMatching(/^[0-9a-f]{64}$/);

const accountOf = async ({ id }: Key) => (await get(`/v1/keys/${id}`, target.key)).body.account;
const setDestination = ({ id, key }: Key, body: object) => put(`/v1/keys/${id}/destination`, key, body);
const errorOf = async (answer: Promise<{ status: number; body: { error_code?: string } }>) => {
  const { status, body } = await answer;
  return [status, body.error_code];
};

it("a created account is answered with 201 and the text's fields", async () => {
  const name = newName();
  const { status, body } = await post("/v1/keys", target.key, { name });
  forget(body.account.id);
  expect([status, body]).toEqual([
    201,
    {
      success: true,
      message: "API account created successfully.",
      account: {
        id: expect.any(Number),
        name,
        is_default: false,
        active: false,
        limit: 0,
        api_key: KEY,
        destination: { method: "wallet" },
        callbackurl: "",
        created_at: TIME,
      },
    },
  ]);
});

it("the list has every account with the text's fields", async () => {
  const made = await newKey();
  const { accounts, count } = (await get("/v1/keys", target.key)).body;
  expect(count).toBe(accounts.length);
  expect(accounts.find(({ id }: Key) => id === made.id)).toEqual({
    id: made.id,
    name: made.name,
    is_default: false,
    active: false,
    limit: 0,
    fraud_suspended: false,
    destination: { method: "wallet" },
    callbackurl: "",
    notify_email: "",
    notify_phone: "",
    created_at: TIME,
    last_used_at: null,
  });
});

it("the api_key is shown by create and regenerate alone", async () => {
  const made = await newKey();
  for (const path of ["/v1/keys", `/v1/keys/${made.id}`, `/v1/keys/${made.id}/destination`, "/v1/account"]) {
    expect(JSON.stringify((await get(path, made.key)).body)).not.toContain(made.key);
  }
});

it("one account shows its key by a hint", async () => {
  const made = await newKey();
  expect((await accountOf(made)).api_key_hint).toBe(`${made.key.slice(0, 4)}…${made.key.slice(-4)}`);
});

it("a name is required, of 1 to 80 characters", async () => {
  expect(await errorOf(post("/v1/keys", target.key, {}))).toEqual([400, "MISSING_FIELDS"]);
  for (const name of ["", "   ", "x".repeat(81), 7]) {
    expect((await post("/v1/keys", target.key, { name })).status).toBe(400);
  }
  const longest = newName().padEnd(80, "x");
  const { body } = await post("/v1/keys", target.key, { name: longest });
  forget(body.account.id);
  expect(body.account.name).toBe(longest);
});

it("a name that exists in whatever case is DUPLICATE_NAME, and is free again after a delete", async () => {
  const { id, name } = await newKey();
  for (const same of [name, name.toUpperCase(), `  ${name} `]) {
    expect(await errorOf(post("/v1/keys", target.key, { name: same }))).toEqual([409, "DUPLICATE_NAME"]);
  }
  await remove(`/v1/keys/${id}`, target.key);
  const again = await post("/v1/keys", target.key, { name });
  forget(again.body.account.id);
  expect(again.status).toBe(201);
});

it("regenerating gives a new key, and the old one stops working on the next request", async () => {
  const made = await newKey();
  const { body } = await post(`/v1/keys/${made.id}/regenerate`, target.key);
  expect(body).toMatchObject({ success: true, account: { id: made.id, name: made.name, api_key: KEY } });
  expect(await errorOf(get("/v1/account", made.key))).toEqual([401, "INVALID_API_KEY"]);
  expect((await get("/v1/account", body.account.api_key)).status).toBe(200);
});

it("a deleted account is gone, and so is its key", async () => {
  const { id, key } = await newKey();
  expect((await remove(`/v1/keys/${id}`, target.key)).body.success).toBe(true);
  expect(await errorOf(get(`/v1/keys/${id}`, target.key))).toEqual([404, "NOT_FOUND"]);
  expect(await errorOf(get("/v1/account", key))).toEqual([401, "INVALID_API_KEY"]);
});

it("the default account can be changed, and is not deleted", async () => {
  const { accounts } = (await get("/v1/keys", target.key)).body;
  const before = accounts.find(({ is_default }: { is_default: boolean }) => is_default);
  const made = await newKey();
  try {
    expect((await post(`/v1/keys/${made.id}/set-default`, target.key)).body.success).toBe(true);
    expect((await accountOf(made)).is_default).toBe(true);
    expect(await errorOf(remove(`/v1/keys/${made.id}`, target.key))).toEqual([400, "CANNOT_DELETE_DEFAULT"]);
  } finally {
    await post(`/v1/keys/${before.id}/set-default`, target.key);
  }
  expect((await accountOf(made)).is_default).toBe(false);
});

it("an account that is not the merchant's is NOT_FOUND", async () => {
  for (const id of ["999999999", "0", "abc"]) {
    expect(await errorOf(get(`/v1/keys/${id}`, target.key))).toEqual([404, "NOT_FOUND"]);
    expect(await errorOf(remove(`/v1/keys/${id}`, target.key))).toEqual([404, "NOT_FOUND"]);
  }
});

it("a key of scope payments may read its own payments, and manage nothing", async () => {
  const { id, key } = await newKey("payments");
  expect((await get("/v1/transactions", key)).body).toMatchObject({ success: true, count: 0 });
  for (const answer of [
    get("/v1/keys", key),
    post("/v1/keys", key, { name: newName() }),
    put(`/v1/keys/${id}/destination`, key, { method: "wallet" }),
    post(`/v1/keys/${id}/regenerate`, key),
    remove(`/v1/keys/${id}`, key),
  ]) {
    expect(await errorOf(answer)).toEqual([403, "FORBIDDEN_SCOPE"]);
  }
});

it("a new key manages, reads and texts without a subscription, and cannot push", async () => {
  const { id, key } = await newKey();
  for (const path of ["/v1/keys", `/v1/keys/${id}`, "/v1/transactions", "/v1/account", "/v1/sms/balance"]) {
    expect((await get(path, key)).status).toBe(200);
  }
  const pushed = post("/v1/stk/push", key, { phone: "254712345678", amount: 1 });
  expect(await errorOf(pushed)).toEqual([403, "KEY_INACTIVE"]);
});

it("payments can go to each of the five methods", async () => {
  const made = await newKey();
  for (const destination of [
    { method: "phone", phone: "254712345678" },
    { method: "paybill", paybill_number: "123456", account_number: "ACC001" },
    { method: "till", till_number: "12345" },
    { method: "bankpaybill", bank_code: "247247", bank_account: "0123456789" },
    { method: "wallet" },
  ]) {
    const { status, body } = await setDestination(made, destination);
    expect([status, body.success, body.destination]).toEqual([200, true, destination]);
    expect((await get(`/v1/keys/${made.id}/destination`, made.key)).body.destination).toEqual(destination);
  }
});

it("each method requires its own fields", async () => {
  const made = await newKey();
  for (const body of [
    {},
    { method: "phone" },
    { method: "paybill", paybill_number: "123456" },
    { method: "paybill", account_number: "ACC001" },
    { method: "till" },
    { method: "bankpaybill", bank_code: "247247" },
    { method: "bankpaybill", bank_account: "0123456789" },
  ]) {
    expect(await errorOf(setDestination(made, body))).toEqual([400, "MISSING_FIELDS"]);
  }
});

it("an unknown method or bank, a malformed number or another method's field is INVALID_DESTINATION", async () => {
  const made = await newKey();
  for (const body of [
    { method: "cheque" },
    { method: "phone", phone: "12345" },
    { method: "till", till_number: "1234" },
    { method: "till", till_number: "12345678" },
    { method: "paybill", paybill_number: "12x456", account_number: "A" },
    { method: "paybill", paybill_number: "123456", account_number: "x".repeat(21) },
    { method: "bankpaybill", bank_code: "123123", bank_account: "0123456789" },
    { method: "bankpaybill", bank_code: "247247", bank_account: "1234" },
    { method: "wallet", till_number: "12345" },
  ]) {
    expect(await errorOf(setDestination(made, body))).toEqual([400, "INVALID_DESTINATION"]);
  }
});

const BANKS =
  `111777 303030 972900 247247 222111 542542 522522 522533 547700 488488 600100 329329 516600 700201
  400200 400222 100400 200999 982800 559900 888600 508400 972700 498100 328585 919700 344500 985050 529901
  910200 111999 101200 333222 514000 802200 777001 862862 504600 200555`.split(/\s+/);

it("every bank of the table is taken", async () => {
  const made = await newKey();
  for (const bank_code of BANKS) {
    const { body } = await setDestination(made, {
      method: "bankpaybill",
      bank_code,
      bank_account: "0123456789",
    });
    expect([bank_code, body.success]).toEqual([bank_code, true]);
  }
});

it("the bank SMARTPAY WALLET takes the merchant's own account number alone", async () => {
  const made = await newKey();
  const { account_number } = (await get("/v1/account", made.key)).body.account;
  const wallet = { method: "bankpaybill", bank_code: "4156839" };
  expect((await setDestination(made, { ...wallet, bank_account: account_number })).body.success).toBe(true);
  const other = account_number === "SP00000001" ? "SP00000002" : "SP00000001";
  expect(await errorOf(setDestination(made, { ...wallet, bank_account: other }))).toEqual([
    400,
    "INVALID_DESTINATION",
  ]);
});

it("the callback URL is set with the destination, stays where it is absent, and goes where it is empty", async () => {
  const made = await newKey();
  const callbackurl = isLocal ? "http://localhost:3000/callback" : "https://example.com/callback";
  const destination = { method: "till", till_number: "12345" };
  expect((await setDestination(made, { ...destination, callbackurl })).body.callbackurl).toBe(callbackurl);
  expect((await setDestination(made, destination)).body.callbackurl).toBe(callbackurl);
  expect((await accountOf(made)).callbackurl).toBe(callbackurl);
  expect((await setDestination(made, { ...destination, callbackurl: "" })).body.callbackurl).toBe("");
});

it("a callback URL is https on port 443 of a public host, without credentials", async () => {
  const made = await newKey();
  for (const callbackurl of [
    "http://example.com/callback",
    "https://example.com:8443/callback",
    "https://user:pass@example.com/callback",
    "https://10.0.0.1/callback",
    "https://[::1]/callback",
    "https://2130706433/callback",
    "https://0x7f.1/callback",
    "https://169.254.169.254/latest/meta-data",
    "https://router.local/callback",
    "ftp://example.com/callback",
    "nonsense",
  ]) {
    const answer = await errorOf(setDestination(made, { method: "wallet", callbackurl }));
    expect([callbackurl, ...answer]).toEqual([callbackurl, 400, "INVALID_CALLBACK_URL"]);
  }
});

it("notifications are set, and disabled by an empty text", async () => {
  const made = await newKey();
  const set = (body: object) => put(`/v1/keys/${made.id}/notifications`, made.key, body);
  const both = { notify_email: "payments@myapp.com", notify_phone: "254712345678" };
  expect((await set(both)).body).toMatchObject({ success: true, ...both });
  expect(await accountOf(made)).toMatchObject(both);
  await set({ notify_email: "" });
  expect(await accountOf(made)).toMatchObject({ ...both, notify_email: "" });
  await set({ notify_phone: "" });
  expect(await accountOf(made)).toMatchObject({ notify_email: "", notify_phone: "" });
});

it("notifications go to an email address and a Kenyan number", async () => {
  const made = await newKey();
  const set = (body: object) => put(`/v1/keys/${made.id}/notifications`, made.key, body);
  expect((await set({ notify_email: "no address" })).status).toBe(400);
  expect(await errorOf(set({ notify_phone: "12345" }))).toEqual([400, "INVALID_PHONE"]);
  expect(await errorOf(set({}))).toEqual([400, "MISSING_FIELDS"]);
});

it("the webhook secret is shown to its key, and can be rotated", async () => {
  const made = await newKey();
  const path = `/v1/keys/${made.id}/webhook-secret`;
  const first = (await get(path, made.key)).body;
  expect(first).toMatchObject({ success: true, webhook_secret: expect.stringMatching(/^whsec_/) });
  const rotated = (await post(path, made.key)).body;
  expect(rotated.webhook_secret).toMatch(/^whsec_/);
  expect(rotated.webhook_secret).not.toBe(first.webhook_secret);
  expect((await get(path, made.key)).body.webhook_secret).toBe(rotated.webhook_secret);
});
