import { describe, expect, it } from "vitest";
import { allPages } from "../../src/docs/pages.tsx";
import { ERRORS } from "../../src/errors.ts";
import { BANKS } from "../../src/features/keys/banks.ts";
import { IP_LIMIT_PER_MINUTE } from "../../src/http/ip-limit.ts";
import { request } from "../support/gateway.ts";

const [wranglerToml] = Object.values(
  import.meta.glob<string>("../../wrangler.toml", { query: "?raw", import: "default", eager: true }),
);
const pages = allPages("http://localhost:8787").map(({ path }) => (path === "" ? "/docs" : `/docs/${path}`));
const html = async (path: string): Promise<string> => (await request(path)).body;

describe("the documentation", () => {
  it.each(pages)("has %s, whole without scripts and with nothing from elsewhere", async (path) => {
    const { status, headers, body } = await request(path);
    expect(status).toBe(200);
    expect(headers.get("Content-Type")).toBe("text/html; charset=utf-8");
    expect(headers.get("Content-Security-Policy")).toContain("default-src 'none'");
    expect(body).toMatch(/^<!doctype html><html lang="en">/);
    expect(body).not.toMatch(/\s(style|onclick)=|<style|<script>|(?:src|href)="(?:https?:)?\/\//);
  });

  it("leads nowhere that does not exist", async () => {
    for (const page of pages) {
      for (const [, href = ""] of (await html(page)).matchAll(/href="(\/[^"]*)"/g)) {
        const [path = "", id] = href.split("#");
        const { status, body } = await request(path);
        expect([href, status]).toEqual([href, 200]);
        if (id) expect(body, href).toContain(`id="${id}"`);
      }
    }
  });

  it("shows code as code, and no mark of it", async () => {
    for (const page of pages) {
      const prose = (await html(page)).replaceAll(/<pre.*?<\/pre>/gs, "");
      expect([page, /.{0,40}`.{0,40}/.exec(prose)?.[0]]).toEqual([page, undefined]);
    }
  });

  it("explains every error where a problem's type leads", async () => {
    const { body } = await request("/v1/account", { headers: { Accept: "application/problem+json" } });
    expect(body.type).toBe("/docs/errors#MISSING_AUTH");
    const errors = await html("/docs/errors");
    for (const code of Object.keys(ERRORS)) expect(errors).toContain(`id="${code}"`);
  });

  it("shows the clients as their READMEs do", async () => {
    const clients = await html("/docs/clients");
    expect(clients).toContain("await smartpay.stk.push(");
    expect(clients).toContain("$smartpay-&gt;stk-&gt;push(");
    expect(await html("/docs/webhooks")).toContain("await readWebhook(");
  });

  it("tells the limits and pauses that hold", async () => {
    expect(wranglerToml).toContain(`simple = { limit = ${IP_LIMIT_PER_MINUTE}, period = 60 }`);
    expect(await html("/docs/limits")).toContain("200 requests a minute");
    const webhooks = await html("/docs/webhooks");
    expect(webhooks).toContain("any 2xx within 5 seconds");
    expect(webhooks).toContain("after 30 seconds, 5 minutes and 50 minutes;");
    expect(webhooks).toContain("signs too for 24 hours");
    expect(await html("/docs/keys")).toContain("You can have 100 keys.");
    expect(await html("/docs/payments")).toContain(
      "Up to 64 characters; the prompt shows 12 of them. No line breaks or other control characters",
    );
    expect(await html("/docs/account")).toContain("From KES 10 to 250,000,");
  });

  it("explains every result code of the text", async () => {
    const results = await html("/docs/result-codes");
    for (const code of [0, 1, 1001, 1019, 1032, 1037, 2001, 9999]) expect(results).toContain(`id="${code}"`);
  });

  it("lists every bank", async () => {
    const destinations = await html("/docs/destinations");
    for (const code of BANKS.keys()) expect(destinations).toContain(`<code>${code}</code>`);
  });

  it("answers NOT_FOUND for a page that there is not", async () => {
    expect((await request("/docs/nothing")).body.error_code).toBe("NOT_FOUND");
  });
});
