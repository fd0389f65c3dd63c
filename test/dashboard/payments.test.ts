import { env } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { kenyaDay, kenyaTime } from "../../src/dashboard/parts.tsx";
import { EXPORTED_AT_MOST } from "../../src/features/payments/export.ts";
import { eastAfricaDay } from "../../src/lib/clock.ts";
import { csvLine } from "../../src/lib/csv.ts";
import {
  callBack,
  callsLeft,
  failed,
  lastPayment,
  newPhone,
  newReceipt,
  paid,
  push,
  rows,
  setKey,
} from "../support/gateway.ts";
import { darajaError, freshNetwork, type Network, queryResult } from "../support/network.ts";
import { plansOf, SCAN_OR_SORT } from "../support/plans.ts";
import { type Page, type SignedUp, signUp, verifyPhone } from "../support/visitor.ts";

let network: Network;
beforeEach(() => {
  network = freshNetwork();
});

const IN_A_DAY_MS = 86_400_000;
const LOCKED = "Unable to lock subscriber, a transaction is already in process for the current subscriber";
const SHOP = "https://duka.co.ke/callback";

/** A merchant in front of the dashboard, whose default key has a plan. */
async function merchant(): Promise<SignedUp & { account: string }> {
  const signedUp = await signUp();
  const withPlan = { ...signedUp, account: `SP${signedUp.merchantId}` };
  const expiresAt = Date.now() + IN_A_DAY_MS;
  await setKey(withPlan, "plan = 'Professional', calls_left = 5000, expires_at = ?", expiresAt);
  return withPlan;
}

/** A payment by the API, and how it ended. */
async function payment(
  { key }: SignedUp,
  end: "pending" | "completed" | "failed" = "pending",
  body: object = {},
  receipt = newReceipt(),
): Promise<{ id: string; receipt: string; callbackUrl: string; checkout_request_id: string }> {
  const { body: pushed } = await push(key, body);
  const callbackUrl = network.pushes.at(-1)?.CallBackURL ?? "";
  const amount = "amount" in body ? Number(body.amount) : 150;
  if (end === "completed") await callBack(callbackUrl, paid(pushed, { amount, receipt }));
  if (end === "failed") await callBack(callbackUrl, failed(pushed, 1032, "Request cancelled by user"));
  return { id: pushed.transaction_id, receipt, callbackUrl, checkout_request_id: pushed.checkout_request_id };
}

const pageOf = (id: string) => `/dashboard/payments/${id}`;
const open = ({ visitor }: SignedUp, path: string, headers?: Record<string, string>) =>
  visitor.get(path, headers);
/** As htmx asks: for the part of the page that changes. */
const openPart = (who: SignedUp, path: string) => open(who, path, { "HX-Request": "true" });
/** The ids of the payments that a list shows, in its order. */
const listed = ({ html }: Page) => [...html.matchAll(/<li id="(tx_[0-9a-f]{32})"/g)].map(([, id]) => id);
/** Where htmx looks next, and how often; undefined once nothing is to come. */
const nextLook = ({ html }: Page) => {
  const [, path] = /hx-get="([^"]+)"/.exec(html) ?? [];
  return path?.replaceAll("&amp;", "&");
};

describe("the home page", () => {
  it("draws what was taken on each day, wherever it landed", async () => {
    const duka = await merchant();
    await setKey(duka, `destination = '{"method":"till","till_number":"654321"}'`);
    const twoDaysAgo = Date.now() - 2 * IN_A_DAY_MS;
    vi.useFakeTimers({ toFake: ["Date"], now: twoDaysAgo });
    await payment(duka, "completed", { amount: 700 });
    await payment(duka, "failed", { amount: 900 });
    vi.useRealTimers();
    await payment(duka, "completed", { amount: 50 });
    const page = await open(duka, "/dashboard");
    expect(page.text).toContain("KES 750 in 30 days");
    expect(page.html).toContain(`<title>${kenyaDay(eastAfricaDay(twoDaysAgo))}: KES 700</title>`);
    expect(page.html).toContain(`<title>${kenyaDay(eastAfricaDay(Date.now()))}: KES 50</title>`);
  });
});

