import { env } from "cloudflare:test";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { localPhone } from "../../src/lib/msisdn.ts";
import { request, tick } from "../support/gateway.ts";
import { lossyDatabase } from "../support/lossy.ts";
import { Network } from "../support/network.ts";
import { sentCode, signUp, Visitor, verifyPhone } from "../support/visitor.ts";

const network = new Network();
beforeAll(() => {
  network.install();
});

const emailsTo = (address: string) =>
  network.sent
    .filter(({ url }) => url.includes("email.test"))
    .map(({ body }) => body as { to: string | string[]; text: string }) // Resend's shape
    .filter(({ to }) => [to].flat().includes(address));

describe("signing up", () => {
  it("makes a merchant with a default key, shown in that answer and never again", async () => {
    const { page, visitor, key, keyId } = await signUp();
    expect(page.status).toBe(200);
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    const account = await request("/v1/account", { key });
    expect(account.body).toMatchObject({ account: { verified: false }, active_key: { id: keyId } });
    for (const path of ["/dashboard", "/dashboard/api", `/dashboard/api/${keyId}`]) {
      expect((await visitor.get(path)).html).not.toMatch(/[0-9a-f]{64}/);
    }
  });

  it("shows the key also where the database loses the answer that it is stored", async () => {
    const DB = lossyDatabase(/insert into "merchants"/i);
    const { key, keyId } = await signUp({}, { DB });
    expect(DB.losses()).toBe(1);
    const account = await request("/v1/account", { key });
    expect(account.body).toMatchObject({ active_key: { id: keyId } });
  });

  it("takes an email once", async () => {
    const { email } = await signUp();
    const { page } = await signUp({ email: email.toUpperCase() });
    expect([page.status, page.text]).toEqual([
      400,
      expect.stringContaining("There is an account with this email"),
    ]);
  });

  it("takes an email once also of two who send it at once", async () => {
    const email = `${crypto.randomUUID()}@duka.example`;
    const [one, other] = await Promise.all([signUp({ email }), signUp({ email })]);
    expect([one.page.status, other.page.status].sort()).toEqual([200, 400]);
    const refused = one.page.status === 400 ? one : other;
    expect(refused.page.text).toContain("There is an account with this email");
  });

  it.each([
    [{ email: "nobody" }, "This does not look like an email address."],
    [{ phone: "0612345678" }, "Type a Kenyan mobile number"],
    [{ password: "short" }, "Use 10 characters or more"],
    [{ name: "  " }, "Type your name"],
  ])("says what is wrong with %j, and keeps what was typed but the password", async (wrong, sentence) => {
    const { page, phone, password } = await signUp({ ...wrong });
    expect(page.status).toBe(400);
    expect(page.text).toContain(sentence);
    if (!("phone" in wrong)) expect(page.html).toContain(`value="${phone}"`);
    expect(page.html).not.toContain(`value="${password}"`);
  });

  it("finishes with the next page what ended between the user and the merchant", async () => {
    const { visitor, merchantId } = await signUp();
    await env.DB.batch([
      env.DB.prepare("DELETE FROM api_keys WHERE merchant_id = ?").bind(merchantId),
      env.DB.prepare("DELETE FROM wallets WHERE merchant_id = ?").bind(merchantId),
      env.DB.prepare("DELETE FROM merchants WHERE id = ?").bind(merchantId),
    ]);
    const pages = await Promise.all([1, 2, 3].map(() => visitor.get("/dashboard")));
    expect(pages.map(({ status }) => status)).toEqual([200, 200, 200]);
    const { results } = await env.DB.prepare(
      "SELECT count(*) AS n FROM merchants m JOIN users u ON u.id = m.user_id GROUP BY m.user_id HAVING n > 1",
    ).all();
    expect(results).toEqual([]);
  });

  it("never lets a form choose a role", async () => {
    const visitor = new Visitor();
    const email = `op.${crypto.randomUUID()}@duka.co.ke`;
    await visitor.submit("/signup", {
      name: "Op",
      email,
      phone: "0722000111",
      password: "ugali na sukuma",
      role: "operator",
    });
    const user = await env.DB.prepare("SELECT role FROM users WHERE email = ?").bind(email).first();
    expect(user).toEqual({ role: "merchant" });
  });
});

