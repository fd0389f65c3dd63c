import { beforeEach, describe, expect, it, vi } from "vitest";
import { interceptedDatabase } from "../support/database.ts";
import { rows, tick } from "../support/gateway.ts";
import { lossyDatabase } from "../support/lossy.ts";
import { freshNetwork, type Network } from "../support/network.ts";
import { type SignedUp, signUp, Visitor } from "../support/visitor.ts";

const EMAIL = "/dashboard/settings/email";
const CONFIRM = `${EMAIL}/confirm`;
const HOUR = 3_600_000;

let network: Network;
beforeEach(() => {
  network = freshNetwork();
});

const newAddress = () => `new.${crypto.randomUUID().slice(0, 8)}@duka.co.ke`;

type Mail = { to: string[]; subject: string; text: string };
const mailsTo = (address: string) =>
  network
    .to("email.test")
    .map(({ body }) => body as Mail) // our own client's JSON
    .filter(({ to }) => to.includes(address));

const tokenIn = (mail: Mail | undefined) =>
  /confirm\?token=([0-9a-f]{48})\n/.exec(mail?.text ?? "")?.[1] ?? "";

const askFor = ({ visitor, password }: SignedUp, email: string) =>
  visitor.submit(EMAIL, { email, current_password: password });

/** Somebody who has asked for another address, with the link's token. */
async function asked(email = newAddress()) {
  const person = await signUp();
  const page = await askFor(person, email);
  expect([page.status, page.location]).toEqual([303, EMAIL]);
  return { ...person, wanted: email, token: tokenIn(mailsTo(email).at(-1)) };
}

const press = (visitor: Visitor, token: string) => visitor.submit(CONFIRM, { token });

const FRESH = "chapati na maharagwe";
/** The token of a link to a new password. */
async function resetToken(email: string) {
  await new Visitor().submit("/forgot-password", { email });
  return /token=([\w-]+)/.exec(mailsTo(email).at(-1)?.text ?? "")?.[1] ?? "";
}
const chooseAnew = (token: string) => new Visitor().submit("/reset-password", { token, password: FRESH });

/** Whom the merchant and its user are written to. */
async function addresses({ merchantId }: SignedUp) {
  const [found] = await rows(
    "SELECT m.email AS merchant, u.email AS user FROM merchants m JOIN users u ON u.id = m.user_id WHERE m.id = ?",
    merchantId,
  );
  return found;
}
const both = (email: string) => ({ merchant: email, user: email });

/** The same person in another browser. */
async function elsewhere({ email, password }: SignedUp, bindings = {}) {
  const visitor = new Visitor(bindings);
  expect((await visitor.submit("/login", { email, password })).status).toBe(303);
  return visitor;
}

/** The same browser, in front of a gateway whose database is this one. */
function sameBrowser({ visitor }: SignedUp, DB: D1Database) {
  const through = new Visitor({ DB });
  for (const [name, value] of visitor.cookies) through.cookies.set(name, value);
  return through;
}

const DEAD = "This link does not work";
/** A link that does nothing: neither its page nor its button. */
async function expectDead(person: SignedUp, token: string, visitor = person.visitor) {
  const before = await addresses(person);
  for (const page of [await visitor.get(`${CONFIRM}?token=${token}`), await press(visitor, token)]) {
    expect([page.status, page.text]).toEqual([400, expect.stringContaining(DEAD)]);
  }
  expect(await addresses(person)).toEqual(before);
}

