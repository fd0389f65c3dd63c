import { beforeEach, describe, expect, it, vi } from "vitest";
import { BANKS } from "../../../src/features/keys/banks.ts";
import {
  callBack,
  type Merchant,
  newMerchant,
  newPhone,
  paid,
  request,
  rows,
} from "../../support/gateway.ts";
import { freshNetwork, type Network } from "../../support/network.ts";
import { PAYING } from "../../support/payouts.ts";

let network: Network;
beforeEach(() => {
  network = freshNetwork();
});

/** It loses everything, so that nothing goes on behind the test. */
const { NOTICE_QUEUE } = PAYING;

const set = (merchant: Merchant, body: object, over: object = {}) =>
  request(`/v1/keys/${merchant.keyId}/destination`, {
    key: merchant.key,
    method: "PUT",
    body,
    env: { NOTICE_QUEUE, ...over },
  });
const stored = async ({ keyId }: Merchant) =>
  (
    await rows<{ destination: string; callback_url: string }>("SELECT * FROM api_keys WHERE id = ?", keyId)
  )[0];
const code = (answer: Awaited<ReturnType<typeof request>>) => [answer.status, answer.body.error_code];

const PAYBILL = { method: "paybill", paybill_number: "888880", account_number: "ACC-001/2026" };
const TILL = { method: "till", till_number: "567567" };
const BANK = { method: "bankpaybill", bank_code: "247247", bank_account: "01234567890123" };
const PHONE = { method: "phone", phone: "254712345678" };

