import { createHmac } from "node:crypto";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inspect, openBrowser } from "./support/browser.ts";
import { eventually, Listener, newStateDir, type Running, removeStateDir, start } from "./support/running.ts";

const stateDir = newStateDir();
const EMAIL = "jane@smartpay.example";
const PASSWORD = "a long password of hers";
let running: Running;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let server: Listener;
let isServerDown = true;

// biome-ignore lint/suspicious/noExplicitAny: answers are read as a client reads them, without types
type Answer = any;

async function call(
  url: string,
  token: string,
  body?: object,
  method = body ? "POST" : "GET",
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  return response.json();
}

const asOperator = (path: string, body?: object) =>
  call(`${running.gateway}/operator/v1${path}`, running.operatorToken, body);
const setFaults = (faults: object) => call(`${running.simulator}/faults`, "", faults, "PUT");

type Merchant = { account: string; keyId: number; key: string };

async function newMerchant(fullname: string, destination: object): Promise<Merchant> {
  const { merchant, key } = await asOperator("/merchants", {
    fullname,
    email: "mama@duka.co.ke",
    plan: "Professional",
  });
  const url = `${running.gateway}/v1/keys/${key.id}/destination`;
  expect(await call(url, key.api_key, destination, "PUT")).toMatchObject({ success: true });
  return { account: merchant.account_number, keyId: key.id, key: key.api_key };
}

const push = (merchant: Merchant, phone: string, amount: number) =>
  call(`${running.gateway}/v1/stk/push`, merchant.key, { phone, amount });