describe("another email address", () => {
  it("is the account's once the link in a mail to it is opened and its button pressed", async () => {
    const person = await asked();
    const { visitor, email, wanted, token, password } = person;
    expect((await visitor.get("/dashboard/settings")).text).toContain(
      `${wanted} Waits for you to open the link`,
    );
    expect((await visitor.get(EMAIL)).text).toContain(`We wrote to ${wanted}`);
    expect([mailsTo(wanted).length, mailsTo(email).length]).toEqual([1, 0]);
    // Whoever looks for what is harmful opens it too.
    for (let i = 0; i < 2; i++) {
      const page = await visitor.get(`${CONFIRM}?token=${token}`);
      expect([page.status, page.text]).toEqual([200, expect.stringContaining(wanted)]);
    }
    expect(await addresses(person)).toEqual(both(email));

    const done = await press(visitor, token);
    expect([done.status, done.location]).toEqual([303, "/dashboard/settings?done=email"]);
    expect(await addresses(person)).toEqual(both(wanted));
    const settings = await visitor.get(done.location ?? "");
    expect(settings.text).toContain("Your new email address is saved");
    expect(settings.text).not.toContain(email);
    expect((await new Visitor().submit("/login", { email, password })).status).toBe(400);
    expect((await new Visitor().submit("/login", { email: wanted, password })).status).toBe(303);
  });

  it("ends every other session, and tells the old address, without the new one", async () => {
    const person = await asked();
    const other = await elsewhere(person);
    await press(person.visitor, person.token);
    expect((await other.get("/dashboard")).location).toMatch(/^\/login/);
    expect((await person.visitor.get("/dashboard")).status).toBe(200);
    await tick();
    const [told, ...more] = mailsTo(person.email);
    expect(more).toEqual([]);
    expect(told?.text).toContain(`SP${person.merchantId} has another email address now`);
    expect(told?.text).toContain("If this was not you");
    expect(told?.text).not.toContain(person.wanted);
  });

  it("sends whoever is not signed in to the sign-in, and then to the link's page", async () => {
    const person = await asked();
    const visitor = new Visitor();
    const { location } = await visitor.get(`${CONFIRM}?token=${person.token}`);
    expect(location).toMatch(/^\/login\?next=/);
    const form = await visitor.get(location ?? "");
    const next = /name="next" value="([^"]+)"/.exec(form.html)?.[1] ?? "";
    const { email, password } = person;
    const signedIn = await visitor.submit("/login", { email, password, next });
    expect(signedIn.location).toBe(`${CONFIRM}?token=${person.token}`);
    expect((await visitor.get(signedIn.location ?? "")).text).toContain(person.wanted);
    expect((await press(new Visitor(), person.token)).location).toBe("/login");
    expect(await addresses(person)).toEqual(both(email));
  });

  it("needs the password", async () => {
    const [person, wanted] = [await signUp(), newAddress()];
    const form = { email: wanted, current_password: "not the password" };
    const refused = await person.visitor.submit(EMAIL, form);
    expect([refused.status, refused.text]).toEqual([
      400,
      expect.stringContaining("not your current password"),
    ]);
    expect(refused.html).toContain(`value="${wanted}"`);
    expect(refused.html).not.toContain("not the password");
    const long = await person.visitor.submit(EMAIL, { ...form, current_password: "x".repeat(200) });
    expect([long.status, long.text]).toEqual([400, expect.stringContaining("not your current password")]);
    expect((await person.visitor.submit(EMAIL, { email: wanted })).status).toBe(400);
    expect(mailsTo(wanted)).toEqual([]);
    expect((await person.visitor.get(EMAIL)).text).not.toContain("We wrote to");
  });

  it("is asked for by guesses at the password no oftener than by signing in", async () => {
    const { visitor, email, password } = await signUp();
    const tries: number[] = [];
    for (let i = 0; i < 10; i++) {
      tries.push(
        (await visitor.submit(EMAIL, { email: newAddress(), current_password: `wrong ${i}` })).status,
      );
    }
    expect(tries).toEqual(Array(10).fill(400));
    const right = { email: newAddress(), current_password: password };
    expect((await visitor.submit(EMAIL, right)).status).toBe(429);
    expect((await new Visitor().submit("/login", { email, password })).status).toBe(429);
  });

  it.each([
    ["nobody", "does not look like an email address"],
    ["", "does not look like an email address"],
  ])("has to be one: %j", async (email, sentence) => {
    const page = await askFor(await signUp(), email);
    expect([page.status, page.text]).toEqual([400, expect.stringContaining(sentence)]);
  });

  it("is not the one that the account has, in whatever letters", async () => {
    const person = await signUp();
    const page = await askFor(person, ` ${person.email.toUpperCase()} `);
    expect([page.status, page.text]).toEqual([400, expect.stringContaining("This is your address already.")]);
    expect(mailsTo(person.email)).toEqual([]);
  });

  it("is mailed to three times an hour at most, and by one account five times", async () => {
    const wanted = newAddress();
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++) statuses.push((await askFor(await signUp(), wanted)).status);
    expect(statuses).toEqual([303, 303, 303, 429]);
    expect(mailsTo(wanted)).toHaveLength(3);
    const person = await signUp();
    const own: number[] = [];
    for (let i = 0; i < 6; i++) own.push((await askFor(person, newAddress())).status);
    expect(own).toEqual([303, 303, 303, 303, 303, 429]);
  });
});