describe("each method", () => {
  it.each([
    ["wallet", { method: "wallet" }],
    ["phone", PHONE],
    ["paybill", PAYBILL],
    ["till", TILL],
    ["bankpaybill", BANK],
    ["paybill with the shortest values", { method: "paybill", paybill_number: "12345", account_number: "1" }],
    [
      "paybill with the longest",
      { method: "paybill", paybill_number: "1234567", account_number: "A".repeat(20) },
    ],
    [
      "paybill with spaces within",
      { method: "paybill", paybill_number: "12345", account_number: "Unit 4 B" },
    ],
    ["bankpaybill with the longest", { ...BANK, bank_account: "1".repeat(20) }],
    ["bankpaybill with leading zeros", { ...BANK, bank_account: "00000" }],
  ])("%s is stored and shown as it was given", async (_, destination) => {
    const merchant = await newMerchant();
    const answer = await set(merchant, destination);
    expect([answer.status, answer.body.success]).toEqual([200, true]);
    expect(JSON.parse((await stored(merchant))?.destination ?? "")).toEqual(destination);
    const shown = await request(`/v1/keys/${merchant.keyId}/destination`, { key: merchant.key });
    expect(JSON.stringify(shown.body)).toContain(JSON.stringify(destination));
  });

  it.each(["0712345678", "+254 712-345 678", 254712345678])(
    "phone takes %s for the same number",
    async (phone) => {
      const merchant = await newMerchant();
      await set(merchant, { method: "phone", phone });
      expect(JSON.parse((await stored(merchant))?.destination ?? "")).toEqual(PHONE);
    },
  );

  it("takes shortcodes and account numbers as numbers too, digit by digit", async () => {
    const merchant = await newMerchant();
    await set(merchant, { method: "paybill", paybill_number: 888880, account_number: 1234567890 });
    expect(JSON.parse((await stored(merchant))?.destination ?? "")).toEqual({
      method: "paybill",
      paybill_number: "888880",
      account_number: "1234567890",
    });
  });

  it("takes null in another method's field as absent", async () => {
    const merchant = await newMerchant();
    const unset = { phone: null, paybill_number: null, account_number: null, bank_code: null };
    expect((await set(merchant, { method: "till", till_number: "888880", ...unset })).status).toBe(200);
    expect(JSON.parse((await stored(merchant))?.destination ?? "")).toEqual({
      method: "till",
      till_number: "888880",
    });
  });

  it.each<[string, object, string[]]>([
    ["no method", {}, ["method"]],
    ["a null method", { method: null }, ["method"]],
    ["no phone", { method: "phone" }, ["phone"]],
    ["a null phone", { method: "phone", phone: null }, ["phone"]],
    ["nothing of a paybill", { method: "paybill" }, ["paybill_number", "account_number"]],
    ["no account number", { method: "paybill", paybill_number: "888880" }, ["account_number"]],
    ["no till number", { method: "till" }, ["till_number"]],
    ["nothing of a bank", { method: "bankpaybill" }, ["bank_code", "bank_account"]],
  ])("with %s is MISSING_FIELDS, and names them", async (_, body, fields) => {
    const merchant = await newMerchant();
    const answer = await set(merchant, body);
    expect(code(answer)).toEqual([400, "MISSING_FIELDS"]);
    expect(answer.body.errors.map((error: { field: string }) => error.field)).toEqual(fields);
  });

  it.each<[string, object]>([
    ["an unknown method", { method: "pochi" }],
    ["a method of Object's", { method: "constructor" }],
    ["a method that is a list", { method: ["wallet"] }],
    ["a method in capitals", { method: "Wallet" }],
    ["another method's field", { ...TILL, phone: "254712345678" }],
    ["a wallet with a phone", { ...PHONE, method: "wallet" }],
    ["a phone of another country", { method: "phone", phone: "255712345678" }],
    ["a landline", { method: "phone", phone: "254202345678" }],
    ["a paybill of 4 digits", { ...PAYBILL, paybill_number: "1234" }],
    ["a paybill of 8 digits", { ...PAYBILL, paybill_number: "12345678" }],
    ["a paybill with letters", { ...PAYBILL, paybill_number: "88888O" }],
    ["a paybill with a line end", { ...PAYBILL, paybill_number: "888880\n" }],
    ["digits that are not ASCII", { ...PAYBILL, paybill_number: "٨٨٨٨٨٠" }],
    ["a negative paybill", { ...PAYBILL, paybill_number: -888880 }],
    ["a fractional paybill", { ...PAYBILL, paybill_number: 88888.5 }],
    ["an empty account", { ...PAYBILL, account_number: "" }],
    ["an account of spaces", { ...PAYBILL, account_number: "   " }],
    ["an account of 21 characters", { ...PAYBILL, account_number: "1".repeat(21) }],
    ["an account with a control character", { ...PAYBILL, account_number: "ACC\u0000001" }],
    ["an account with an emoji", { ...PAYBILL, account_number: "ACC🙂" }],
    ["an account that a number cannot hold", { ...PAYBILL, account_number: 2 ** 60 }],
    ["a till of 4 digits", { method: "till", till_number: "1234" }],
    ["an unknown bank", { ...BANK, bank_code: "999999" }],
    ["a bank's name", { ...BANK, bank_code: "Equity Bank" }],
    ["a bank account of 4 characters", { ...BANK, bank_account: "1234" }],
    ["a bank account of 21 characters", { ...BANK, bank_account: "1".repeat(21) }],
    ["an object for a number", { ...BANK, bank_account: { $ne: "" } }],
    ["the operator's shortcode as a paybill", { ...PAYBILL, paybill_number: "600999" }],
    ["the operator's shortcode as a till", { method: "till", till_number: "600999" }],
    ["the wallet's own code as a paybill", { ...PAYBILL, paybill_number: "4156839" }],
    [
      "the wallet of another merchant",
      { method: "bankpaybill", bank_code: "4156839", bank_account: "SP36413506" },
    ],
  ])("with %s is INVALID_DESTINATION, and changes nothing", async (_, body) => {
    const merchant = await newMerchant();
    expect(code(await set(merchant, body))).toEqual([400, "INVALID_DESTINATION"]);
    expect((await stored(merchant))?.destination).toBe('{"method":"wallet"}');
  });

  it.each<[string, object, string]>([
    ["an unknown bank", { ...BANK, bank_code: "999999" }, "bank_code"],
    ["the operator's shortcode as a paybill", { ...PAYBILL, paybill_number: "600999" }, "paybill_number"],
    ["the wallet's own code as a paybill", { ...PAYBILL, paybill_number: "4156839" }, "paybill_number"],
    ["the operator's shortcode as a till", { ...TILL, till_number: "600999" }, "till_number"],
    ["the wallet of another merchant", { ...BANK, bank_code: "4156839" }, "bank_account"],
    ["another method's field", { ...TILL, phone: "254712345678" }, "phone"],
  ])("with %s names the field at fault", async (_, body, field) => {
    const { errors } = (await set(await newMerchant(), body)).body;
    expect(errors).toEqual([{ field, message: expect.any(String) }]);
  });

  it.each(["ACC 001/é", " ACC", "ACC ", ""])("says what the account number %j should be", async (account) => {
    const { errors } = (await set(await newMerchant(), { ...PAYBILL, account_number: account })).body;
    const message = "must be 1 to 20 printable ASCII characters, without a space at either end";
    expect(errors).toEqual([{ field: "account_number", message }]);
  });

  it("refuses the operator's till too", async () => {
    const merchant = await newMerchant();
    const over = { DARAJA_TILL: "5551234" };
    expect(code(await set(merchant, { method: "till", till_number: "5551234" }, over))).toEqual([
      400,
      "INVALID_DESTINATION",
    ]);
    expect((await set(merchant, { method: "till", till_number: "5551234" })).status).toBe(200);
  });

  it("takes every bank of the text's table, the wallet's own with the own account alone", async () => {
    expect(BANKS.size).toBe(40);
    const merchant = await newMerchant();
    for (const bank_code of BANKS.keys()) {
      const bank_account = bank_code === "4156839" ? merchant.account : "0123456789";
      expect([
        bank_code,
        (await set(merchant, { method: "bankpaybill", bank_code, bank_account })).status,
      ]).toEqual([bank_code, 200]);
    }
  });
});