describe("the list", () => {
  it("shows the merchant's payments, newest first, with what became of them", async () => {
    const duka = await merchant();
    const first = await payment(duka, "failed", { account_reference: "INV-1" });
    const second = await payment(duka, "completed", { amount: 12_500 });
    const page = await open(duka, "/dashboard/payments");
    expect(listed(page)).toEqual([second.id, first.id]);
    expect(page.text).toContain("2 in all");
    for (const shown of ["KES 12,500", "Paid", second.receipt, "Not paid", "INV-1"]) {
      expect(page.text).toContain(shown);
    }
  });

  it("holds nothing of another merchant's", async () => {
    const [duka, other] = [await merchant(), await merchant()];
    await payment(other, "completed");
    expect(listed(await open(duka, "/dashboard/payments"))).toEqual([]);
    expect((await open(duka, `/dashboard/payments?key_id=${other.keyId}`)).status).toBe(404);
  });

  it.each([
    [
      "a phone, as people write it",
      ({ phone }) => `0${phone.slice(3, 6)} ${phone.slice(6, 9)} ${phone.slice(9)}`,
    ],
    ["a receipt", ({ receipt }) => receipt],
    ["a receipt in small letters", ({ receipt }) => receipt.toLowerCase()],
    ["a whole reference", () => "Lunch, table 4"],
    ["a reference that looks like a receipt", () => "ORDER12345"],
  ] satisfies [string, (of: { phone: string; receipt: string }) => string][])(
    "is searched by %s",
    async (_, q) => {
      const duka = await merchant();
      const [phone, receipt] = [newPhone(), newReceipt()];
      const reference = q({ phone, receipt }).startsWith("ORDER") ? "ORDER12345" : "Lunch, table 4";
      const sought = await payment(duka, "completed", { phone, account_reference: reference }, receipt);
      await payment(duka, "completed");
      const page = await open(duka, `/dashboard/payments?q=${encodeURIComponent(q({ phone, receipt }))}`);
      expect(listed(page)).toEqual([sought.id]);
      expect(nextLook(page)).toBeUndefined();
    },
  );

  it("leads straight to a payment that is searched by its id or checkout request id", async () => {
    const duka = await merchant();
    const { id, checkout_request_id } = await payment(duka);
    for (const q of [id, checkout_request_id, ` sp_${id} `]) {
      const { status, location } = await open(duka, `/dashboard/payments?q=${encodeURIComponent(q)}`);
      expect([status, location]).toEqual([302, pageOf(id)]);
    }
  });

  it("is narrowed by status, key and days, and takes no notice of what makes no sense", async () => {
    const duka = await merchant();
    const done = await payment(duka, "completed");
    const waiting = await payment(duka);
    const list = async (query: string) => listed(await open(duka, `/dashboard/payments?${query}`));
    expect(await list("status=pending")).toEqual([waiting.id]);
    expect(await list(`status=completed&key_id=${duka.keyId}`)).toEqual([done.id]);
    expect(await list("from=2001-01-01&to=2001-12-31")).toEqual([]);
    expect(await list("status=&from=&to=&key_id=&q=&cursor=nonsense")).toEqual([waiting.id, done.id]);
  });

  it("goes on to older payments", async () => {
    const duka = await merchant();
    await store(duka, 30);
    const page = await open(duka, "/dashboard/payments");
    expect(listed(page)).toHaveLength(25);
    const [, older = ""] = /href="([^"]*cursor=[^"]*)"/.exec(page.html) ?? [];
    const rest = await open(duka, older.replaceAll("&amp;", "&"));
    expect(listed(rest)).toHaveLength(5);
    expect(nextLook(rest)).toBeUndefined();
  });

  it("grows by itself, tells what is new, and sends nothing while nothing is", async () => {
    const duka = await merchant();
    await payment(duka, "completed");
    const page = await open(duka, "/dashboard/payments");
    const look = nextLook(page) ?? "";
    expect((await openPart(duka, look)).status).toBe(204);
    const fresh = await payment(duka, "completed", { amount: 700 });
    const part = await openPart(duka, look);
    expect(part.html).toMatch(/^<div id="payments"/);
    expect(part.html).toContain(`<li id="${fresh.id}" class="fresh">`);
    expect(part.text).toContain("Paid: KES 700");
    expect(part.html.match(/class="fresh"/g)).toHaveLength(1);
    expect((await openPart(duka, nextLook(part) ?? "")).status).toBe(204);
  });

  it("sends whoever is signed out meanwhile to the sign-in", async () => {
    const duka = await merchant();
    duka.visitor.cookies.clear();
    const part = await openPart(duka, "/dashboard/payments?seen=x");
    expect([part.status, part.headers.get("HX-Redirect")]).toEqual([401, "/login"]);
  });

  it("finds its rows by an index, however many there are", async () => {
    const duka = await merchant();
    await store(duka, 5);
    const Cookie = [...duka.visitor.cookies].map((pair) => pair.join("=")).join("; ");
    for (const query of ["", "?status=failed", "?q=UKO4T7X2PQ", "?q=0712345678", `?key_id=${duka.keyId}`]) {
      const plan = await plansOf(`/dashboard/payments${query}`, { headers: { Cookie } });
      expect(plan.length).toBeGreaterThan(0);
      expect(plan.filter((step) => SCAN_OR_SORT.test(step) && /transactions|payouts/.test(step))).toEqual([]);
    }
  });
});