describe("a link to a new address", () => {
  it("works once", async () => {
    const person = await asked();
    await press(person.visitor, person.token);
    await expectDead(person, person.token);
    await tick();
    expect(mailsTo(person.email)).toHaveLength(1);
  });

  it("works for an hour", async () => {
    const person = await asked();
    const now = Date.now();
    const later = vi.spyOn(Date, "now").mockReturnValue(now + HOUR + 1);
    await expectDead(person, person.token);
    expect((await person.visitor.get("/dashboard/settings")).text).not.toContain(person.wanted);
    later.mockReturnValue(now + HOUR - 60_000);
    expect((await press(person.visitor, person.token)).status).toBe(303);
    later.mockRestore();
    expect(await addresses(person)).toEqual(both(person.wanted));
  });

  it("is replaced by a newer one", async () => {
    const person = await asked();
    const second = newAddress();
    await askFor(person, second);
    await expectDead(person, person.token);
    await press(person.visitor, tokenIn(mailsTo(second)[0]));
    expect(await addresses(person)).toEqual(both(second));
  });

  it("is one, also where two addresses are asked for at once", async () => {
    const person = await signUp();
    const wanted = [newAddress(), newAddress()];
    await Promise.all(wanted.map((email) => askFor(person, email)));
    const pages = [];
    for (const email of wanted) pages.push(await press(person.visitor, tokenIn(mailsTo(email)[0])));
    expect(pages.map(({ status }) => status).sort()).toEqual([303, 400]);
    const winner = wanted[pages.findIndex(({ status }) => status === 303)] ?? "";
    expect(await addresses(person)).toEqual(both(winner));
  });

  it("works for whoever asked alone", async () => {
    const [person, stranger] = [await asked(), await asked()];
    await expectDead(stranger, person.token);
    const page = await stranger.visitor.get(`${CONFIRM}?token=${person.token}`);
    expect(page.text).toContain(`You are signed in as ${stranger.email}`);
    expect(page.text).not.toContain(person.wanted);
    expect(await addresses(person)).toEqual(both(person.email));
    await press(person.visitor, person.token);
    expect(await addresses(person)).toEqual(both(person.wanted));
  });

  it.each(["", "0".repeat(48), "' OR 1=1 --"])("is none that was made up: %j", async (token) => {
    await expectDead(await asked(), token);
  });

  it("is worthless once the old address is kept", async () => {
    const person = await asked();
    const kept = await person.visitor.submit(`${EMAIL}/keep`, {});
    expect((await person.visitor.get(kept.location ?? "")).text).toContain("stays as it is");
    await expectDead(person, person.token);
  });

  it("is worthless once the password is another: whoever knew the old one may have asked", async () => {
    const changed = await asked();
    await changed.visitor.submit("/dashboard/settings/password", {
      current_password: changed.password,
      password: FRESH,
    });
    await expectDead(changed, changed.token);

    const reset = await asked();
    const token = await resetToken(reset.email);
    await chooseAnew(token);
    const visitor = await elsewhere({ ...reset, password: FRESH });
    await expectDead(reset, reset.token, visitor);
  });

  it("is stored as a hash alone", async () => {
    const { token, wanted } = await asked();
    const kept = await rows("SELECT * FROM email_changes WHERE email = ?", wanted);
    expect(kept).toHaveLength(1);
    const stored = [kept, await rows("SELECT * FROM notices"), await rows("SELECT * FROM verifications")];
    expect(JSON.stringify(stored)).not.toContain(token);
  });

  it("leaves one line in the log, without an address", async () => {
    const person = await asked();
    const lines: string[] = [];
    vi.spyOn(console, "log").mockImplementation((line) => void lines.push(String(line)));
    await press(person.visitor, person.token);
    expect(lines).toContain(JSON.stringify({ event: "email_changed", account: `SP${person.merchantId}` }));
    for (const secret of [person.email, person.wanted, person.token]) {
      expect(lines.join("\n")).not.toContain(secret);
    }
  });
});

