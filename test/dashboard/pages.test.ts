import { env } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { localPhone } from "../../src/lib/msisdn.ts";
import { callBack, failed, newPhone, request, rows } from "../support/gateway.ts";
import { Network } from "../support/network.ts";
import { type SignedUp, signUp, Visitor, verifyPhone } from "../support/visitor.ts";

const network = new Network();
let own: SignedUp;
let other: SignedUp;
beforeAll(async () => {
  network.install();
  [own, other] = [await signUp(), await signUp()];
  await verifyPhone(network, own);
});

const once = () => crypto.randomUUID().replaceAll("-", "");
const account = async (key: string) => (await request("/v1/account", { key })).body;
const keyRow = (id: number) => env.DB.prepare("SELECT * FROM api_keys WHERE id = ?").bind(id).first();

/** Makes a key on its page. */
async function newKey({ visitor }: SignedUp, name = `Shop ${once().slice(0, 8)}`) {
  const page = await visitor.submit("/dashboard/api", { name, scope: "full" });
  const key = /[0-9a-f]{64}/.exec(page.html)?.[0] ?? "";
  const id = Number(/\/dashboard\/api\/(\d+)"/.exec(page.html)?.[1]);
  return { page, key, id, name };
}

describe("the API page", () => {
  it("makes a key, shows it with code that is filled in, and never again", async () => {
    const { page, key, id } = await newKey(own);
    expect(page.status).toBe(200);
    expect(page.html.split(key).length).toBeGreaterThan(4);
    expect((await request("/v1/account", { key })).status).toBe(200);
    for (const path of ["/dashboard/api", `/dashboard/api/${id}`]) {
      expect((await own.visitor.get(path)).html).not.toContain(key);
    }
  });

  it("says that a name is taken", async () => {
    const { name } = await newKey(own);
    const { page } = await newKey(own, name.toUpperCase());
    expect([page.status, page.text]).toEqual([
      400,
      expect.stringContaining("already have an account with this name"),
    ]);
    expect(page.text).toContain("The name is taken by another of your accounts.");
  });

  it.each([
    [
      { method: "till", till_number: "654321" },
      { method: "till", till_number: "654321" },
    ],
    [
      { method: "paybill", paybill_number: "123456", account_number: "ACC001" },
      { method: "paybill", paybill_number: "123456", account_number: "ACC001" },
    ],
    [
      { method: "phone", phone: "0712 345 678" },
      { method: "phone", phone: "254712345678" },
    ],
    [
      { method: "bankpaybill", bank_code: "247247", bank_account: "0123456789" },
      { method: "bankpaybill", bank_code: "247247", bank_account: "0123456789" },
    ],
    [{ method: "wallet" }, { method: "wallet" }],
  ])("sets the destination %j, whatever the other methods' fields hold", async (fields, destination) => {
    const { id, key } = await newKey(own);
    const blank = { phone: "", paybill_number: "", account_number: "", till_number: "", bank_account: "" };
    const callbackurl = "http://localhost:3999/callback";
    const page = await own.visitor.submit(`/dashboard/api/${id}/destination`, {
      ...blank,
      ...fields,
      callbackurl,
    });
    expect(page.location).toBe(`/dashboard/api/${id}?done=destination`);
    const { body } = await request(`/v1/keys/${id}/destination`, { key });
    expect(body).toMatchObject({ destination, callbackurl });
  });

  it("says what is wrong with a destination beside its field", async () => {
    const page = await own.visitor.submit(`/dashboard/api/${own.keyId}/destination`, {
      method: "till",
      till_number: "12",
      callbackurl: "",
    });
    expect([page.status, page.text]).toEqual([
      400,
      expect.stringContaining("The till number must be 5 to 7 digits."),
    ]);
    expect(page.html).toContain('aria-invalid="true"');
  });

  it("shows a refused bank account with the bank that was chosen", async () => {
    const page = await own.visitor.submit(`/dashboard/api/${own.keyId}/destination`, {
      method: "bankpaybill",
      bank_code: "247247",
      bank_account: "?",
      callbackurl: "",
    });
    expect(page.status).toBe(400);
    expect(page.html).toMatch(/<option value="247247" selected[^>]*>/);
  });

  it("renames, makes the default, rotates the webhook secret, regenerates and deletes", async () => {
    const { id, key } = await newKey(own);
    const post = (verb: string, fields = {}) => own.visitor.submit(`/dashboard/api/${id}/${verb}`, fields);
    await post("rename", { name: "Renamed" });
    await post("default");
    const before = await keyRow(id);
    expect(before).toMatchObject({ name: "Renamed", is_default: 1 });
    await post("webhook-secret");
    expect((await keyRow(id))?.previous_webhook_secret).toBe(before?.webhook_secret);
    const regenerated = /[0-9a-f]{64}/.exec((await post("regenerate")).html)?.[0] ?? "";
    expect((await request("/v1/account", { key })).status).toBe(401);
    expect((await request("/v1/account", { key: regenerated })).status).toBe(200);
    expect((await post("delete")).text).toContain("Set another key as default");
    await own.visitor.submit(`/dashboard/api/${own.keyId}/default`, {});
    expect((await post("delete")).location).toBe("/dashboard/api");
    expect((await request("/v1/account", { key: regenerated })).status).toBe(401);
  });

  it("sends a test event, and shows what the merchant's server answered", async () => {
    const { id } = await newKey(own);
    await own.visitor.submit(`/dashboard/api/${id}/destination`, {
      method: "wallet",
      callbackurl: "http://localhost:3998/hook",
    });
    network.merchant = () => new Response("<b>no thanks</b>", { status: 500 });
    const sent = await own.visitor.submit(`/dashboard/api/${id}/test-webhook`, {});
    const page = await own.visitor.get(sent.location ?? "");
    expect(page.text).toContain("HTTP 500");
    expect(page.html).toContain("&lt;b&gt;no thanks&lt;/b&gt;");
    network.merchant = () => new Response("OK");
    await own.visitor.submit(`${sent.location}/replay`, {});
    expect((await own.visitor.get(sent.location ?? "")).text).toContain("Delivered");
    expect((await other.visitor.get(sent.location ?? "")).status).toBe(404);
    for (let again = 2; again <= 5; again++) await own.visitor.submit(`${sent.location}/replay`, {});
    expect((await own.visitor.submit(`${sent.location}/replay`, {})).status).toBe(429);
  });
});

describe("money and credits", () => {
  it("buys a plan once, however often the form is sent", async () => {
    const { id } = await newKey(own);
    const form = { plan: "Starter", key: String(id), phone: "254722334455", once: once() };
    const pages = await Promise.all([1, 2, 3].map(() => own.visitor.submit("/dashboard/plan", form)));
    expect(pages.map(({ status }) => status)).toEqual([303, 303, 303]);
    const places = new Set(pages.map(({ location }) => location));
    expect([...places]).toEqual([expect.stringMatching(/^\/dashboard\/buying\/tx_/)]);
    const prompts = network.sent.filter(
      ({ text }) => text.includes("254722334455") && text.includes("PartyA"),
    );
    expect(prompts).toHaveLength(1);
    const page = await own.visitor.get([...places][0] ?? "");
    expect(page.text).toContain("Type your M-Pesa PIN on 0722 334 455");
    expect((await other.visitor.get([...places][0] ?? "")).status).toBe(404);
  });

  it.each([
    {
      code: 1037,
      path: "/dashboard/plan",
      field: ["plan", "Starter"] as const,
      why: "We could not reach your phone. Check that it is on, and try again.",
      shop: /href="\/dashboard\/plan\?key=\d+"[^>]*>\s*Try again/,
    },
    {
      code: 4999,
      path: "/dashboard/sms/credits",
      field: ["credits", "20"] as const,
      why: "M-Pesa says: No response from user.",
      shop: /href="\/dashboard\/sms"[^>]*>\s*Try again/,
    },
  ])(
    "says why a purchase failed with $code, and leads back to $path",
    async ({ code, path, field, why, shop }) => {
      const [name, value] = field;
      const form = { [name]: value, key: String(own.keyId), phone: newPhone(), once: once() };
      const { location } = await own.visitor.submit(path, form);
      const { CallBackURL = "" } = network.pushes.at(-1) ?? {};
      const id = location?.split("/").at(-1);
      const [bought = { checkout_request_id: "" }] = await rows<{ checkout_request_id: string }>(
        "SELECT checkout_request_id FROM transactions WHERE id = ?",
        id,
      );
      await callBack(CallBackURL, failed(bought, code, "No response from user."));
      const page = await own.visitor.get(location ?? "");
      expect(page.text).toContain(`${why} Nothing was bought.`);
      expect(page.html).toMatch(shop);
    },
  );

  it("leads a second click to the purchase that is still being sent, and tells it of M-Pesa's answer", async () => {
    const works = network.push;
    const [asked, answers] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    network.push = async (sent) => {
      asked.resolve();
      await answers.promise;
      return works(sent);
    };
    const form = { credits: "20", phone: "0722 334 466", once: once() };
    const first = own.visitor.submit("/dashboard/sms/credits", form);
    await asked.promise;
    const second = await own.visitor.submit("/dashboard/sms/credits", form);
    answers.resolve();
    network.push = works;
    expect(second.location).toMatch(/^\/dashboard\/buying\/tx_/);
    expect((await first).location).toBe(second.location);
    expect(network.sent.filter(({ text }) => text.includes("254722334466"))).toHaveLength(1);
  });

  it("shows a refused form again under the same name, and under a new one where that stands for something else", async () => {
    const named = (page: { html: string }) => /name="once" value="([0-9a-f]{32})"/g.exec(page.html)?.[1];
    const form = { plan: "Starter", key: String(own.keyId), phone: "0722 334 477", once: once() };
    const works = network.push;
    network.push = () =>
      Response.json({ errorCode: "500.003.02", errorMessage: "Spike Arrest" }, { status: 429 });
    const refused = await own.visitor.submit("/dashboard/plan", form);
    network.push = works;
    expect([refused.status, named(refused)]).toEqual([400, form.once]);
    const wrong = await own.visitor.submit("/dashboard/plan", { ...form, phone: "12" });
    expect([wrong.status, named(wrong)]).toEqual([400, form.once]);
    expect((await own.visitor.submit("/dashboard/plan", form)).status).toBe(303);
    const other = await own.visitor.submit("/dashboard/plan", { ...form, plan: "Business" });
    expect(other.status).toBe(400);
    expect(named(other)).not.toBe(form.once);
  });

  it("sells no plan to a suspended key, and says of it that it is suspended", async () => {
    const { id, name } = await newKey(own);
    await env.DB.prepare("UPDATE api_keys SET suspended_at = 1 WHERE id = ?").bind(id).run();
    const page = await own.visitor.get(`/dashboard/plan?key=${id}`);
    expect(page.text).toContain(`${name} Suspended`);
    expect(page.html).not.toContain(`<option value="${id}"`);
    expect((await own.visitor.get(`/dashboard/api/${id}`)).html).not.toContain("/dashboard/plan?key=");
    const form = { plan: "Starter", key: String(id), phone: "254722334488", once: once() };
    const refused = await own.visitor.submit("/dashboard/plan", form);
    expect([refused.status, refused.text]).toEqual([
      403,
      expect.stringContaining(
        "This key is suspended, so a plan would be of no use to it. Nothing was bought.",
      ),
    ]);
    expect(network.sent.filter(({ text }) => text.includes("254722334488"))).toEqual([]);
  });

  it("tells of a suspension by its key's name, gives no reason that is none, and says where to write to", async () => {
    const person = await signUp();
    const headers = { Authorization: `Bearer ${env.OPERATOR_TOKEN}` };
    const suspended = await request(`/operator/v1/keys/${person.keyId}/suspend`, {
      headers,
      body: { reason: "They asked for it." },
      env: { SUPPORT_EMAIL: "help@smartpay.co.ke" },
    });
    expect(suspended.status).toBe(200);
    const [key] = await rows<{ name: string }>("SELECT name FROM api_keys WHERE id = ?", person.keyId);
    const [email] = await rows<{ subject: string; body: string }>(
      "SELECT subject, body FROM notices WHERE id LIKE ?",
      `key_suspended:${person.keyId}:%`,
    );
    expect(email?.subject).toBe(`SmartPay: your API key "${key?.name}" is suspended`);
    expect(email?.body).toContain("Write to help@smartpay.co.ke to have it lifted.");
    expect(email?.body).not.toContain("payments");
    for (const path of ["/dashboard", `/dashboard/api/${person.keyId}`]) {
      const page = await person.visitor.get(path);
      expect(page.text).toContain(
        "is suspended: it sends no more prompts. Write to support to have it lifted.",
      );
      expect(page.text).not.toContain("payments failed");
      const told = new Visitor({ SUPPORT_EMAIL: "help@smartpay.co.ke" });
      for (const [name, value] of person.visitor.cookies) told.cookies.set(name, value);
      expect((await told.get(path)).html).toContain('href="mailto:help@smartpay.co.ke"');
    }
  });

  it("offers the free calls to whoever has no verified phone, and no form where every key is suspended", async () => {
    const person = await signUp();
    expect((await person.visitor.get("/dashboard/plan")).text).toContain(
      "Verify your phone: 50 calls, free for 14 days.",
    );
    expect((await own.visitor.get("/dashboard/plan")).text).not.toContain("Verify your phone");
    await env.DB.prepare("UPDATE api_keys SET suspended_at = 1 WHERE merchant_id = ?")
      .bind(person.merchantId)
      .run();
    const page = await person.visitor.get("/dashboard/plan");
    expect(page.text).toContain("A suspended key takes no plan, and you have no other key.");
    expect(page.html).not.toContain('action="/dashboard/plan"');
    expect(page.text).not.toContain("Verify your phone");
  });

  it("sends an SMS once, and takes its credits", async () => {
    await env.DB.prepare("UPDATE wallets SET sms_credits = 5 WHERE merchant_id = ?")
      .bind(own.merchantId)
      .run();
    const form = { to: "0711 222 333, 0711 222 444", message: "Habari <b>yako</b>", once: once() };
    for (let i = 0; i < 2; i++) expect((await own.visitor.submit("/dashboard/sms", form)).status).toBe(303);
    expect((await account(own.key)).account.sms_balance).toBe(3);
    const page = await own.visitor.get("/dashboard/sms");
    expect(page.html).toContain("Habari &lt;b&gt;yako&lt;/b&gt;");
    expect((await other.visitor.get("/dashboard/sms")).text).not.toContain("Habari");
  });

  it("counts one thing as one", async () => {
    const person = await signUp();
    await rows("UPDATE wallets SET sms_credits = 1 WHERE merchant_id = ?", person.merchantId);
    const home = await person.visitor.get("/dashboard");
    expect(home.text).toMatch(/\b1 SMS credit\b(?!s)/);
    const webhooks = await person.visitor.get("/dashboard/api/webhooks?replayed=1");
    expect(webhooks.text).toContain("1 webhook is sent again.");
    const form = { to: "0711 222 333, 0711 222 444", message: "Habari", once: once() };
    const dear = await person.visitor.submit("/dashboard/sms", form);
    expect(dear.text).toContain("This costs 2 SMS credits, and you have 1.");
    await rows("UPDATE wallets SET sms_credits = 0 WHERE merchant_id = ?", person.merchantId);
    const one = await person.visitor.submit("/dashboard/sms", { ...form, to: "0711 222 333" });
    expect(one.text).toContain("This costs 1 SMS credit, and you have 0.");
  });

  it("sends nothing while a number is none, names those that are not, and keeps what was typed", async () => {
    await env.DB.prepare("UPDATE wallets SET sms_credits = 5 WHERE merchant_id = ?")
      .bind(own.merchantId)
      .run();
    const form = { to: "0711 222 555, 12, 0733", message: "Karibu tena", once: once() };
    const refused = await own.visitor.submit("/dashboard/sms", form);
    expect([refused.status, refused.text]).toEqual([
      400,
      expect.stringContaining("12 and 0733 are not Kenyan numbers. Nothing was sent."),
    ]);
    expect(refused.html).toContain(`value="${form.to}"`);
    expect(refused.html).toMatch(/<textarea[^>]*>Karibu tena</);
    expect((await account(own.key)).account.sms_balance).toBe(5);
    const one = await own.visitor.submit("/dashboard/sms", { ...form, to: "0711 222 555, 12" });
    expect(one.text).toContain("12 is not a Kenyan number. Nothing was sent.");

    const sent = await own.visitor.submit("/dashboard/sms", { ...form, to: "0711 222 555" });
    expect((await own.visitor.get(sent.location ?? "")).text).toContain("1 message is on its way.");
    expect((await account(own.key)).account.sms_balance).toBe(4);
  });

  it("withdraws to a verified phone once, and shows what moved the wallet", async () => {
    await env.DB.batch([
      env.DB.prepare("UPDATE wallets SET balance = 500 WHERE merchant_id = ?").bind(own.merchantId),
    ]);
    const form = { amount: "KES 120", phone: own.phone, once: once() };
    const pages = await Promise.all([1, 2].map(() => own.visitor.submit("/dashboard/wallet/withdraw", form)));
    expect(pages.map(({ location }) => location)).toEqual(Array(2).fill("/dashboard/wallet?done=withdrawal"));
    expect((await account(own.key)).account.wallet_balance).toBe(380);
    const page = await own.visitor.get("/dashboard/wallet");
    expect(page.text).toContain(`−KES 120 On its way to ${localPhone(own.phone)}`);
  });

  it("follows a withdrawal by itself until it is paid, and leaves the form alone", async () => {
    const person = await signUp();
    await verifyPhone(network, person);
    const change = (sql: string, ...values: unknown[]) =>
      env.DB.prepare(sql)
        .bind(...values, person.merchantId)
        .run();
    await change("UPDATE wallets SET balance = 9000 WHERE merchant_id = ?");
    const [phone, to] = [person.phone, localPhone(person.phone)];
    const form = { amount: "KES 5,000", phone, once: once() };
    const { location } = await person.visitor.submit("/dashboard/wallet/withdraw", form);
    const open = await person.visitor.get(location ?? "");
    expect(open.text).toContain(`On its way: KES 5,000 to ${to}.`);
    expect(open.html).toMatch(/<div id="wallet" hx-get="\/dashboard\/wallet\?done=withdrawal"/);
    expect(open.html).toMatch(/<div id="withdraw"[^>]* hx-morph-skip/);

    await change(
      "UPDATE payouts SET status = 'paid', receipt = 'UKT7WALLET', due_at = NULL WHERE merchant_id = ?",
    );
    await change("UPDATE wallets SET held = 0 WHERE merchant_id = ?");
    const paid = await person.visitor.get(location ?? "");
    expect(paid.text).toContain(`Withdrawn: KES 5,000 to ${to}, receipt UKT7WALLET.`);
    expect(paid.text).toContain(`−KES 5,000 Withdrawn to ${to}, UKT7WALLET`);
    expect(paid.html).not.toContain("hx-get");
    expect(paid.text).not.toContain(phone);

    await change("UPDATE payouts SET status = 'failed', receipt = NULL WHERE merchant_id = ?");
    const failed = await person.visitor.get(location ?? "");
    expect(failed.text).toContain(`Not paid out: KES 5,000 to ${to}. The money is in your wallet again.`);
    expect(failed.text).toContain(`−KES 5,000 Not paid out to ${to}: given back`);
  });

  it("withdraws to no other phone, and no more than there is", async () => {
    const ask = (fields: object) =>
      own.visitor.submit("/dashboard/wallet/withdraw", {
        amount: "100",
        phone: own.phone,
        once: once(),
        ...fields,
      });
    expect((await ask({ phone: "254799999999" })).text).toContain("verified phones only");
    expect((await ask({ amount: "100000" })).text).toContain("does not hold this amount");
    expect((await ask({ once: "" })).status).toBe(400);
  });
});

it.each<[string, Record<string, string>]>([
  ["/wallet/withdraw", { amount: "5" }],
  ["/wallet/withdraw", { amount: "100000" }],
  ["/sms", { to: "0711 222 555", message: "" }],
  ["/sms/credits", { credits: "0" }],
  ["/plan", { plan: "Starter", phone: "12" }],
])("takes whoever sends %s a wrong form to what is wrong with it", async (path, fields) => {
  const form = { phone: own.phone, key: String(own.keyId), once: once(), ...fields };
  const page = await own.visitor.submit(`/dashboard${path}`, form);
  expect(page.status).toBe(400);
  expect(page.html.match(/<[^>]* autofocus[^>]*>/g)).toEqual([expect.stringContaining('role="alert"')]);
});

describe("settings", () => {
  it("end another browser's session, and change the password", async () => {
    const person = await signUp();
    const elsewhere = new Visitor();
    await elsewhere.submit("/login", { email: person.email, password: person.password });
    const page = await person.visitor.get("/dashboard/settings");
    const end = /\/dashboard\/settings\/sessions\/[^"]+\/end/.exec(page.html)?.[0] ?? "";
    for (const value of elsewhere.cookies.values())
      expect(page.html).not.toContain(value.split(".")[0] ?? "");
    expect((await other.visitor.submit(end, {})).status).toBe(404);
    expect((await elsewhere.get("/dashboard")).status).toBe(200);
    await person.visitor.submit(end, {});
    expect((await elsewhere.get("/dashboard")).status).toBe(302);

    const change = { current_password: "wrong wrong wrong", password: "mandazi na chai" };
    expect((await person.visitor.submit("/dashboard/settings/password", change)).status).toBe(400);
    const right = { ...change, current_password: person.password };
    expect((await person.visitor.submit("/dashboard/settings/password", right)).status).toBe(303);
    expect((await person.visitor.get("/dashboard")).status).toBe(200);
    expect(
      (await new Visitor().submit("/login", { email: person.email, password: right.password })).status,
    ).toBe(303);
  });
});

it("shows a merchant nothing of another's, and changes nothing of it, on any page with an id", async () => {
  const before = await keyRow(own.keyId);
  const base = `/dashboard/api/${own.keyId}`;
  expect((await other.visitor.get(base)).status).toBe(404);
  const forms: [string, Record<string, string>][] = [
    ["destination", { method: "phone", phone: "254700111222", callbackurl: "" }],
    ["notifications", { notify_email: "evil@example.com", notify_phone: "" }],
    ["rename", { name: "Evil" }],
    ["default", {}],
    ["webhook-secret", {}],
    ["test-webhook", {}],
    ["regenerate", {}],
    ["delete", {}],
  ];
  for (const [verb, fields] of forms) {
    expect([verb, (await other.visitor.submit(`${base}/${verb}`, fields)).status]).toEqual([verb, 404]);
  }
  const purchase = { plan: "Starter", key: String(own.keyId), phone: "254722000999", once: once() };
  expect((await other.visitor.submit("/dashboard/plan", purchase)).location).toBeNull();
  expect(await keyRow(own.keyId)).toEqual(before);
});

it.each(["", "/api", "/wallet", "/sms", "/plan", "/settings", "/verify-phone", "/api/webhooks"])(
  "shows /dashboard%s to nobody who is not signed in",
  async (path) => {
    const page = await new Visitor().get(`/dashboard${path}`);
    expect([page.status, page.location]).toEqual([
      302,
      `/login?next=${encodeURIComponent(`/dashboard${path}`)}`,
    ]);
  },
);
