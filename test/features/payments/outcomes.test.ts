import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  callBack,
  callsLeft,
  failed,
  lastPayment,
  newMerchant,
  newPhone,
  newReceipt,
  paid,
  paymentIds,
  push,
  readTransaction,
  request,
  rows,
  walletBalance,
} from "../../support/gateway.ts";
import { type Answer, broken, darajaError, freshNetwork, html, type Network } from "../../support/network.ts";

let network: Network;
beforeEach(() => {
  network = freshNetwork();
});

const callbackUrl = "https://duka.co.ke/callback";
const json = (status: number, body: unknown) => () => Response.json(body, { status });
const accept = () => Response.json(network.accepted());
const withKey = (key: string) => ({ "Idempotency-Key": key });

const LOCKED = "Unable to lock subscriber, a transaction is already in process for the current subscriber";
const apigee = (faultstring: string, errorcode: string) => ({
  fault: { faultstring, detail: { errorcode } },
});

describe("a refused push", () => {
  it.each<[string, Answer, string]>([
    ["400", darajaError(400, "400.002.02", "Bad Request - Invalid PhoneNumber"), "400.002.02"],
    ["404 JSON", darajaError(404, "404.001.01", "Resource not found"), "404.001.01"],
    ["405", darajaError(405, "405.001", "GET Method Not Allowed"), "405.001"],
    ["400 without a code that we know", json(400, { message: "no" }), "400"],
    ["Spike Arrest", darajaError(500, "500.003.02", "Error Occurred: Spike Arrest Violation"), "500.003.02"],
    ["Quota", darajaError(500, "500.003.03", "Quota Violation"), "500.003.03"],
    ["Apigee's spike arrest", json(429, apigee("Spike arrest violation.", "SpikeArrestViolation")), "fault"],
    ["an unknown merchant", darajaError(500, "500.001.1001", "Merchant does not exist"), "500.001.1001"],
    [
      "wrong credentials",
      darajaError(500, "500.001.1001", "[MerchantValidate] - Wrong credentials"),
      "500.001.1001",
    ],
    ["a locked subscriber", darajaError(500, "500.001.1001", LOCKED), "500.001.1001"],
  ])(
    "by %s costs nothing, tells nobody, and leaves phone and idempotency key free",
    async (_, answer, code) => {
      const merchant = await newMerchant({ callbackUrl });
      const phone = newPhone();
      network.push = answer;
      const refused = await push(merchant.key, { phone }, withKey("order-1"));
      expect([refused.status, refused.body.error_code]).toEqual([500, "PAYMENT_FAILURE"]);
      expect(await callsLeft(merchant)).toBe(5_000);
      expect(await lastPayment(merchant)).toMatchObject({ status: "failed", result_code: code });
      expect(network.count("duka.co.ke")).toBe(0);

      network.push = accept;
      const again = await push(merchant.key, { phone, amount: 7 }, withKey("order-1"));
      expect([again.status, again.headers.get("Idempotent-Replayed")]).toEqual([200, null]);
      for (const _ of ["second", "third"]) expect((await push(merchant.key, { phone })).status).toBe(200);
      expect((await push(merchant.key, { phone })).body.error_code).toBe("PHONE_RATE_LIMIT");
      expect(await callsLeft(merchant)).toBe(4_997);
    },
  );

  it("takes the key's last call no more than a refused one does", async () => {
    const merchant = await newMerchant({ callsLeft: 1 });
    network.push = darajaError(400, "400.002.02", "Bad Request - Invalid Amount");
    await push(merchant.key);
    network.push = accept;
    expect((await push(merchant.key)).status).toBe(200);
    expect((await push(merchant.key)).body.error_code).toBe("LIMIT_REACHED");
  });
});