describe("signing in", () => {
  it("gives a new session each time, and ends it by signing out", async () => {
    const { visitor, email, password } = await signUp();
    const first = new Map(visitor.cookies);
    const again = await visitor.submit("/login", { email, password });
    expect([again.status, again.location]).toEqual([303, "/dashboard"]);
    expect([...visitor.cookies.values()]).not.toEqual([...first.values()]);
    const stolen = new Visitor();
    for (const [name, value] of visitor.cookies) stolen.cookies.set(name, value);
    await visitor.submit("/logout", {});
    expect((await visitor.get("/dashboard")).location).toBe("/login?next=%2Fdashboard");
    expect((await stolen.get("/dashboard")).status).toBe(302);
  });

  it("does not tell an unknown email from a wrong password", async () => {
    const { email } = await signUp();
    const visitor = new Visitor();
    const wrong = await visitor.submit("/login", { email, password: "something else" });
    const unknown = await visitor.submit("/login", {
      email: "nobody@duka.co.ke",
      password: "something else",
    });
    for (const page of [wrong, unknown]) {
      expect([page.status, page.text]).toEqual([400, expect.stringContaining("do not belong together")]);
    }
  });

  it("is throttled by email, from wherever the tries come", async () => {
    const { email, password } = await signUp();
    const tries: number[] = [];
    for (let i = 0; i < 11; i++) {
      tries.push((await new Visitor().submit("/login", { email, password: `wrong ${i} wrong` })).status);
    }
    expect(tries).toEqual([...Array(10).fill(400), 429]);
    expect((await new Visitor().submit("/login", { email, password })).status).toBe(429);
  });

  it.each(["//evil.example", "https://evil.example", "/\\evil.example", "/docs", "/dashboard/../x"])(
    "goes to a page of ours, not to %s",
    async (next) => {
      const { email, password } = await signUp();
      const page = await new Visitor().submit("/login", { email, password, next });
      expect(page.location).toMatch(/^\/dashboard(\/\.\.\/x)?$/);
    },
  );

  it("sets cookies that scripts cannot read, and outside of local ones that are __Host- and Secure", async () => {
    const { email, password } = await signUp();
    const setBy = async (bindings: Record<string, unknown>, origin: string) => {
      const page = await new Visitor(bindings).submit("/login", { email, password }, { Origin: origin });
      return page.headers.getSetCookie().filter((cookie) => cookie.includes("session_token"));
    };
    const [local = ""] = await setBy({}, "http://localhost:8787");
    expect(local).toMatch(/^smartpay\.session_token=.*; Path=\/; HttpOnly; SameSite=Lax$/);
    const deployed = {
      PUBLIC_BASE_URL: "https://pay.example.co.ke",
      ENVIRONMENT: "sandbox",
      ROUTING: "direct",
    };
    const [secure = ""] = await setBy(deployed, "https://pay.example.co.ke");
    expect(secure).toMatch(/^__Host-smartpay\.session_token=/);
    expect(secure).toMatch(/; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    expect(secure).not.toMatch(/Domain/i);
  });
});

describe("a forgotten password", () => {
  it("is replaced by a link that works once and ends every session", async () => {
    const { visitor, email, password } = await signUp();
    const asker = new Visitor();
    const asked = await asker.submit("/forgot-password", { email });
    const unknown = await asker.submit("/forgot-password", { email: "nobody@duka.co.ke" });
    expect(asked.text).toBe(unknown.text);
    const token = /token=([\w-]+)/.exec(emailsTo(email).at(-1)?.text ?? "")?.[1] ?? "";
    expect((await asker.get(`/reset-password?token=${token}`)).status).toBe(200);
    const fresh = "chapati na maharagwe";
    expect((await asker.submit("/reset-password", { token, password: fresh })).location).toBe(
      "/login?done=password",
    );
    expect((await asker.submit("/reset-password", { token, password: "another password" })).status).toBe(400);
    expect((await visitor.get("/dashboard")).status).toBe(302);
    expect((await asker.submit("/login", { email, password })).status).toBe(400);
    expect((await asker.submit("/login", { email, password: fresh })).status).toBe(303);
  });

  it("is mailed three times an hour at most", async () => {
    const { email } = await signUp();
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++)
      statuses.push((await new Visitor().submit("/forgot-password", { email })).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect(emailsTo(email)).toHaveLength(3);
  });
});

describe("verifying a phone", () => {
  it("makes the merchant verified, and brings the trial to the default key", async () => {
    const person = await signUp();
    expect((await verifyPhone(network, person)).location).toBe("/dashboard?done=phone");
    const { body } = await request("/v1/account", { key: person.key });
    expect(body).toMatchObject({
      account: { verified: true },
      active_key: { plan: "Trial", limit_remaining: 50 },
      subscription: { status: "active" },
    });
  });

  it("brings no second trial with a second phone", async () => {
    const person = await signUp();
    await verifyPhone(network, person);
    await env.DB.prepare("UPDATE api_keys SET plan = NULL, calls_left = 0 WHERE id = ?")
      .bind(person.keyId)
      .run();
    await verifyPhone(network, { ...person, phone: "254722999888" });
    expect((await request("/v1/account", { key: person.key })).body.active_key.limit_remaining).toBe(0);
  });

  it("takes a phone for one merchant, for good", async () => {
    const first = await signUp();
    await verifyPhone(network, first);
    const second = await signUp();
    const page = await verifyPhone(network, { visitor: second.visitor, phone: first.phone });
    expect([page.status, page.text]).toEqual([400, expect.stringContaining("verified by another merchant")]);
    expect((await request("/v1/account", { key: second.key })).body.account.verified).toBe(false);
  });

  it("takes five guesses, and then not even the right code", async () => {
    const { visitor, phone } = await signUp();
    await visitor.submit("/dashboard/verify-phone", { phone });
    const code = sentCode(network, phone);
    const wrong = String((Number(code) + 1) % 1_000_000).padStart(6, "0");
    const guess = (typed: string) => visitor.submit("/dashboard/verify-phone/code", { phone, code: typed });
    const pages = await Promise.all([1, 2, 3, 4, 5].map(() => guess(wrong)));
    expect(pages.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400]);
    expect((await guess(code)).text).toContain("no longer good");
  });

  it("takes a code for ten minutes, and once", async () => {
    const { visitor, phone } = await signUp();
    await visitor.submit("/dashboard/verify-phone", { phone });
    const code = sentCode(network, phone);
    const now = Date.now();
    const later = vi.spyOn(Date, "now").mockReturnValue(now + 10 * 60_000 + 1);
    const late = await visitor.submit("/dashboard/verify-phone/code", { phone, code });
    later.mockRestore();
    expect(late.text).toContain("no longer good");
    expect((await visitor.submit("/dashboard/verify-phone/code", { phone, code })).status).toBe(303);
    expect((await visitor.submit("/dashboard/verify-phone/code", { phone, code })).status).toBe(400);
  });

  it("has a page for the code that sends nothing, however often it is opened", async () => {
    const { visitor, phone } = await signUp();
    expect((await visitor.get("/dashboard/verify-phone/code")).location).toBe("/dashboard/verify-phone");
    const now = vi.spyOn(Date, "now").mockReturnValue(Date.parse("2026-11-24T04:11:20+03:00"));
    const { location } = await visitor.submit("/dashboard/verify-phone", { phone });
    expect(location).toBe("/dashboard/verify-phone/code");
    const first = sentCode(network, phone);
    for (let i = 0; i < 2; i++) {
      const page = await visitor.get(location ?? "");
      expect(page.text).toContain(
        `A code was sent to ${localPhone(phone)} at 04:11. It is good until 04:21.`,
      );
      expect(page.text).not.toContain("Another code");
    }
    expect(sentCode(network, phone)).toBe(first);
    expect((await visitor.get("/dashboard/verify-phone")).text).toContain("Type the code");

    const again = await visitor.submit("/dashboard/verify-phone", { phone, again: "1" });
    expect((await visitor.get(again.location ?? "")).text).toContain("Another code was sent");
    now.mockRestore();
  });

  it("sends a merchant five codes an hour at most, and takes the last of them all the same", async () => {
    const { visitor, phone } = await signUp();
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) {
      const page = await visitor.submit("/dashboard/verify-phone", {
        phone: i < 4 ? `25473300011${i}` : phone,
      });
      statuses.push(page.status);
    }
    expect(statuses).toEqual([303, 303, 303, 303, 303]);
    const refused = await visitor.submit("/dashboard/verify-phone", { phone });
    expect(refused.status).toBe(429);
    expect(refused.text).toMatch(/Try again in (59|60) minutes\./);
    expect(refused.html).toMatch(/<input[^>]* name="code"/);
    const code = sentCode(network, phone);
    expect((await visitor.submit("/dashboard/verify-phone/code", { phone, code })).status).toBe(303);
  });
});