describe("the CSV", () => {
  const EXPORT = "/dashboard/payments/export.csv";
  const linesOf = ({ html }: Page) => html.split("\r\n").slice(1, -1);

  it("is a file of the payments that the filter shows, in East Africa Time", async () => {
    const duka = await merchant();
    await payment(duka, "failed");
    const done = await payment(duka, "completed", { phone: "254712345678", amount: 150 });
    const file = await open(duka, `${EXPORT}?status=completed`);
    expect(file.headers.get("Content-Type")).toBe("text/csv; charset=utf-8");
    expect(file.headers.get("Content-Disposition")).toMatch(/^attachment; filename="payments-[\d-]+\.csv"$/);
    const [line, ...others] = linesOf(file);
    expect(others).toEqual([]);
    expect(line).toContain(`,completed,150,0712 345 678,${done.receipt},SMARTPAY,`);
    expect(line).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,/);
  });

  it.each(['=HYPERLINK("http://x")', "+254", "-1+1", "@SUM(A1)"])("makes no formula of %s", async (text) => {
    const duka = await merchant();
    await payment(duka, "pending", { account_reference: text });
    const [line] = linesOf(await open(duka, EXPORT));
    const cell = text.includes('"') ? `"'${text.replaceAll('"', '""')}"` : `'${text}`;
    expect(line).toContain(`,${cell},`);
  });

  it("quotes as RFC 4180 says, and defuses tabs and returns too", () => {
    expect(csvLine(['say "hi"', "a,b", "\tx", "\rx", 5, ""])).toBe('"say ""hi""","a,b",\'\tx,"\'\rx",5,\r\n');
  });

  it("ends at its bound, which the page states", async () => {
    const duka = await merchant();
    await store(duka, EXPORTED_AT_MOST + 1);
    expect(linesOf(await open(duka, EXPORT))).toHaveLength(EXPORTED_AT_MOST);
    expect((await open(duka, "/dashboard/payments")).text).toContain("at most 10,000 payments");
  });

  it("holds nothing of another merchant's, whatever the filter names", async () => {
    const [duka, other] = [await merchant(), await merchant()];
    const { receipt } = await payment(other, "completed");
    expect(linesOf(await open(duka, `${EXPORT}?q=${receipt}`))).toEqual([]);
    expect((await open(duka, `${EXPORT}?key_id=${other.keyId}`)).status).toBe(404);
  });
});