describe("an unclear push", () => {
  const unclear: [string, Answer][] = [
    ["a timeout", broken("TimeoutError")],
    ["a reset", broken("NetworkError")],
    ["HTML with 503", html(503)],
    ["HTML with 200", html(200)],
    ["HTML with 404", html(404)],
    ["an empty 200", () => new Response("")],
    ["JSON that is no answer", json(200, { ResponseCode: "0" })],
    ["another ResponseCode", () => Response.json({ ...network.accepted(), ResponseCode: "1" })],
    ["500.001.1001 with another text", darajaError(500, "500.001.1001", "Request failed")],
    ["500.003.1001", darajaError(500, "500.003.1001", "Internal Server Error")],
    [
      "500.003.02 with another text",
      darajaError(500, "500.003.02", "System is busy. Please try again in few minutes."),
    ],
    ["a redirect", () => new Response("", { status: 302, headers: { Location: "https://daraja.test/" } })],
  ];

  it.each(unclear)(
    "by %s is no failure, is not sent again, and is settled by its callback",
    async (_, answer) => {
      const merchant = await newMerchant({ callbackUrl });
      network.push = answer;
      const pushed = await push(merchant.key);
      const provisional = pushed.body.checkout_request_id;
      expect(pushed.status).toBe(202);
      expect(pushed.body).toEqual({
        success: true,
        message: expect.any(String),
        checkout_request_id: `sp_${pushed.body.transaction_id}`,
        merchant_request_id: "",
        transaction_id: expect.stringMatching(/^tx_/),
      });
      expect(network.pushes).toHaveLength(1);
      expect(await callsLeft(merchant)).toBe(4_999);
      expect(await lastPayment(merchant)).toMatchObject({
        status: "pending",
        checkout_request_id: provisional,
      });

      const { CheckoutRequestID, MerchantRequestID } = network.accepted();
      const ids = { checkout_request_id: CheckoutRequestID, merchant_request_id: MerchantRequestID };
      await callBack(network.pushes[0]?.CallBackURL ?? "", paid(ids));
      expect(network.to("duka.co.ke").map((sent) => sent.body)).toMatchObject([
        { Body: { stkCallback: { CheckoutRequestID: provisional, MerchantRequestID, ResultCode: 0 } } },
      ]);
      for (const ref of [provisional, pushed.body.transaction_id, CheckoutRequestID]) {
        expect(await readTransaction(merchant.key, ref)).toMatchObject({
          status: "completed",
          id: pushed.body.transaction_id,
          checkout_request_id: provisional,
          merchant_request_id: MerchantRequestID,
        });
      }
      expect(network.pushes).toHaveLength(1);
      expect(await walletBalance(merchant)).toBe(150);
    },
  );

  it("keeps the phone's slot and the idempotency key, and is replayed as what it was", async () => {
    const { key } = await newMerchant();
    const phone = newPhone();
    network.push = broken("TimeoutError");
    const first = await push(key, { phone }, withKey("order-1"));
    const again = await push(key, { phone }, withKey("order-1"));
    expect([again.status, again.body]).toEqual([202, first.body]);
    for (const _ of ["second", "third"]) await push(key, { phone });
    expect((await push(key, { phone })).body.error_code).toBe("PHONE_RATE_LIMIT");
  });

  it("is answered as accepted if the callback came while M-Pesa was silent", async () => {
    const merchant = await newMerchant({ callbackUrl });
    const { CheckoutRequestID } = network.accepted();
    network.push = async (sent) => {
      const { CallBackURL } = sent.body as { CallBackURL: string }; // our own client's JSON
      await callBack(CallBackURL, paid({ checkout_request_id: CheckoutRequestID }));
      throw new DOMException("too late", "TimeoutError");
    };
    const pushed = await push(merchant.key);
    expect(pushed.status).toBe(200);
    expect(pushed.body.checkout_request_id).toBe(CheckoutRequestID);
    expect(network.to("duka.co.ke")[0]?.text).toContain(CheckoutRequestID);
  });

  it("that failed after all is told under the provisional id, and can fail without a receipt", async () => {
    const merchant = await newMerchant({ callbackUrl });
    network.push = html(503);
    const { body } = await push(merchant.key);
    const ids = { checkout_request_id: network.accepted().CheckoutRequestID };
    await callBack(network.pushes[0]?.CallBackURL ?? "", failed(ids, 1032, "Request cancelled by user."));
    expect(await lastPayment(merchant)).toMatchObject({ status: "failed", result_code: "1032" });
    expect(network.to("duka.co.ke")[0]?.body).toMatchObject({
      Body: { stkCallback: { CheckoutRequestID: body.checkout_request_id, ResultCode: 1032 } },
    });
  });
});