/** The code that an authenticator app shows for this secret now. */
function totp(secret: string): string {
  const bits = [...secret].map((letter) => BASE32.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const hash = createHmac("sha1", key).update(counter).digest();
  const offset = (hash.at(-1) ?? 0) & 15;
  return String((hash.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

const go = (path: string) => page.goto(running.gateway + path);
const main = () => page.locator("main");
const text = () => main().innerText();

/** Loads the page again until it shows this. */
const shows = (path: string, what: RegExp) =>
  eventually(
    async () => {
      await go(path);
      return text();
    },
    (shown) => what.test(shown),
  );

/** Opens the dialog, says why, and confirms. */
async function act(button: string, confirm: string, reason: string) {
  await page.getByRole("button", { name: button, exact: true }).first().click();
  const dialog = page.locator("[popover]:popover-open");
  await dialog.getByLabel("Reason").fill(reason);
  await dialog.getByRole("button", { name: confirm, exact: true }).click();
}

async function propose(choice: RegExp, reason: string, receipt?: string) {
  await page.getByLabel(choice).check();
  if (receipt) await page.getByRole("textbox", { name: /receipt/ }).fill(receipt);
  await page.getByLabel("Reason").fill(reason);
  await page.getByRole("button", { name: "See what it would do" }).click();
  await page.waitForURL(/\/operator\/rulings\//);
}

/** The proposal may be refused until the prompt or the payout is old enough: then it is proposed again. */
async function proposeWhenAllowed(path: string, choice: RegExp, reason: string) {
  await eventually(
    async () => {
      await go(path);
      await page.getByLabel(choice).check();
      await page.getByLabel("Reason").fill(reason);
      const proposed = page.waitForResponse((response) => response.request().method() === "POST");
      await page.getByRole("button", { name: "See what it would do" }).click();
      return (await proposed).status();
    },
    (status) => status === 303,
  );
  await page.waitForURL(/\/operator\/rulings\//);
}

async function applyRuling() {
  await page.getByRole("button", { name: "Apply it" }).click();
  await page.getByText("The ruling is applied.").waitFor();
}

const balanceOf = async (merchant: Merchant) =>
  (await asOperator(`/merchants/${merchant.account}`)).merchant.wallet.balance;

describe("the operator's console", () => {
  let shop: Merchant;
  let payer: Merchant;
  let unclear: Answer;

  beforeAll(async () => {
    running = await start({
      stateDir,
      env: { ROUTING: "settle", TIME_SCALE: "60", WEBHOOK_RETRY_SECONDS: "30,30,30" },
    });
    server = await Listener.open(() => (isServerDown ? 503 : 200));
    shop = await newMerchant("Wanjiku Stores", { method: "wallet", callbackurl: `${server.url}/hook` });
    payer = await newMerchant("Otieno Hardware", {
      method: "paybill",
      paybill_number: "888880",
      account_number: "SHOP-1",
    });
    await setFaults({ stk_push: { timeout_before: { count: 1 } } });
    unclear = await push(shop, "254722000111", 400);
    await setFaults({ callback: { wrong_amount: { count: 1 } } });
    await push(shop, "254700000000", 150);
    await eventually(
      () => asOperator("/unmatched"),
      ({ callbacks }) => callbacks.length > 0,
    );
    await setFaults({ b2b: { timeout_after: { count: 1 } }, result: { drop: { count: 1 } } });
    await push(payer, "254700000000", 900);
    browser = await openBrowser();
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    page = await context.newPage();
    page.setDefaultTimeout(30_000);
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
    await running?.stop();
    removeStateDir(stateDir);
  });

  it("is opened by a link from the command, a password and a second factor", async () => {
    const { link } = await asOperator("/operators", { email: EMAIL, name: "Jane Achieng" });
    await page.goto(link);
    await page.getByLabel("New password").fill(PASSWORD);
    await page.getByRole("button", { name: "Save it" }).click();
    await page.getByLabel("Email").fill(EMAIL);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(/\/operator$/);
    await page.getByRole("link", { name: "Set it up" }).click();
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Go on" }).click();
    const secret = await page.locator("#totp-secret").inputValue();
    expect(await page.locator("#backup-codes li").count()).toBe(10);
    await inspect(page, "console-second-factor");
    await page.getByLabel(/six digits/).fill(totp(secret));
    await page.getByRole("button", { name: "Turn it on" }).click();
    await page.getByText("Your second factor is on.").waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();

    await page.getByLabel("Email").fill(EMAIL);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByLabel("Code").fill(totp(secret));
    await page.getByRole("button", { name: "Go on" }).click();
    await page.waitForURL(/\/operator$/);
  });

  it("shows live figures, asked for anew without a reload", async () => {
    await go("/operator");
    expect(await text()).toMatch(/Payments a minute[\s\S]*Success in the last hour[\s\S]*Float/);
    await page.waitForResponse((response) => response.url().endsWith("/operator/figures") && response.ok());
    await inspect(page, "console-now");
  });

  it("puts a callback with a forged amount aside", async () => {
    await shows("/operator/unclear", /wrong amount/);
    await inspect(page, "console-unclear");
    await page.locator("#callbacks").getByRole("link", { name: "Rule on it" }).click();
    await propose(/Put it aside/, "The amount is not what M-Pesa's statement has.");
    expect(await text()).toContain("No money is moved.");
    await applyRuling();
    await go("/operator/unclear");
    expect(await page.locator("#callbacks").innerText()).toContain("None.");
  });

  it("rules an unclear payment paid, by its receipt, after showing the shillings", async () => {
    await shows("/operator/unclear", /0722 000 111/);
    const before = await balanceOf(shop);
    await go(`/operator/unclear/${unclear.transaction_id}`);
    await propose(/^Paid/, "It stands in the portal.", "UKOCONSOLE");
    expect(await text()).toContain("KES 400 is credited to the merchant's wallet.");
    await inspect(page, "console-ruling");
    await applyRuling();
    expect(await balanceOf(shop)).toBe(before + 400);
  });

  it("gives a B2B payout whose acknowledgement and result were lost back to the wallet", async () => {
    await shows("/operator/unclear", /KES 900/);
    const href = await page
      .locator("#payouts")
      .getByRole("link", { name: "Rule on it" })
      .getAttribute("href");
    await proposeWhenAllowed(href ?? "", /^Not paid/, "The statement does not have it.");
    expect(await text()).toContain("KES 900 goes back into the merchant's wallet.");
    await applyRuling();
    expect(await balanceOf(payer)).toBe(900);
  });

  it("sends a webhook again that was given up", async () => {
    await shows("/operator/dead-letters", /HTTP 503/);
    await inspect(page, "console-dead-letters");
    const received = server.received.length;
    isServerDown = false;
    await act("Send again", "Send it", "Their server works again.");
    await page.getByText("It is sent again.").waitFor();
    await eventually(
      async () => server.received.length,
      (count) => count > received,
    );
  });

  it("suspends a key and releases it", async () => {
    await go("/operator/merchants?q=wanjiku");
    await page.getByRole("link", { name: "Wanjiku Stores" }).click();
    await act("Suspend", "Suspend it", "The police asked for it.");
    await page.getByText("The key is suspended.").waitFor();
    expect(await push(shop, "254700000000", 10)).toMatchObject({ error_code: "KEY_SUSPENDED" });
    await inspect(page, "console-merchant");
    await act("Release", "Release it", "It was a mistake.");
    await page.getByText("The key is released.").waitFor();
    expect(await push(shop, "254700000000", 10)).toMatchObject({ success: true });
  });

  it("gives a plan, and records what Safaricom took back after showing whose it was", async () => {
    await go(`/operator/merchants/${shop.account}`);
    await act("Give a plan", "Give it", "A month for the trouble.");
    await page.getByText("It is given.").waitFor();
    await go("/operator/ledger");
    await page.getByLabel("M-Pesa's receipt of the payment").fill("UKOCONSOLE");
    await page.getByRole("button", { name: "See what it would do" }).click();
    await page.getByRole("heading", { name: "Record a reversal" }).waitFor();
    expect(await text()).toMatch(/Wanjiku Stores[\s\S]*The wallet pays\s+KES 400[\s\S]*owe\s+KES 0/);
    await inspect(page, "console-reversal");
    const before = await balanceOf(shop);
    await page.getByLabel("Reason").fill("Safaricom's letter of today.");
    await page.getByRole("button", { name: "Record it" }).click();
    await page.getByText("The reversal is recorded.").waitFor();
    expect(await balanceOf(shop)).toBe(before - 400);
  });

  it("gives SMS credits, proves the books, and has every act in its log", async () => {
    await go(`/operator/merchants/${shop.account}`);
    await page.getByRole("button", { name: "Give SMS credits" }).click();
    const dialog = page.locator("[popover]:popover-open");
    await dialog.getByLabel("Credits").fill("40");
    await dialog.getByLabel("Reason").fill("An apology.");
    await dialog.getByRole("button", { name: "Give them" }).click();
    await page.getByText("It is given.").waitFor();
    await go("/operator/ledger?verify=1");
    expect(await text()).toContain("The books hold");
    await inspect(page, "console-ledger");
    await go("/operator/audit");
    const log = await text();
    for (const act of ["key.suspend", "key.release", "ruling.apply", "webhook.replay", "grant.sms_credits"]) {
      expect(log).toContain(act);
    }
    expect(log).toContain("Jane Achieng");
    await inspect(page, "console-audit");
  });

  it("is nothing to a merchant, and the dashboard is nothing to an operator", async () => {
    await go("/dashboard");
    expect(page.url()).toMatch(/\/operator$/);
    const other = await browser.newContext();
    const theirs = await other.newPage();
    await theirs.goto(`${running.gateway}/signup`);
    await theirs.getByLabel("Your name or business").fill("Mere Merchant");
    await theirs.getByLabel("Email").fill("mere@duka.co.ke");
    await theirs.getByLabel("Phone").fill("0722 000 222");
    await theirs.getByLabel("Password").fill(PASSWORD);
    await theirs.getByRole("button", { name: "Make my account" }).click();
    await theirs.getByText("Welcome to SmartPay").waitFor();
    for (const path of ["", "/figures", "/merchants", "/unclear", "/audit", "/second-factor"]) {
      const answer = await theirs.goto(`${running.gateway}/operator${path}`);
      expect([path, answer?.status()]).toEqual([path, 404]);
      expect(await theirs.content()).not.toContain("Wanjiku");
    }
    await other.close();
  });
});