describe("a payment's page", () => {
  it("tells the whole story of a payment to a wallet: request, answer, callback, ledger, webhook", async () => {
    const duka = await merchant();
    await setKey({ ...duka }, "callback_url = ?", SHOP);
    network.merchant = () => new Response("Asante <b>sana</b>");
    const { id, receipt } = await payment(duka, "completed", { amount: 2_000, account_reference: "INV-7" });
    const { text, html } = await open(duka, pageOf(id));
    inOrder(text, [
      "KES 2,000 asked for",
      "M-Pesa took the request",
      "M-Pesa called back: paid",
      `Receipt ${receipt}`,
      "Received: KES 2,000",
      "from M-Pesa to your wallet",
      "Webhook to your server: HTTP 200",
      "What your server answered",
      "Asante",
    ]);
    expect(html).toContain("Asante &lt;b&gt;sana&lt;/b&gt;");
  });

  it("tells of a payout, and of each attempt of a webhook that the server did not take", async () => {
    const duka = await merchant();
    await setKey(
      { ...duka },
      "callback_url = ?, destination = ?",
      SHOP,
      '{"method":"phone","phone":"254712345678"}',
    );
    network.merchant = () => new Response("we are closed", { status: 503 });
    const { id } = await payment(duka, "completed");
    const { text } = await open(duka, pageOf(id));
    inOrder(text, ["Received: KES 150", "Set aside for the payout: KES 150", "Payout begins"]);
    inOrder(text, ["Webhook to your server: HTTP 503", "we are closed", "the next attempt"]);
  });

  it.each([
    [
      "cancelled",
      () => failed({ checkout_request_id: "" }, 1032, "Request cancelled"),
      "The customer pressed Cancel.",
    ],
    ["not to be paid", () => failed({ checkout_request_id: "" }, 1, "Low balance"), "too little money"],
  ])("says in plain words that a payment was %s", async (_, body, words) => {
    const duka = await merchant();
    const { id, callbackUrl, checkout_request_id } = await payment(duka);
    const told = body();
    told.Body.stkCallback.CheckoutRequestID = checkout_request_id;
    await callBack(callbackUrl, told);
    const page = await open(duka, pageOf(id));
    expect(page.text).toContain("Not paid");
    expect(page.text).toContain(words);
    expect(nextLook(page)).toBeUndefined();
  });

  it("tells that a callback did not fit, and that nothing was credited", async () => {
    const duka = await merchant();
    const { id, callbackUrl, checkout_request_id } = await payment(duka);
    await callBack(callbackUrl, paid({ checkout_request_id }, { amount: 1 }));
    expect((await open(duka, pageOf(id))).text).toContain(
      "It does not fit the payment, so nothing was credited.",
    );
  });

  it("warns of asking again while M-Pesa's answer is unclear", async () => {
    const duka = await merchant();
    network.push = () => new Response("<html>", { status: 503 });
    const { id } = await payment(duka);
    const { text } = await open(duka, pageOf(id));
    expect(text).toContain("Do not ask again");
    expect(text).not.toContain("Check now");
  });

  it("shows the progress by itself, and looks no further once nothing is to come", async () => {
    const duka = await merchant();
    const { id, callbackUrl, checkout_request_id } = await payment(duka, "pending", {
      phone: "254712345678",
    });
    const page = await open(duka, pageOf(id));
    expect(page.text).toContain("Waiting for the PIN on 0712 345 678");
    const look = nextLook(page) ?? "";
    expect((await openPart(duka, look)).status).toBe(204);
    const receipt = newReceipt();
    await callBack(callbackUrl, paid({ checkout_request_id }, { receipt }));
    const part = await openPart(duka, look);
    expect(part.html).toMatch(/^<div id="payment"/);
    expect(part.text).toContain(`Paid, receipt ${receipt}`);
    expect(nextLook(part)).toBeUndefined();
  });

  it("is not there for another merchant, nor is anything that it can do", async () => {
    const [duka, other] = [await merchant(), await merchant()];
    await setKey({ ...other }, "callback_url = ?", SHOP);
    const { id } = await payment(other, "completed");
    const [delivery] = await rows<{ id: string }>(
      "SELECT id FROM webhook_deliveries WHERE transaction_id = ?",
      id,
    );
    const own = await payment(duka);
    const replayOf = (payment: string) => `${pageOf(payment)}/webhooks/${delivery?.id}/replay`;
    const sent = network.count("duka.co.ke");
    expect((await open(duka, pageOf(id))).status).toBe(404);
    expect((await open(duka, "/dashboard/payments/nonsense")).status).toBe(404);
    for (const path of [`${pageOf(id)}/check`, replayOf(id), replayOf(own.id)]) {
      expect((await duka.visitor.submit(path, {})).status).toBe(404);
    }
    expect((await open(duka, `/dashboard/payments/new?again=${id}`)).status).toBe(404);
    expect(network.count("duka.co.ke")).toBe(sent);
    expect(network.count("/stkpushquery/")).toBe(0);
  });
});