describe("a push refused for the operator's settings", () => {
  const told = () =>
    rows<{ body: string }>("SELECT body FROM notices WHERE id LIKE 'pushes_refused:%' ORDER BY created_at");
  beforeEach(async () => {
    await rows("DELETE FROM notices WHERE id LIKE 'pushes_refused:%'");
    vi.useFakeTimers({ toFake: ["Date"], now: Math.ceil(Date.now() / 3_600_000) * 3_600_000 });
  });

  it.each<[string, Answer, string]>([
    [
      "by its passkey",
      darajaError(500, "500.001.1001", "[MerchantValidate] - Wrong credentials"),
      "Wrong credentials",
    ],
    ["by its shortcode", darajaError(500, "500.001.1001", "Merchant does not exist"), "does not exist"],
    ["by its app", darajaError(404, "404.001.03", "Invalid Access Token"), "Invalid Access Token"],
  ])("%s is told to the operator, once an hour", async (_, answer, words) => {
    const { key } = await newMerchant();
    network.push = answer;
    for (const _ of [1, 2]) expect((await push(key)).body.error_code).toBe("PAYMENT_FAILURE");
    expect(await told()).toMatchObject([{ body: expect.stringContaining(words) }]);
    vi.setSystemTime(Date.now() + 3_600_000);
    await push(key);
    expect(await told()).toHaveLength(2);
  });

  it("is told of nothing where M-Pesa refuses one payment alone", async () => {
    const { key } = await newMerchant();
    network.push = darajaError(400, "400.002.02", "Bad Request - Invalid PhoneNumber");
    await push(key);
    expect(await told()).toEqual([]);
  });
});

describe("the access token", () => {
  const deadToken = darajaError(404, "404.001.03", "Invalid Access Token");

  /** From now on Daraja accepts none of the tokens that it has given, but those that it gives. */
  function killTokens() {
    const living = new Set<string>();
    network.token = () => {
      const access_token = crypto.randomUUID();
      living.add(`Bearer ${access_token}`);
      return Response.json({ access_token, expires_in: "3599" });
    };
    network.push = (sent) => (living.has(sent.headers.get("Authorization") ?? "") ? accept() : deadToken());
  }

  it("that Daraja does not accept is fetched anew, once, and the push goes out", async () => {
    const { key } = await newMerchant();
    await push(key);
    killTokens();
    const [oauth, pushes] = [network.count("/oauth/"), network.pushes.length];
    expect((await push(key)).status).toBe(200);
    expect(network.count("/oauth/") - oauth).toBe(1);
    expect(network.pushes.length - pushes).toBe(2);
  });

  it("that is 401 without any JSON is fetched anew too", async () => {
    const { key } = await newMerchant();
    await push(key);
    network.push = () => (network.pushes.length === 2 ? new Response("", { status: 401 }) : accept());
    expect((await push(key)).status).toBe(200);
    expect(network.pushes).toHaveLength(3);
  });

  it("that is refused twice is a refusal", async () => {
    const merchant = await newMerchant();
    await push(merchant.key);
    network.push = deadToken;
    const oauth = network.count("/oauth/");
    expect((await push(merchant.key)).body.error_code).toBe("PAYMENT_FAILURE");
    expect(network.pushes).toHaveLength(3);
    expect(network.count("/oauth/") - oauth).toBe(1);
    expect(await lastPayment(merchant)).toMatchObject({ status: "failed", result_code: "404.001.03" });
    expect(await callsLeft(merchant)).toBe(4_999);
  });

  it("is fetched once for pushes that find it dead at the same time", async () => {
    const { key } = await newMerchant();
    await push(key);
    killTokens();
    const oauth = network.count("/oauth/");
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => push(key)));
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200, 200]);
    expect(network.count("/oauth/") - oauth).toBe(1);
  });

  it("is renewed before its hour is over, whether expires_in is a number or a string", async () => {
    const { key } = await newMerchant();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 7_200_000 });
    network.token = () => Response.json({ access_token: "numbered", expires_in: 3599 });
    await push(key);
    vi.setSystemTime(Date.now() + 3_470_000);
    await push(key);
    expect(network.count("/oauth/")).toBe(1);
    vi.setSystemTime(Date.now() + 20_000);
    await push(key);
    expect(network.count("/oauth/")).toBe(2);
    expect(network.to("/oauth/")[0]?.headers.get("Authorization")).toBe(
      `Basic ${btoa("consumer:consumer-secret")}`,
    );
  });

  it.each<[string, Answer]>([
    ["HTML with 503", html(503)],
    ["HTML with 200", html(200)],
    ["a 400 with no body", () => new Response("", { status: 400 })],
    ["a timeout", broken("TimeoutError")],
  ])("that cannot be had, for %s, makes the push unavailable and costs nothing", async (_, token) => {
    const merchant = await newMerchant({ callbackUrl });
    const phone = newPhone();
    // Later than any token that another test has left lives.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 20 * 86_400_000 });
    network.token = token;
    const answer = await push(merchant.key, { phone }, withKey("order-1"));
    expect([answer.status, answer.body.error_code]).toEqual([503, "SERVICE_UNAVAILABLE"]);
    expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(network.pushes).toEqual([]);
    expect(await callsLeft(merchant)).toBe(5_000);
    expect((await lastPayment(merchant)).status).toBe("failed");
    expect(network.count("duka.co.ke")).toBe(0);
    for (const _ of [1, 2, 3, 4]) await push(merchant.key, { phone });
    const again = await push(merchant.key, { phone }, withKey("order-1"));
    expect(again.body.error_code).toBe("SERVICE_UNAVAILABLE");
  });
});