describe("the prompt names", () => {
  const SHORTCODE = {
    TransactionType: "CustomerPayBillOnline",
    PartyB: "600999",
    AccountReference: "INV-1001",
  };

  async function prompt(destination: object, over: Record<string, unknown>) {
    const merchant = await newMerchant();
    const own =
      (destination as { bank_code?: string }).bank_code === "4156839"
        ? { bank_account: merchant.account }
        : {};
    expect((await set(merchant, { ...destination, ...own })).status).toBe(200);
    const body = { phone: newPhone(), amount: 150, account_reference: "INV-1001" };
    const answer = await request("/v1/stk/push", { key: merchant.key, body, env: over });
    expect(answer.status).toBe(200);
    return network.pushes.at(-1);
  }

  it.each<[string, object, object]>([
    [
      "a paybill and its account",
      PAYBILL,
      { TransactionType: "CustomerPayBillOnline", PartyB: "888880", AccountReference: "ACC-001/2026" },
    ],
    [
      "a paybill and an account longer than a reference may be",
      { ...PAYBILL, account_number: "ACCOUNT NO. 12345/AB" },
      {
        TransactionType: "CustomerPayBillOnline",
        PartyB: "888880",
        AccountReference: "ACCOUNT NO. 12345/AB",
      },
    ],
    [
      "a till, with the merchant's reference",
      TILL,
      { TransactionType: "CustomerBuyGoodsOnline", PartyB: "567567", AccountReference: "INV-1001" },
    ],
    [
      "a bank and the account there, unaltered",
      BANK,
      { TransactionType: "CustomerPayBillOnline", PartyB: "247247", AccountReference: "01234567890123" },
    ],
    ["our shortcode for a wallet", { method: "wallet" }, SHORTCODE],
    ["our shortcode for a phone", PHONE, SHORTCODE],
    [
      "our shortcode for the wallet among the banks",
      { method: "bankpaybill", bank_code: "4156839" },
      SHORTCODE,
    ],
  ])("with direct routing %s", async (_, destination, named) => {
    expect(await prompt(destination, { ROUTING: "direct" })).toMatchObject({
      BusinessShortCode: "600999",
      ...named,
    });
  });

  it.each<[string, object]>([
    ["wallet", { method: "wallet" }],
    ["phone", PHONE],
    ["paybill", PAYBILL],
    ["till", TILL],
    ["bank", BANK],
  ])("with settle routing our shortcode, for a %s", async (_, destination) => {
    expect(await prompt(destination, { ROUTING: "settle" })).toMatchObject({
      BusinessShortCode: "600999",
      ...SHORTCODE,
    });
  });

  it("our till where we collect with one", async () => {
    expect(await prompt(PHONE, { ROUTING: "direct", DARAJA_TILL: "5551234" })).toMatchObject({
      BusinessShortCode: "600999",
      TransactionType: "CustomerBuyGoodsOnline",
      PartyB: "5551234",
    });
  });
});