describe("check now", () => {
  it("asks M-Pesa, and settles what it says was paid", async () => {
    const duka = await merchant();
    const { id } = await payment(duka);
    network.query = queryResult("0", "The service request is processed successfully.");
    const checked = await duka.visitor.submit(`${pageOf(id)}/check`, {});
    expect([checked.status, checked.location]).toEqual([303, `${pageOf(id)}?done=checked`]);
    const { text } = await open(duka, checked.location ?? "");
    expect(text).toContain("M-Pesa was asked just now.");
    inOrder(text, ["Paid", "What happened", "M-Pesa took the request", "Received: KES 150"]);
  });

  it("believes no single failure of a query, and leaves the schedule as it was", async () => {
    const duka = await merchant();
    const { id } = await payment(duka);
    const stored = async () =>
      (await rows("SELECT status, query_count, due_at FROM transactions WHERE id = ?", id))[0];
    const before = await stored();
    await duka.visitor.submit(`${pageOf(id)}/check`, {});
    expect(await stored()).toEqual(before);
    await rows("DELETE FROM throttles");
    network.query = queryResult("1032", "Request cancelled by user");
    await duka.visitor.submit(`${pageOf(id)}/check`, {});
    expect(await stored()).toMatchObject({ status: "pending", query_count: 0 });
  });

  it("asks at most once in ten seconds", async () => {
    const duka = await merchant();
    const { id } = await payment(duka);
    await duka.visitor.submit(`${pageOf(id)}/check`, {});
    const again = await duka.visitor.submit(`${pageOf(id)}/check`, {});
    expect((await open(duka, again.location ?? "")).text).toContain("Wait a little, then try again.");
    expect(network.count("/stkpushquery/")).toBe(1);
  });
});