describe("Idempotency-Key", () => {
  it("brings the first answer again, and takes one call and one prompt for both", async () => {
    const merchant = await newMerchant();
    const phone = newPhone();
    const first = await push(merchant.key, { phone }, withKey("order-101"));
    const again = await push(merchant.key, { phone: `+${phone}` }, withKey('"order-101"'));
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(first.headers.get("Idempotent-Replayed")).toBeNull();
    expect(again.headers.get("Idempotent-Replayed")).toBe("true");
    expect(network.pushes).toHaveLength(1);
    expect(await callsLeft(merchant)).toBe(4_999);
    expect(await paymentIds(merchant)).toHaveLength(1);
    const remaining = (answer: typeof first) => Number(answer.headers.get("X-RateLimit-Day-Remaining"));
    expect(remaining(first) - remaining(again)).toBe(1);
  });

  it("replays whatever became of the payment, the key and the phone since", async () => {
    const merchant = await newMerchant({ callsLeft: 3 });
    const phone = newPhone();
    const first = await push(merchant.key, { phone }, withKey("order-1"));
    await callBack(network.pushes[0]?.CallBackURL ?? "", paid(first.body));
    for (const _ of ["second", "third"]) await push(merchant.key, { phone });
    await rows("UPDATE api_keys SET suspended_at = 1, expires_at = 1 WHERE id = ?", merchant.keyId);
    const again = await push(merchant.key, { phone }, withKey("order-1"));
    expect([again.status, again.body]).toEqual([200, first.body]);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 71 * 3_600_000 });
    expect((await push(merchant.key, { phone }, withKey("order-1"))).body).toEqual(first.body);
  });

  it("does not use the phone's slots for replays", async () => {
    const { key } = await newMerchant();
    const phone = newPhone();
    for (const _ of [1, 2, 3, 4, 5]) await push(key, { phone }, withKey("order-1"));
    for (const _ of ["second", "third"]) expect((await push(key, { phone })).status).toBe(200);
    expect((await push(key, { phone })).body.error_code).toBe("PHONE_RATE_LIMIT");
  });

  it.each([{ amount: 151 }, { phone: "0712000001" }, { account_reference: "B" }, { description: "B" }])(
    "with another body, %j, is refused with 422",
    async (change) => {
      const merchant = await newMerchant();
      const body = { phone: newPhone(), amount: 150 };
      await push(merchant.key, body, withKey("order-1"));
      const other = await push(merchant.key, { ...body, ...change }, withKey("order-1"));
      expect([other.status, other.body.error_code]).toEqual([422, "IDEMPOTENCY_KEY_REUSED"]);
      expect(network.pushes).toHaveLength(1);
      expect(await callsLeft(merchant)).toBe(4_999);
    },
  );

  it("is refused with 409 while the first request runs", async () => {
    const { key } = await newMerchant();
    const phone = newPhone();
    let second: Awaited<ReturnType<typeof push>> | undefined;
    network.push = async () => {
      second = await push(key, { phone }, withKey("order-1"));
      return accept();
    };
    expect((await push(key, { phone }, withKey("order-1"))).status).toBe(200);
    expect([second?.status, second?.body.error_code]).toEqual([409, "IDEMPOTENCY_IN_PROGRESS"]);
    expect(second?.headers.get("Retry-After")).toBe("1");
    expect(network.pushes).toHaveLength(1);
  });

  it("sends one prompt for 50 copies at once", async () => {
    const merchant = await newMerchant();
    const phone = newPhone();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => push(merchant.key, { phone }, withKey("order-1"))),
    );
    expect(network.pushes).toHaveLength(1);
    expect(await callsLeft(merchant)).toBe(4_999);
    for (const { status, body } of answers) {
      if (status === 200) expect(body.transaction_id).toBe((await paymentIds(merchant))[0]);
      else expect(body.error_code).toBe("IDEMPOTENCY_IN_PROGRESS");
    }
  });

  it("belongs to one API key", async () => {
    const [mine, theirs] = [await newMerchant(), await newMerchant()];
    await push(mine.key, {}, withKey("order-1"));
    const other = await push(theirs.key, {}, withKey("order-1"));
    expect([other.status, other.headers.get("Idempotent-Replayed")]).toEqual([200, null]);
    expect(network.pushes).toHaveLength(2);
  });

  it("is not kept for requests that were refused before M-Pesa was asked", async () => {
    const merchant = await newMerchant({ callsLeft: 0 });
    await push(merchant.key, {}, withKey("order-1"));
    await push(merchant.key, { amount: 0 }, withKey("order-1"));
    await rows("UPDATE api_keys SET calls_left = 1 WHERE id = ?", merchant.keyId);
    expect((await push(merchant.key, {}, withKey("order-1"))).status).toBe(200);
  });

  it.each(["", '""', "two words", "del\x7fete", "x".repeat(256), '"unclosed key', "tab\tinside"])(
    "of the form %j is refused",
    async (value) => {
      const merchant = await newMerchant();
      const answer = await push(merchant.key, {}, withKey(value));
      expect([answer.status, answer.body.error_code]).toEqual([400, "INVALID_FIELD"]);
      expect(answer.body.errors[0].field).toBe("Idempotency-Key");
      expect(await paymentIds(merchant)).toEqual([]);
    },
  );

  it.each(["x", "x".repeat(255), "a:b/c?d=%20", "'"])("may be %j", async (value) => {
    const { key } = await newMerchant();
    expect((await push(key, {}, withKey(value))).status).toBe(200);
  });

  it("of a first request that died answers as unclear after 60 s, and is settled as any other", async () => {
    const merchant = await newMerchant();
    const body = { phone: newPhone(), amount: 150 };
    const first = await push(merchant.key, body, withKey("order-1"));
    await rows(
      `UPDATE transactions SET acknowledgement = NULL, checkout_request_id = NULL, merchant_request_id = NULL
       WHERE id = ?`,
      first.body.transaction_id,
    );
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 55_000 });
    expect((await push(merchant.key, body, withKey("order-1"))).body.error_code).toBe(
      "IDEMPOTENCY_IN_PROGRESS",
    );
    vi.setSystemTime(Date.now() + 6_000);
    const again = await push(merchant.key, body, withKey("order-1"));
    expect(again.status).toBe(202);
    expect(again.body.checkout_request_id).toBe(`sp_${first.body.transaction_id}`);
    expect(network.pushes).toHaveLength(1);

    const receipt = newReceipt();
    await callBack(network.pushes[0]?.CallBackURL ?? "", paid(first.body, { receipt }));
    expect(await lastPayment(merchant)).toMatchObject({
      status: "completed",
      mpesa_receipt: receipt,
      checkout_request_id: again.body.checkout_request_id,
    });
  });

  it("is read before the body's faults are told, and not before authentication", async () => {
    const headers = withKey("two words");
    const anonymous = await request("/v1/stk/push", { headers, body: {} });
    expect(anonymous.body.error_code).toBe("MISSING_AUTH");
  });
});
