import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { inspect, openBrowser } from "./support/browser.ts";
import { eventually, newStateDir, type Running, removeStateDir, start } from "./support/running.ts";

const stateDir = newStateDir();
let running: Running;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  [running, browser] = await Promise.all([start({ stateDir }), openBrowser()]);
  const context = await browser.newContext({ viewport: { width: 1280, height: 850 } });
  page = await context.newPage();
  page.setDefaultTimeout(60_000);
});
afterAll(async () => {
  await browser?.close();
  await running?.stop();
  removeStateDir(stateDir);
});

const merchant = {
  name: "Mama Njeri's Kitchen",
  email: "njeri@duka.example",
  phone: "0722 123 456",
  msisdn: "254722123456",
  password: "ugali na sukuma",
};
const customer = "254733000111";
const open = (path: string) => page.goto(`${running.gateway}${path}`);
const heading = () => page.getByRole("heading", { level: 1 }).innerText();

/** The last code on the simulated phone, once one has arrived. */
async function codeOn(msisdn: string): Promise<string> {
  const code = async () => {
    const answer = await fetch(`${running.simulator}/phones/${msisdn}/messages`);
    const { messages } = (await answer.json()) as { messages: { text: string }[] };
    const withCode = messages.find(({ text }) => text.includes("code"));
    return /\b\d{6}\b/.exec(withCode?.text ?? "")?.[0] ?? "";
  };
  return eventually(code, (digits) => digits !== "");
}

/** The link in the last email to this address, once one has arrived. */
async function linkTo(address: string): Promise<string> {
  const link = async () => {
    const answer = await fetch(`${running.simulator}/mailbox/${address}`);
    const { emails } = (await answer.json()) as { emails: { text: string }[] };
    return /https?:\S+/.exec(emails.at(-1)?.text ?? "")?.[0] ?? "";
  };
  return eventually(link, (url) => url !== "");
}

/** The customer opens the phone's page in another tab, and types the PIN. */
async function payOnThePhone(msisdn: string) {
  const phone = await browser.newPage();
  await phone.goto(`${running.simulator}/phone/${msisdn}`);
  const pin = phone.getByRole("textbox", { name: /PIN/ });
  await pin.fill("1234");
  await pin.press("Enter");
  return phone;
}

let apiKey = "";

it("goes from the sign-up to a payment that turns completed by itself", { timeout: 240_000 }, async () => {
  await open("/signup");
  await inspect(page, "signup");
  await page.getByLabel("Your name or business").fill(merchant.name);
  await page.getByLabel("Email").fill(merchant.email);
  await page.getByLabel("Phone").fill(merchant.phone);
  await page.getByLabel("Password").fill(merchant.password);
  await page.getByRole("button", { name: "Make my account" }).click();

  apiKey = await page.getByLabel("Your API key").inputValue();
  expect(apiKey).toMatch(/^[0-9a-f]{64}$/);
  await page.getByRole("button", { name: /^Send a code to/ }).click();
  await page.getByLabel("Code").waitFor();
  await page.getByLabel("Code").fill(await codeOn(merchant.msisdn));
  await page.getByRole("button", { name: "Verify", exact: true }).click();
  await page.getByText("Your phone is verified").waitFor();

  await page.getByRole("link", { name: "API", exact: true }).click();
  await page.getByRole("link", { name: /Default Account/ }).click();
  await page.getByRole("radio", { name: /A till/ }).check();
  await page.getByLabel("Till number").fill("654321");
  await page.getByRole("button", { name: "Save" }).first().click();
  await page.getByText("New payments go there from now on").waitFor();

  await open("/dashboard");
  await page.getByRole("link", { name: "Request a payment" }).click();
  await page.getByLabel("Customer's phone").fill("0733 000 111");
  await page.getByLabel("Amount in KES").fill("150");
  await page.getByLabel("Reference (optional)").fill("ORDER_101");
  await inspect(page, "payment-new");
  await page.getByRole("button", { name: /prompt/i }).click();
  await page.waitForURL(/\/dashboard\/payments\/tx_/);
  const story = page.url();
  await page.getByText(/PIN/).first().waitFor();
  // Would be gone with a reload.
  await page.evaluate(() => Reflect.set(window, "isTheSamePage", true));
  const phone = await payOnThePhone(customer);
  await page.getByText("Paid", { exact: true }).first().waitFor();
  expect(await page.evaluate(() => Reflect.get(window, "isTheSamePage"))).toBe(true);
  expect(page.url()).toBe(story);
  await phone.close();

  const answer = await fetch(`${running.gateway}/v1/transactions?phone=${customer}`, {
    headers: { Authorization: `Bearer ${apiKey}` },
  });
  const { transactions } = (await answer.json()) as { transactions: object[] };
  expect(transactions).toMatchObject([
    { status: "completed", amount: 150, account_reference: "ORDER_101", destination: { method: "till" } },
  ]);
});