describe("pages", () => {
  const forms = [
    ["form", { "Content-Type": "application/x-www-form-urlencoded" }],
    ["JSON", { "Content-Type": "application/json" }],
    ["text", { "Content-Type": "text/plain" }],
  ] as const;
  it.each(forms)("refuse a %s that another site sends", async (_, type) => {
    const { visitor, keyId } = await signUp();
    const path = `/dashboard/api/${keyId}/regenerate`;
    const senders: Record<string, string>[] = [
      { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" },
      { Origin: "https://evil.example" },
      { Origin: "null" },
      { Origin: "http://localhost:8787", "Sec-Fetch-Site": "same-site" },
      {},
    ];
    for (const from of senders) {
      const page = await visitor.send(path, { method: "POST", body: "{}", headers: { ...type, ...from } });
      expect(page.status).toBe(403);
    }
  });

  it("run scripts from their own files alone, and stand in nobody's frame", async () => {
    for (const path of ["/login", "/signup", "/dashboard", "/nowhere-in/dashboard"]) {
      const { headers, html } = await new Visitor().get(path.replace("/nowhere-in", "/dashboard"));
      const policy = headers.get("Content-Security-Policy") ?? "";
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|\*/);
      expect(headers.get("Cache-Control")).toBe("no-store");
      expect(html).not.toMatch(/<script(?![^>]*\bsrc="\/assets\/)|\son\w+=|style="/);
    }
  });

  it("forget throttles whose time is over", async () => {
    const { email } = await signUp();
    await new Visitor().submit("/forgot-password", { email });
    const before = await env.DB.prepare("SELECT count(*) AS n FROM throttles").first<{ n: number }>();
    expect(before?.n).toBeGreaterThan(0);
    const now = Date.now();
    const later = vi.spyOn(Date, "now").mockReturnValue(now + 3 * 3_600_000);
    await tick();
    later.mockRestore();
    expect(await env.DB.prepare("SELECT count(*) AS n FROM throttles").first()).toEqual({ n: 0 });
  });
});