/** Deployed: nothing of the local exceptions holds, and names are looked up. */
const DEPLOYED = {
  PUBLIC_BASE_URL: "https://pay.smartpay.co.ke",
  ENVIRONMENT: "sandbox",
  ROUTING: "direct",
  DARAJA_BASE_URL: "https://sandbox.safaricom.co.ke",
};

const HOSTILE = [
  // not https, or not a URL at all
  "http://duka.co.ke/cb",
  "ftp://duka.co.ke/cb",
  "file:///etc/passwd",
  "data:text/plain,hello",
  "javascript:alert(1)",
  "gopher://duka.co.ke:70/x",
  "ws://duka.co.ke/cb",
  "wss://duka.co.ke/cb",
  "//duka.co.ke/cb",
  "duka.co.ke/cb",
  "/cb",
  "https://",
  "https:///cb",
  "https://%00/",
  // loopback in every spelling
  "https://localhost/cb",
  "https://LOCALHOST/cb",
  "https://localhost./cb",
  "https://api.localhost/cb",
  "https://127.0.0.1/cb",
  "https://127.1/cb",
  "https://127.0.1/cb",
  "https://127.255.255.254/cb",
  "https://2130706433/cb",
  "https://0x7f000001/cb",
  "https://0x7f.1/cb",
  "https://0177.0.0.1/cb",
  "https://0177.0x0.0.01/cb",
  "https://017700000001/cb",
  "https://127.0.0.1./cb",
  "https://①②⑦.⓪.⓪.①/cb",
  "https://１２７．０．０．１/cb",
  "https://127。0。0。1/cb",
  "https://%31%32%37.0.0.1/cb",
  "https://0/cb",
  "https://0.0.0.0/cb",
  // private and special ranges, and public literals too
  "https://10.0.0.1/cb",
  "https://10.1/cb",
  "https://167772161/cb",
  "https://172.16.0.1/cb",
  "https://172.31.255.255/cb",
  "https://192.168.1.1/cb",
  "https://3232235777/cb",
  "https://169.254.169.254/latest/meta-data/",
  "https://2852039166/latest/meta-data/",
  "https://0xa9fea9fe/",
  "https://0251.0376.0251.0376/",
  "https://100.64.0.1/cb",
  "https://192.0.0.1/cb",
  "https://192.0.2.1/cb",
  "https://198.18.0.1/cb",
  "https://203.0.113.1/cb",
  "https://224.0.0.1/cb",
  "https://240.0.0.1/cb",
  "https://255.255.255.255/cb",
  "https://8.8.8.8/cb",
  "https://1.1.1.1/cb",
  // IPv6
  "https://[::1]/cb",
  "https://[::]/cb",
  "https://[0:0:0:0:0:0:0:1]/cb",
  "https://[::ffff:127.0.0.1]/cb",
  "https://[::ffff:7f00:1]/cb",
  "https://[::127.0.0.1]/cb",
  "https://[64:ff9b::7f00:1]/cb",
  "https://[2002:7f00:1::]/cb",
  "https://[fe80::1]/cb",
  "https://[fe80::1%25eth0]/cb",
  "https://[fc00::1]/cb",
  "https://[fd12:3456:789a::1]/cb",
  "https://[ff02::1]/cb",
  "https://[fd00:ec2::254]/latest/",
  "https://[2606:4700:4700::1111]/cb",
  // credentials
  "https://user@duka.co.ke/cb",
  "https://user:secret@duka.co.ke/cb",
  "https://:secret@duka.co.ke/cb",
  "https://duka.co.ke@127.0.0.1/cb",
  "https://duka.co.ke%40127.0.0.1/cb",
  "https://duka.co.ke\\@127.0.0.1/cb",
  "https://duka.co.ke\\.evil.com/cb",
  // ports
  "https://duka.co.ke:80/cb",
  "https://duka.co.ke:8443/cb",
  "https://duka.co.ke:22/cb",
  "https://duka.co.ke:444/cb",
  "https://duka.co.ke:65536/cb",
  // names that are local, or that resolve to what they spell
  "https://duka/cb",
  "https://intranet/cb",
  "https://duka.local/cb",
  "https://duka.internal/cb",
  "https://metadata.google.internal/computeMetadata/v1/",
  "https://duka.localdomain/cb",
  "https://duka.lan/cb",
  "https://duka.home/cb",
  "https://router.home.arpa/cb",
  "https://duka.corp/cb",
  "https://duka.private/cb",
  "https://duka.test/cb",
  "https://duka.example/cb",
  "https://duka.invalid/cb",
  "https://duka.onion/cb",
  "https://1.0.0.127.in-addr.arpa/cb",
  "https://127.0.0.1.nip.io/cb",
  "https://10-0-0-1.sslip.io/cb",
  "https://a.xip.io/cb",
  "https://localtest.me/cb",
  "https://a.localtest.me/cb",
  "https://lvh.me/cb",
  "https://duka.co.ke./cb",
  "https://duka.co.ke../cb",
  "https://.duka.co.ke/cb",
  "https://duka..co.ke/cb",
  "https://-duka.co.ke/cb",
  "https://duka-.co.ke/cb",
  "https://duka.123/cb",
  "https://duka.0x7f/cb",
  `https://${"a".repeat(64)}.co.ke/cb`,
  "https://du ka.co.ke/cb",
  "https://duka.co.ke/c b",
  "https://duka.co.ke/cb\r\nHost: evil",
  "https://duka.co.ke/cb\u0000",
  "https://duka.co.ke\t/cb",
  `https://duka.co.ke/${"a".repeat(2_048)}`,
  // our own, and our upstreams'
  "https://pay.smartpay.co.ke/v1/ping",
  "https://PAY.smartpay.co.ke:443/cb",
  "https://pay.smartpay.co.ke./cb",
  "https://sandbox.safaricom.co.ke/mpesa/b2c/v3/paymentrequest",
];