describe("send the webhook again", () => {
  it("sends it at once, and shows what the server answered", async () => {
    const duka = await merchant();
    await setKey({ ...duka }, "callback_url = ?", SHOP);
    network.merchant = () => new Response("closed", { status: 410 });
    const { id } = await payment(duka, "completed");
    const page = await open(duka, pageOf(id));
    const [, action = ""] = /action="([^"]+\/replay)"/.exec(page.html) ?? [];
    network.merchant = () => new Response("open again");
    const sent = await duka.visitor.submit(action, {});
    expect([sent.status, sent.location]).toEqual([303, `${pageOf(id)}?done=resent`]);
    expect(network.count("duka.co.ke")).toBe(2);
    inOrder((await open(duka, pageOf(id))).text, ["HTTP 410", "attempt 2", "HTTP 200", "open again"]);
  });

  it("is not offered, nor done, for the failure of a payment that was paid after all", async () => {
    const duka = await merchant();
    await setKey({ ...duka }, "callback_url = ?", SHOP);
    network.merchant = () => new Response("closed", { status: 410 });
    const { id, ...ids } = await payment(duka, "failed");
    const delivery = `wh_${id.slice("tx_".length)}_failed`;
    const ALERT = "did not reach your server";
    expect((await open(duka, "/dashboard")).text).toContain(ALERT);
    network.merchant = () => new Response("open again");
    await callBack(ids.callbackUrl, paid(ids, { amount: 150, receipt: ids.receipt }));

    const page = await open(duka, pageOf(id));
    inOrder(page.text, ["Webhooks", "Overtaken by the success", "“Not paid”", "“Paid”"]);
    expect(page.text).not.toContain("Given up");
    const [failure, success] = [`${delivery}/replay`, `${delivery.replace("failed", "completed")}/replay`];
    expect([page.html.includes(failure), page.html.includes(success)]).toEqual([false, true]);
    const own = await open(duka, `/dashboard/api/webhooks/${delivery}`);
    expect(own.text).toContain("Overtaken by the success");
    expect(own.html).not.toContain(failure);
    const list = await open(duka, "/dashboard/api/webhooks?status=failed");
    expect(list.text).toContain("Overtaken by the success Not paid KES 150");
    expect((await open(duka, "/dashboard")).text).not.toContain(ALERT);

    const told = network.count("duka.co.ke");
    const pressed = await duka.visitor.submit(`${pageOf(id)}/webhooks/${failure}`, {});
    expect((await open(duka, pressed.location ?? "")).text).toContain("its failure is not told again");
    await duka.visitor.submit(`/dashboard/api/webhooks/${failure}`, {});
    expect(network.count("duka.co.ke")).toBe(told);
  });

  it("of many attempts is told by the last 20, each with its own number", async () => {
    const duka = await merchant();
    await setKey({ ...duka }, "callback_url = ?", SHOP);
    const { id } = await payment(duka, "completed");
    const delivery = `wh_${id.slice("tx_".length)}_completed`;
    const attempt = { at: Date.now(), status: 500, durationMs: 1, response: "", error: null };
    const kept = JSON.stringify(Array.from({ length: 20 }, () => attempt));
    await rows("UPDATE webhook_deliveries SET attempt_count = 24, attempts = ? WHERE id = ?", kept, delivery);
    const { text } = await open(duka, pageOf(id));
    const numbers = [...text.matchAll(/Webhook attempt (\d+) to/g)].map(([, number]) => Number(number));
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, i) => i + 5));
    const page = await open(duka, `/dashboard/api/webhooks/${delivery}`);
    expect(page.text).toContain("The last 20 of 24.");
  });
});

describe("the list of webhooks", () => {
  it("names each by its payment, and shows the times of the payments, newest first", async () => {
    const duka = await merchant();
    await setKey({ ...duka }, "callback_url = ?", SHOP);
    network.merchant = () => new Response("OK");
    const late = Date.now();
    const early = late - 5 * 60_000;
    vi.useFakeTimers({ toFake: ["Date"], now: early });
    const first = await push(duka.key, { phone: "254710000218", amount: 999 });
    const itsCallback = network.pushes.at(-1)?.CallBackURL ?? "";
    vi.setSystemTime(late);
    await payment(duka, "failed", { phone: "254710000219", amount: 12_500 });
    vi.setSystemTime(late + 60_000);
    await callBack(itsCallback, paid(first.body, { amount: 999, receipt: newReceipt() }));
    const { text } = await open(duka, "/dashboard/api/webhooks");
    vi.useRealTimers();
    inOrder(text, [
      "Delivered Not paid KES 12,500, 0710 000 219",
      `1 attempt ${kenyaTime(late)}`,
      "Delivered Paid KES 999, 0710 000 218",
      `1 attempt ${kenyaTime(early)}`,
    ]);
    const delivery = `wh_${first.body.transaction_id.slice("tx_".length)}_completed`;
    expect((await open(duka, `/dashboard/api/webhooks/${delivery}`)).text).toContain(
      "Paid KES 999, 0710 000 218",
    );
  });
});