describe("an address that another account has", () => {
  it("is answered like any other, and its owner is told", async () => {
    const owner = await signUp();
    const [person, other] = [await signUp(), await asked()];
    const page = await askFor(person, owner.email);
    expect([page.status, page.location]).toEqual([303, EMAIL]);
    const shown = async ({ visitor }: SignedUp, path: string, email: string) =>
      (await visitor.get(path)).html.replaceAll(email, "…").replace(/SP\d{8}|<time.*?<\/time>/g, "…");
    for (const path of [EMAIL, "/dashboard/settings"]) {
      const [taken, free] = [await shown(person, path, owner.email), await shown(other, path, other.wanted)];
      expect(taken.replaceAll(person.email, "me").replace(/sessions\/\w+/g, "")).toBe(
        free.replaceAll(other.email, "me").replace(/sessions\/\w+/g, ""),
      );
    }
    const [told, ...more] = mailsTo(owner.email);
    expect(more).toEqual([]);
    expect(told?.text).toContain("It is the address of an account already");
    expect(tokenIn(told)).toBe("");
    expect(told?.text).not.toContain(person.email);
    expect(await addresses(owner)).toEqual(both(owner.email));
  });

  it("cannot be had by a link that was sent while it was free", async () => {
    const person = await asked();
    const quick = await signUp({ email: person.wanted });
    const refused = await press(person.visitor, person.token);
    expect([refused.status, refused.text]).toEqual([
      400,
      expect.stringContaining("Another account has this address by now"),
    ]);
    expect(await addresses(person)).toEqual(both(person.email));
    expect(await addresses(quick)).toEqual(both(person.wanted));
    expect((await person.visitor.get("/dashboard/settings")).text).not.toContain(person.wanted);
    await tick();
    expect(mailsTo(person.email)).toEqual([]);
  });

  it("is had by one of two who press at once", async () => {
    const wanted = newAddress();
    const two = [await asked(wanted), await asked(wanted)];
    const others = await Promise.all(two.map((each) => elsewhere(each)));
    const pages = await Promise.all(two.map(({ visitor, token }) => press(visitor, token)));
    expect(pages.map(({ status }) => status).sort()).toEqual([303, 400]);
    for (const [i, person] of two.entries()) {
      const isFirst = pages[i]?.status === 303;
      expect(await addresses(person)).toEqual(both(isFirst ? wanted : person.email));
      // The other's sessions go on: nothing of the change was done.
      expect((await others[i]?.get("/dashboard"))?.status).toBe(isFirst ? 302 : 200);
    }
  });
});

describe("a change", () => {
  it("is made once by a button that is pressed three times at once", async () => {
    const person = await asked();
    const pages = await Promise.all([1, 2, 3].map(() => press(person.visitor, person.token)));
    expect(pages.map(({ status }) => status)).toContain(303);
    expect(await addresses(person)).toEqual(both(person.wanted));
    await tick();
    expect(mailsTo(person.email)).toHaveLength(1);
  });

  it.each([
    ["carried out", false],
    ["not carried out", true],
  ])("is made once where the database's answer was lost: %s", async (_, before) => {
    const person = await asked();
    const DB = lossyDatabase(/update "users"/i, { before });
    const done = await press(sameBrowser(person, DB), person.token);
    expect([DB.losses(), done.location]).toEqual([1, "/dashboard/settings?done=email"]);
    expect(await addresses(person)).toEqual(both(person.wanted));
    await tick();
    expect(mailsTo(person.email)).toHaveLength(1);
  });

  it("is not made by a link that was replaced while it was being used", async () => {
    const person = await asked();
    const other = await elsewhere(person);
    const reset = await resetToken(person.email);
    const second = newAddress();
    const DB = lossyDatabase(/update "users"/i, { before: true, onLoss: () => askFor(person, second) });
    const refused = await press(sameBrowser(person, DB), person.token);
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining(DEAD)]);
    expect(await addresses(person)).toEqual(both(person.email));
    expect((await other.get("/dashboard")).status).toBe(200);
    await tick();
    expect(mailsTo(person.email).map(({ subject }) => subject)).toEqual(["Choose a new SmartPay password"]);
    expect((await chooseAnew(reset)).location).toBe("/login?done=password");
  });

  it("ends the links to a new password that the old address was sent", async () => {
    const person = await asked();
    const token = await resetToken(person.email);
    await press(person.visitor, person.token);
    const reset = await chooseAnew(token);
    expect([reset.status, reset.text]).toEqual([400, expect.stringContaining("This link was used")]);
    expect(await elsewhere({ ...person, email: person.wanted })).toBeDefined();
  });

  it("leaves others' links to a new password alone", async () => {
    const [person, other] = [await asked(), await signUp()];
    const token = await resetToken(other.email);
    await press(person.visitor, person.token);
    const reset = await chooseAnew(token);
    expect(reset.location).toBe("/login?done=password");
  });

  it("keeps a link from the old address that is asked for while it is made", async () => {
    const person = await asked();
    let isPressed = false;
    const DB = interceptedDatabase(async (sql, call) => {
      if (!isPressed && /insert into "verifications"/i.test(sql)) {
        isPressed = true;
        await press(person.visitor, person.token);
      }
      return call();
    });
    await new Visitor({ DB }).submit("/forgot-password", { email: person.email });
    expect([isPressed, await addresses(person)]).toEqual([true, both(person.wanted)]);
    expect(mailsTo(person.email)).toEqual([]);
  });
});