const SAFE = [
  "https://duka.co.ke/callback",
  "https://duka.co.ke",
  "https://DUKA.co.ke/Callback?order=1&x=%20#top",
  "https://duka.co.ke:443/callback",
  "https://a-b_c.duka.co.ke/cb",
  "https://xn--bcher-kva.example.com/cb",
  "https://bücher.com/cb",
  "https://localhost.duka.co.ke/cb",
  "https://mylocal.co.ke/cb",
  "https://10.duka.co.ke/cb",
  "https://duka.co.ke/http://127.0.0.1/",
  `https://duka.co.ke/${"a".repeat(2_000)}`,
];

describe("a callbackurl", () => {
  /** What the resolver says of a name. */
  const resolvesTo = (...addresses: string[]) => {
    network.merchant = (sent) => {
      const { hostname, searchParams } = new URL(sent.url);
      if (hostname !== "cloudflare-dns.com") return new Response("OK");
      const type = searchParams.get("type") === "A" ? 1 : 28;
      const own = addresses.filter((address) => address.includes(":") === (type === 28));
      const Answer = [{ type: 5, data: "alias.duka.co.ke." }, ...own.map((data) => ({ type, data }))];
      return Response.json({ Status: 0, Answer });
    };
  };
  const merchantCalls = () => network.sent.filter((sent) => !/daraja|cloudflare-dns/.test(sent.url));

  it("is judged by more than sixty hostile URLs", () => {
    expect(new Set(HOSTILE).size).toBe(HOSTILE.length);
    expect(HOSTILE.length).toBeGreaterThan(60);
  });

  it.each(HOSTILE)("%j is refused when it is saved", async (callbackurl) => {
    const merchant = await newMerchant();
    resolvesTo("196.201.214.200");
    const answer = await set(merchant, { method: "wallet", callbackurl }, DEPLOYED);
    expect(code(answer)).toEqual([400, "INVALID_CALLBACK_URL"]);
    expect(answer.body.errors).toEqual([{ field: "callbackurl", message: expect.any(String) }]);
    expect((await stored(merchant))?.callback_url).toBe("");
    expect(merchantCalls()).toEqual([]);
  });

  it.each(SAFE)("%j is saved as it was given", async (callbackurl) => {
    const merchant = await newMerchant();
    resolvesTo("196.201.214.200", "2c0f:fe38::1");
    expect((await set(merchant, { method: "wallet", callbackurl }, DEPLOYED)).status).toBe(200);
    expect((await stored(merchant))?.callback_url).toBe(callbackurl);
  });

  it.each(["SMS_BASE_URL", "EMAIL_BASE_URL"])("the host of %s is our own upstream's", async (setting) => {
    const merchant = await newMerchant();
    resolvesTo("196.201.214.200");
    const env = { ...DEPLOYED, [setting]: "https://upstream.co.ke" };
    const answer = await set(merchant, { method: "wallet", callbackurl: "https://upstream.co.ke/cb" }, env);
    expect(code(answer)).toEqual([400, "INVALID_CALLBACK_URL"]);
  });

  it.each(["http://localhost:9/cb", "http://127.0.0.1:9/cb"])(
    "%j is for local runs alone",
    async (callbackurl) => {
      const merchant = await newMerchant();
      expect(code(await set(merchant, { method: "wallet", callbackurl }, DEPLOYED))).toEqual([
        400,
        "INVALID_CALLBACK_URL",
      ]);
      expect((await set(merchant, { method: "wallet", callbackurl })).status).toBe(200);
    },
  );

  it.each([
    "http://localhost:8787/operator/v1/ledger/verify",
    "http://127.0.0.1:8787/",
    "http://[::1]:9/cb",
    "http://0.0.0.0:9/cb",
    "http://127.1.1.1:9/cb",
    "http://user@localhost:9/cb",
    "http://localhost.:9/cb",
    "http://duka.co.ke/cb",
    "http://daraja.test/cb",
    "https://127.0.0.1:9/cb",
  ])("%j is refused locally too", async (callbackurl) => {
    const merchant = await newMerchant();
    expect(code(await set(merchant, { method: "wallet", callbackurl }))).toEqual([
      400,
      "INVALID_CALLBACK_URL",
    ]);
  });

  it.each([
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "192.88.99.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "::ffff:10.0.0.1",
    "::ffff:a00:1",
    "::10.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "2002:a00:1::1",
    "2001:0:a00:1::",
    "2001:db8::1",
    "3fff::1",
    "100::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "no address",
  ])("whose name resolves to %s is refused, also beside a public address", async (address) => {
    const merchant = await newMerchant();
    resolvesTo("196.201.214.200", address);
    const callbackurl = "https://rebind.duka.co.ke/cb";
    expect(code(await set(merchant, { method: "wallet", callbackurl }, DEPLOYED))).toEqual([
      400,
      "INVALID_CALLBACK_URL",
    ]);
  });

  it("is saved where the resolver is silent: the platform itself reaches public addresses alone", async () => {
    const merchant = await newMerchant();
    network.merchant = () => {
      throw new DOMException("The connection went away.", "NetworkError");
    };
    expect((await set(merchant, { method: "wallet", callbackurl: SAFE[0] }, DEPLOYED)).status).toBe(200);
  });

  it("stays where it is absent, and goes where it is empty", async () => {
    const merchant = await newMerchant();
    await set(merchant, { method: "wallet", callbackurl: "http://localhost:9/cb" });
    await set(merchant, TILL);
    expect((await stored(merchant))?.callback_url).toBe("http://localhost:9/cb");
    await set(merchant, { ...TILL, callbackurl: "" });
    expect((await stored(merchant))?.callback_url).toBe("");
  });

  it("that is null stays as it is", async () => {
    const merchant = await newMerchant({ callbackUrl: "https://duka.co.ke/told" });
    expect((await set(merchant, { ...TILL, callbackurl: null })).status).toBe(200);
    expect((await stored(merchant))?.callback_url).toBe("https://duka.co.ke/told");
  });

  it.each([1, {}, ["https://duka.co.ke"]])("that is %j is refused", async (callbackurl) => {
    const merchant = await newMerchant();
    expect((await set(merchant, { ...TILL, callbackurl })).status).toBe(400);
    expect((await stored(merchant))?.destination).toBe('{"method":"wallet"}');
  });

  /** A payment whose key had this URL when it began, completed in a deployment. */
  async function completedWith(url: string) {
    const merchant = await newMerchant({ callbackUrl: url });
    const body = { phone: newPhone(), amount: 150 };
    const { body: ids } = await request("/v1/stk/push", { key: merchant.key, body });
    await callBack(network.pushes.at(-1)?.CallBackURL ?? "", paid(ids), { ...DEPLOYED, NOTICE_QUEUE });
    const [delivery] = await rows<{ status: string; attempts: string }>(
      "SELECT * FROM webhook_deliveries WHERE transaction_id = ?",
      ids.transaction_id,
    );
    return delivery;
  }

  it.each([
    "https://127.0.0.1/cb",
    "https://2130706433/cb",
    "https://[::1]/cb",
    "https://user@duka.co.ke/cb",
    "https://duka.co.ke:8443/cb",
    "https://duka.internal/cb",
    "https://pay.smartpay.co.ke/cb",
    "http://localhost:9/cb",
  ])("%j is not called, however it came to be stored", async (url) => {
    resolvesTo("196.201.214.200");
    expect(await completedWith(url)).toMatchObject({
      status: "pending",
      attempts: expect.stringContaining("not allowed"),
    });
    expect(merchantCalls()).toEqual([]);
  });

  it("is not called once its name has moved to a private address", async () => {
    resolvesTo("10.0.0.1");
    expect(await completedWith("https://duka.co.ke/cb")).toMatchObject({
      attempts: expect.stringContaining("not allowed"),
    });
    expect(merchantCalls()).toEqual([]);
    resolvesTo("196.201.214.200");
    expect(await completedWith("https://duka.co.ke/cb")).toMatchObject({ status: "delivered" });
    expect(merchantCalls()).toHaveLength(1);
  });

  it.each([301, 302, 303, 307, 308])(
    "that answers %i is not followed, and counts as failed",
    async (status) => {
      const location = "http://169.254.169.254/latest/meta-data/";
      network.merchant = (sent) =>
        sent.url.includes("duka.co.ke/cb")
          ? new Response(null, { status, headers: { Location: location } })
          : Response.json({ Status: 0 });
      expect(await completedWith("https://duka.co.ke/cb")).toMatchObject({ status: "pending" });
      expect(merchantCalls().map((sent) => [sent.url, sent.redirect])).toEqual([
        ["https://duka.co.ke/cb", "manual"],
      ]);
      expect(network.count("169.254")).toBe(0);
    },
  );
});

describe("a destination", () => {
  it("of another merchant's key, or by a key of scope payments, cannot be set", async () => {
    const [owner, other] = [await newMerchant(), await newMerchant()];
    expect(code(await set({ ...owner, key: other.key }, TILL))).toEqual([404, "NOT_FOUND"]);
    await rows("UPDATE api_keys SET scope = 'payments' WHERE id = ?", owner.keyId);
    expect(code(await set(owner, TILL))).toEqual([403, "FORBIDDEN_SCOPE"]);
    expect((await stored(owner))?.destination).toBe('{"method":"wallet"}');
  });

  it("that is set twenty times at once is one of the twenty, whole", async () => {
    vi.useRealTimers();
    const merchant = await newMerchant();
    const tills = Array.from({ length: 20 }, (_, i) => String(500_000 + i));
    await Promise.all(
      tills.map((till_number, i) =>
        set(merchant, { method: "till", till_number, callbackurl: `http://localhost:9/${i}` }),
      ),
    );
    const after = await stored(merchant);
    const i = tills.indexOf(JSON.parse(after?.destination ?? "{}").till_number);
    expect(after?.callback_url).toBe(`http://localhost:9/${i}`);
  });
});