it("shows a payment that arrives in the list, without a reload", { timeout: 180_000 }, async () => {
  await open("/dashboard/payments");
  await page.evaluate(() => Reflect.set(window, "isTheSamePage", true));
  await fetch(`${running.gateway}/v1/stk/push`, {
    method: "POST",
    headers: { Authorization: `Bearer ${apiKey}`, "Content-Type": "application/json" },
    body: JSON.stringify({ phone: "254700000000", amount: 777, account_reference: "LIVE_1" }),
  });
  const row = page.getByRole("link", { name: /KES 777/ });
  await row.waitFor();
  await row.getByText("Paid", { exact: true }).waitFor();
  expect(await page.evaluate(() => Reflect.get(window, "isTheSamePage"))).toBe(true);
});

it("is usable with the keyboard alone", { timeout: 120_000 }, async () => {
  await open("/dashboard");
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to the page");
  /** Presses Tab until the focus is on it. */
  const tabTo = async (name: string) => {
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press("Tab");
      const focused = await page.evaluate(() => {
        const { activeElement: at } = document;
        return (
          at?.getAttribute("aria-label") ??
          (at as HTMLInputElement | null)?.labels?.[0]?.textContent ??
          at?.textContent
        );
      });
      if (focused?.trim() === name) return;
    }
    throw new Error(`no Tab leads to ${name}`);
  };
  await tabTo("API");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/dashboard\/api$/);
  await tabTo("Name");
  await page.keyboard.type("Keyboard shop");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Your new key" }).waitFor();
  await tabTo("I have copied it");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/dashboard\/api\/\d+$/);
  await tabTo("Delete");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await page.keyboard.press("Enter");
  await tabTo("Delete");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/dashboard\/api$/);
  expect(await page.getByText("Keyboard shop").count()).toBe(0);
});

it("is calm to look at: each page, in light, in dark and on a narrow phone", {
  timeout: 300_000,
}, async () => {
  const first = await page.request.get(`${running.gateway}/v1/keys`, {
    headers: { Authorization: `Bearer ${apiKey}` },
  });
  const [{ id }] = ((await first.json()) as { accounts: [{ id: number }] }).accounts;
  const pages: Record<string, string> = {
    home: "",
    payments: "/payments",
    api: "/api",
    key: `/api/${id}`,
    webhooks: "/api/webhooks",
    wallet: "/wallet",
    sms: "/sms",
    plan: "/plan",
    settings: "/settings",
    "verify-phone": "/verify-phone",
  };
  for (const [name, path] of Object.entries(pages)) {
    await open(`/dashboard${path}`);
    await inspect(page, name);
  }
  await open("/dashboard/payments");
  await page.getByRole("link", { name: /ORDER_101/ }).click();
  await page.waitForURL(/tx_/);
  await inspect(page, "payment");
});

it("takes another name, and another email address by the link in a mail to it", {
  timeout: 300_000,
}, async () => {
  await open("/dashboard/settings");
  await page.getByRole("link", { name: "Change your name" }).click();
  await page.waitForURL(/\/settings\/name$/);
  await inspect(page, "name");
  await page.getByLabel("Your name or business").fill("Njeri's Kitchen and Bakery");
  await page.getByRole("button", { name: "Save it" }).click();
  await page.waitForURL(/done=name$/);
  await page.getByText("Your name is saved.").waitFor();

  const address = "njeri.kitchen.and.bakery@mail.example";
  await page.getByRole("link", { name: "Change your email address" }).click();
  await page.waitForURL(/\/settings\/email$/);
  await inspect(page, "email");
  await page.getByLabel("New email address").fill(address);
  await page.getByLabel("Current password").fill(merchant.password);
  await page.getByRole("button", { name: "Send the link" }).click();
  await page.getByText(`We wrote to ${address}`).waitFor();
  await inspect(page, "email-waiting");
  await page.getByLabel("Current password").fill("not the password");
  await page.getByRole("button", { name: "Send the link" }).click();
  await page.getByText("This is not your current password.").waitFor();
  await inspect(page, "email-wrong-password");
  await open("/dashboard/settings");
  await inspect(page, "settings-email-waiting");

  const link = await linkTo(address);
  await page.goto(link);
  expect(await heading()).toBe("Use this address?");
  await inspect(page, "email-confirm");
  await page.getByRole("button", { name: "Use the new address" }).click();
  await page.waitForURL(/done=email$/);
  await page.getByText("Your new email address is saved").waitFor();
  await inspect(page, "settings-email-changed");
  await page.goto(link);
  expect(await heading()).toBe("This link does not work");
  await inspect(page, "email-dead-link");
  merchant.email = address;
});

it("signs out, in again, and back to where it was going", { timeout: 120_000 }, async () => {
  await open("/dashboard");
  await page.getByRole("button", { name: "Sign out" }).first().click();
  await page.waitForURL(/\/login/);
  await open("/dashboard/wallet");
  await inspect(page, "login");
  await page.getByLabel("Email").fill(merchant.email);
  await page.getByLabel("Password").fill(merchant.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(/\/dashboard\/wallet$/);
  expect(await heading()).toBe("Wallet");
});
