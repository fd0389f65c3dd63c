import { env } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { request, rows } from "../support/gateway.ts";
import { freshNetwork } from "../support/network.ts";
import { type SignedUp, signUp } from "../support/visitor.ts";

beforeEach(() => {
  freshNetwork();
});

/** What the merchant and its user are called, and where they are written to. */
const stored = async ({ merchantId }: SignedUp) =>
  (
    await rows(
      `SELECT m.fullname, u.name, m.email AS merchantEmail, u.email AS userEmail
       FROM merchants m JOIN users u ON u.id = m.user_id WHERE m.id = ?`,
      merchantId,
    )
  )[0];

describe("the name", () => {
  it("is changed for the merchant and its user alike, and shows everywhere", async () => {
    const person = await signUp();
    const { visitor, key, merchantId } = person;
    expect((await visitor.get("/dashboard/settings")).html).toContain('href="/dashboard/settings/name"');
    expect((await visitor.get("/dashboard/settings/name")).html).toContain("Mama Njeri&#39;s Kitchen");
    const saved = await visitor.submit("/dashboard/settings/name", { name: "  Njeri & Daughters " });
    expect([saved.status, saved.location]).toEqual([303, "/dashboard/settings?done=name"]);
    const after = await visitor.get(saved.location ?? "");
    expect(after.text).toContain("Your name is saved.");
    expect(after.text).toContain("Njeri & Daughters");
    expect(await stored(person)).toMatchObject({ fullname: "Njeri & Daughters", name: "Njeri & Daughters" });
    expect((await request("/v1/account", { key })).body.account.fullname).toBe("Njeri & Daughters");
    const seen = await request(`/operator/v1/merchants/SP${merchantId}`, {
      headers: { Authorization: `Bearer ${env.OPERATOR_TOKEN}` },
    });
    expect(seen.body.merchant.fullname).toBe("Njeri & Daughters");
  });

  it.each([
    ["   ", "Type your name"],
    ["x".repeat(101), "at most 100 characters"],
    ["Njeri\u0007", "control characters"],
  ])("keeps to the rules of the sign-up: %j", async (name, sentence) => {
    const person = await signUp();
    const refused = await person.visitor.submit("/dashboard/settings/name", { name });
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining(sentence)]);
    expect(await stored(person)).toMatchObject({ fullname: person.name, name: person.name });
  });

  it("is nobody else's to change", async () => {
    const [own, other] = [await signUp(), await signUp()];
    await other.visitor.submit("/dashboard/settings/name", {
      name: "Other",
      merchantId: `${own.merchantId}`,
    });
    expect(await stored(own)).toMatchObject({ fullname: own.name, name: own.name });
  });
});