describe("requesting a payment", () => {
  const NEW = "/dashboard/payments/new";

  /** The form as it was rendered, filled in. */
  async function filled(duka: SignedUp, fields: Record<string, string> = {}) {
    const { html } = await open(duka, NEW);
    const [, idempotencyKey = ""] = /name="idempotency_key" value="([^"]+)"/.exec(html) ?? [];
    return {
      phone: "0712 345 678",
      amount: "1,500",
      reference: "",
      description: "",
      key_id: String(duka.keyId),
      idempotency_key: idempotencyKey,
      ...fields,
    };
  }

  it("says why no key can ask, and what helps: a phone to verify, a plan, or a suspension's end", async () => {
    const duka = await signUp();
    const free = "Verify your phone: 50 calls, free for 14 days. Verify it";
    const suspended = "The key “Main” is suspended. See the key";
    expect((await open(duka, NEW)).text).toContain(free);
    await setKey({ ...duka, account: "" }, "suspended_at = 1, name = 'Main'");
    const page = await open(duka, NEW);
    expect(page.text).toContain(suspended);
    expect(page.html).toContain(`href="/dashboard/api/${duka.keyId}"`);
    for (const useless of [free, "Choose a plan"]) expect(page.text).not.toContain(useless);
    await verifyPhone(network, duka);
    await setKey({ ...duka, account: "" }, "suspended_at = NULL, calls_left = 0");
    const { text } = await open(duka, NEW);
    expect(text).toContain("It takes a plan with calls left. Choose a plan");
    for (const past of [free, suspended]) expect(text).not.toContain(past);
  });

  it("sends the prompt with the merchant's own key, and leads to the payment", async () => {
    const duka = await merchant();
    const before = (await callsLeft(duka)) ?? 0;
    const phone = newPhone();
    const sent = await duka.visitor.submit(NEW, await filled(duka, { phone, reference: "INV-9" }));
    expect(sent.status).toBe(303);
    expect(sent.location).toMatch(/^\/dashboard\/payments\/tx_[0-9a-f]{32}$/);
    expect(network.pushes).toHaveLength(1);
    expect(network.pushes[0]).toMatchObject({
      Amount: 1_500,
      PhoneNumber: phone,
      AccountReference: "INV-9",
    });
    expect(await callsLeft(duka)).toBe(before - 1);
    expect((await open(duka, sent.location ?? "")).text).toContain("Waiting for the PIN");
  });

  it("asks the customer once, however often the form is sent", async () => {
    const duka = await merchant();
    const form = await filled(duka, { phone: newPhone() });
    // The first is still with M-Pesa while the second comes.
    const { promise: asked, resolve: isAsked } = Promise.withResolvers<void>();
    const { promise: goOn, resolve: answer } = Promise.withResolvers<void>();
    network.push = async () => {
      isAsked();
      await goOn;
      return Response.json(network.accepted());
    };
    const first = duka.visitor.submit(NEW, form);
    await asked;
    const second = await duka.visitor.submit(NEW, form);
    expect((await open(duka, second.location ?? "")).text).toContain("Asking M-Pesa");
    answer();
    const third = await first.then(() => duka.visitor.submit(NEW, form));
    const to = (await first).location;
    expect([second.status, second.location, third.location]).toEqual([303, to, to]);
    expect(network.pushes).toHaveLength(1);
  });

  it("does not send another request under the first one's name", async () => {
    const duka = await merchant();
    const form = await filled(duka, { phone: newPhone() });
    await duka.visitor.submit(NEW, form);
    const other = await duka.visitor.submit(NEW, { ...form, amount: "9000" });
    expect([other.status, network.pushes.length]).toEqual([409, 1]);
    expect(other.text).toContain("This form was sent before");
    expect(other.html).not.toContain(form.idempotency_key);
  });

  it("says what is wrong with a form, and keeps what was typed", async () => {
    const duka = await merchant();
    const page = await duka.visitor.submit(
      NEW,
      await filled(duka, { phone: "12", amount: "0", reference: "INV-9" }),
    );
    expect(page.status).toBe(400);
    expect(page.text).toContain("Type a Kenyan mobile number");
    expect(page.text).toContain("Type whole shillings");
    expect(page.html).toContain('value="INV-9"');
    expect(network.pushes).toEqual([]);
  });

  it.each([
    [
      "another merchant's key",
      async (_: SignedUp, other: SignedUp) => ({ key_id: String(other.keyId) }),
      400,
    ],
    [
      "a key without a plan",
      async (duka: SignedUp) => {
        await setKey({ ...duka, account: "" }, "expires_at = 1");
        return {};
      },
      403,
    ],
  ])("does not act with %s", async (_, arrange, status) => {
    const [duka, other] = [await merchant(), await merchant()];
    const form = await filled(duka);
    const page = await duka.visitor.submit(NEW, { ...form, ...(await arrange(duka, other)) });
    expect(page.status).toBe(status);
    expect(network.pushes).toEqual([]);
  });

  it("holds the limit of three prompts to a phone, and M-Pesa's refusals, in front of the merchant", async () => {
    const duka = await merchant();
    const phone = newPhone();
    for (let i = 0; i < 3; i++) await duka.visitor.submit(NEW, await filled(duka, { phone }));
    const fourth = await duka.visitor.submit(NEW, await filled(duka, { phone }));
    expect([fourth.status, network.pushes.length]).toEqual([429, 3]);
    expect(fourth.text).toContain("Wait 5 minutes");
    network.push = darajaError(400, "400.002.02", "Bad Request - Invalid Amount");
    const refused = await duka.visitor.submit(NEW, await filled(duka, { phone: newPhone() }));
    expect(refused.text).toContain("Bad Request - Invalid Amount");
    network.push = darajaError(500, "500.001.1001", LOCKED);
    const locked = await duka.visitor.submit(NEW, await filled(duka, { phone: newPhone() }));
    const wait = "busy with another M-Pesa session. Wait a minute before you ask again.";
    expect(locked.text).toContain(wait);
    expect(locked.text).not.toContain("lock subscriber");
    expect((await open(duka, pageOf((await lastPayment(duka)).id))).text).toContain(wait);
  });

  it("begins as the payment that is asked for again", async () => {
    const duka = await merchant();
    const phone = newPhone();
    const { id } = await payment(duka, "failed", { phone, amount: 350, account_reference: "INV-3" });
    const { html } = await open(duka, `${NEW}?again=${id}`);
    for (const value of ["350", "INV-3", `0${phone.slice(3, 6)} ${phone.slice(6, 9)} ${phone.slice(9)}`]) {
      expect(html).toContain(`value="${value}"`);
    }
  });

  it("sends nobody's form from elsewhere", async () => {
    const duka = await merchant();
    const form = await filled(duka);
    const page = await duka.visitor.submit(NEW, form, { Origin: "https://evil.example" });
    expect([page.status, network.pushes]).toEqual([403, []]);
  });
});

/** Each text is there, behind the one before. */
function inOrder(text: string, parts: string[]) {
  let from = 0;
  for (const part of parts) {
    const at = text.indexOf(part, from);
    expect(at, `“${part}” in: ${text.slice(from)}`).toBeGreaterThanOrEqual(0);
    from = at + part.length;
  }
}

/** Many completed payments, without the API. */
async function store({ merchantId, keyId }: SignedUp, count: number): Promise<void> {
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
     INSERT INTO transactions (merchant_id, id, key_id, phone, amount, account_reference, description,
       destination, callback_url, routing, status, created_at)
     SELECT ?, 'tx_' || printf('%012x', ? + i) || printf('%020x', i), ?, '254712345678', 150, 'SMARTPAY', '',
       '{"method":"wallet"}', '', 'direct', 'completed', ? + i FROM n`,
  )
    .bind(count, merchantId, Date.parse("2025-06-03T06:00:00Z"), keyId, Date.parse("2025-06-03T06:00:00Z"))
    .run();
}
