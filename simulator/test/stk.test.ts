import { beforeEach, describe, expect, test, vi } from "vitest";
import {
  call,
  callbacks,
  credentials,
  daraja,
  faults,
  freshNetwork,
  passSeconds,
  push,
  pushFields,
  query,
  sent,
  token,
} from "./support/network.ts";

const ASHA = "254712345678";

beforeEach(freshNetwork);

describe("OAuth", () => {
  const generate = (authorization: string, grant = "client_credentials") =>
    call("GET", `/oauth/v1/generate?grant_type=${grant}`, undefined, { Authorization: authorization });

  test("gives a token of 28 characters that expires in the text 3599", async () => {
    const { status, body } = await generate(`Basic ${btoa("simulator-key:simulator-secret")}`);
    expect(status).toBe(200);
    expect(body).toEqual({ access_token: expect.stringMatching(/^\w{28}$/), expires_in: "3599" });
  });

  test("refuses another grant, another scheme, and a wrong key with an empty 400", async () => {
    const right = `Basic ${btoa("simulator-key:simulator-secret")}`;
    expect((await generate(right, "password")).body).toMatchObject({ errorCode: "400.008.02" });
    expect((await generate("Bearer x")).body).toMatchObject({ errorCode: "400.008.01" });
    expect(await generate(`Basic ${btoa("simulator-key:wrong")}`)).toMatchObject({ status: 400, text: "" });
  });

  test("a new token kills the one before it, and a token dies after an hour", async () => {
    const send = (bearer: string) =>
      call("POST", "/mpesa/stkpush/v1/processrequest", pushFields("254700000000"), {
        Authorization: `Bearer ${bearer}`,
      });
    const first = await token();
    const second = await token();
    expect(await send(first)).toMatchObject({ status: 404, body: { errorCode: "404.001.03" } });
    expect((await send(second)).status).toBe(200);
    vi.setSystemTime(Date.now() + 3_600_000);
    expect((await send(second)).body).toMatchObject({ errorMessage: "Invalid Access Token" });
  });
});

describe("STK Push", () => {
  test("is accepted with the documented answer, and numbers count as text", async () => {
    const { status, body } = await push(ASHA, { BusinessShortCode: 600999, PartyB: 600999, Amount: "150" });
    expect(status).toBe(200);
    expect(body).toEqual({
      MerchantRequestID: expect.stringMatching(/^[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\d+$/),
      CheckoutRequestID: expect.stringMatching(/^ws_CO_\d{14}\d{1,3}712345678$/),
      ResponseCode: "0",
      ResponseDescription: "Success. Request accepted for processing",
      CustomerMessage: "Success. Request accepted for processing",
    });
  });

  test.each([
    ["BusinessShortCode", { BusinessShortCode: "12", Timestamp: "x" }, "BusinessShortCode"],
    ["Timestamp", { Timestamp: "20261324093000", Amount: 0 }, "Timestamp"],
    ["TransactionType", { TransactionType: "PayBill" }, "TransactionType"],
    ["Amount", { Amount: 1.5, PhoneNumber: "07" }, "Amount"],
    ["PhoneNumber", { PhoneNumber: "0712345678" }, "PhoneNumber"],
    ["CallBackURL", { CallBackURL: "https://shop.test/a b" }, "CallBackURL"],
    ["AccountReference", { AccountReference: "" }, "AccountReference"],
    ["a null TransactionDesc", { TransactionDesc: null }, "Remarks"],
  ])("refuses a bad %s first", async (_, changes, named) => {
    const { status, body } = await push(ASHA, changes);
    expect(status).toBe(400);
    expect(body).toEqual({
      requestId: expect.any(String),
      errorCode: "400.002.02",
      errorMessage: `Bad Request - Invalid ${named}`,
    });
  });

  test("checks the token, then the fields, the merchant, the password, the subscriber", async () => {
    const path = "/mpesa/stkpush/v1/processrequest";
    expect((await call("POST", path, {})).body).toMatchObject({ errorCode: "404.001.04" });
    expect((await call("GET", path)).status).toBe(405);
    expect((await call("POST", "/mpesa/nothing")).body).toMatchObject({ errorCode: "404.001.01" });

    const messageOf = async (changes: Record<string, unknown>) => {
      const { status, body } = await push(ASHA, changes);
      return [status, body.errorCode, body.errorMessage];
    };
    const stranger = { BusinessShortCode: "600000", Password: "x" };
    expect(await messageOf(stranger)).toEqual([500, "500.001.1001", "Merchant does not exist"]);
    expect(await messageOf({ Password: "x" })).toEqual([
      500,
      "500.001.1001",
      "[MerchantValidate] - Wrong credentials",
    ]);
    expect((await push(ASHA)).status).toBe(200);
    expect(await messageOf({})).toEqual([
      500,
      "500.001.1001",
      "Unable to lock subscriber, a transaction is already in process for the current subscriber",
    ]);
  });

  test("a body without a JSON content type is not read", async () => {
    const headers = { "Content-Type": "text/plain", Authorization: `Bearer ${await token()}` };
    const { body } = await call("POST", "/mpesa/stkpush/v1/processrequest", pushFields(ASHA), headers);
    expect(body.errorMessage).toBe("Bad Request - Invalid BusinessShortCode");
  });

  test("lets references over 12 characters pass, but not a prompt over 182", async () => {
    expect((await push(ASHA, { AccountReference: "A".repeat(60) })).status).toBe(200);
    await push("254711111111", { AccountReference: "A".repeat(160) });
    await passSeconds(1);
    expect(callbacks()).toMatchObject([{ ResultCode: 1025 }]);
  });

  test("over 250,000 is accepted and declined with 3, and the phone never shows it", async () => {
    await push(ASHA, { Amount: 250_001 });
    expect((await call("GET", `/phones/${ASHA}/prompts`)).body).toEqual({ prompts: [] });
    await passSeconds(1);
    expect(callbacks()).toMatchObject([
      {
        ResultCode: 3,
        ResultDesc: "Declined due to limit rule: greater than the maximum transaction amount.",
      },
    ]);
  });
});

describe("the callback", () => {
  test("of a payment has its items, its headers, and comes once", async () => {
    const { body } = await push("254700000000");
    expect(sent).toEqual([]);
    await passSeconds(1);
    expect(callbacks()).toEqual([
      {
        MerchantRequestID: body.MerchantRequestID,
        CheckoutRequestID: body.CheckoutRequestID,
        ResultCode: 0,
        ResultDesc: "The service request is processed successfully.",
        CallbackMetadata: {
          Item: [
            { Name: "Amount", Value: 150 },
            { Name: "MpesaReceiptNumber", Value: expect.stringMatching(/^[A-Z]{2}[1-9A-V][A-Z0-9]{7}$/) },
            { Name: "TransactionDate", Value: expect.any(Number) },
            { Name: "PhoneNumber", Value: 254700000000 },
          ],
        },
      },
    ]);
    expect(sent[0]?.url).toBe("https://gateway.test/cb/stk/7f3a");
    expect(sent[0]?.headers.get("Content-Type")).toBe("application/json;charset=UTF-8");
    expect(sent[0]?.headers.get("Businessshortcode")).toBe("600999");
  });

  test("is not sent again when its receiver fails", async () => {
    vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response("no", { status: 500 }));
    await push("254700000000");
    await passSeconds(1);
    await passSeconds(3600);
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  test("of a failure has no metadata", async () => {
    await push("254700001032");
    await passSeconds(1);
    expect(callbacks()[0]).not.toHaveProperty("CallbackMetadata");
  });

  test("carries East Africa Time", async () => {
    vi.setSystemTime(new Date("2031-11-24T21:30:00Z"));
    await push("254700000000");
    await passSeconds(1);
    expect(callbacks()[0].CallbackMetadata.Item[2].Value).toBe(20311125003001);
  });
});

describe("numbers that answer by themselves", () => {
  test.each([
    ["254700001032", 1032, "Request cancelled by user.", "Request cancelled by user."],
    ["254700001037", 1037, "No response from user.", "DS timeout user cannot be reached."],
    ["254700002001", 2001, "The initiator information is invalid.", "The initiator information is invalid."],
    ["254700000001", 1, "The balance is insufficient for the transaction.", undefined],
    ["254700001019", 1019, "Transaction has expired.", undefined],
    ["254700009999", 9999, "An error occurred while sending a push request.", undefined],
  ])("%s ends in %d", async (phone, code, said, asked = said) => {
    const { body } = await push(phone);
    await passSeconds(1);
    expect(callbacks()).toMatchObject([{ ResultCode: code, ResultDesc: said }]);
    expect((await query(body.CheckoutRequestID)).body).toMatchObject({
      ResultCode: String(code),
      ResultDesc: asked,
    });
  });

  test("pay again and again, whatever is open and however much they have paid", async () => {
    for (let payment = 0; payment < 4; payment++) await push("254700000000", { Amount: 250_000 });
    await passSeconds(1);
    expect(callbacks().map(({ ResultCode }) => ResultCode)).toEqual([0, 0, 0, 0]);
  });

  test("700 pays and no callback ever comes", async () => {
    const { body } = await push("254700000700");
    await passSeconds(1);
    await passSeconds(3600);
    expect(sent).toEqual([]);
    expect((await query(body.CheckoutRequestID)).body.ResultCode).toBe("0");
  });

  test("701 is told three times", async () => {
    await push("254700000701");
    for (let step = 0; step < 3; step++) await passSeconds(1);
    expect(callbacks().map(({ ResultCode }) => ResultCode)).toEqual([0, 0, 0]);
  });

  test("702 is told as a failure, then as paid", async () => {
    await push("254700000702");
    for (let step = 0; step < 2; step++) await passSeconds(1);
    expect(callbacks().map(({ ResultCode }) => ResultCode)).toEqual([1037, 0]);
  });

  test("703 is forged as paid at a wrong address, then cancelled", async () => {
    await push("254700000703");
    for (let step = 0; step < 2; step++) await passSeconds(1);
    expect(sent.map(({ url }) => url)).toEqual([
      "https://gateway.test/cb/stk/af3a",
      "https://gateway.test/cb/stk/7f3a",
    ]);
    expect(callbacks().map(({ ResultCode }) => ResultCode)).toEqual([0, 1032]);
    expect((await call("GET", "/ledger")).body.entries).toEqual([]);
  });

  test("704 pays at once and is told 45 seconds later", async () => {
    await push("254700000704");
    await passSeconds(1);
    await passSeconds(44);
    expect(sent).toEqual([]);
    await passSeconds(1);
    expect(callbacks()).toMatchObject([{ ResultCode: 0 }]);
  });
});

describe("any other number", () => {
  test("waits for its page, and times out after a minute", async () => {
    const { body } = await push(ASHA);
    await passSeconds(59);
    expect((await query(body.CheckoutRequestID)).body).toMatchObject({
      ResponseCode: "0",
      ResultCode: "4999",
      ResultDesc: "The transaction is still under processing",
    });
    await passSeconds(1);
    expect(callbacks()).toMatchObject([{ ResultCode: 1037, ResultDesc: "No response from user." }]);
  });

  test("cannot spend over 500,000 a day, nor what it does not have", async () => {
    const pay = async (amount: number) => {
      const { body } = await push(ASHA, { Amount: amount });
      const answer = await call("POST", `/phones/${ASHA}/prompts/${body.CheckoutRequestID}`, { pin: "1234" });
      return answer.body.result_code;
    };
    await call("PUT", `/phones/${ASHA}`, { balance: 600_000 });
    expect(await pay(250_000)).toBe(0);
    expect(await pay(250_000)).toBe(0);
    expect(await pay(1)).toBe(4);
    vi.setSystemTime(Date.now() + 86_400_000);
    expect(await pay(100_001)).toBe(1);
    expect(await pay(100_000)).toBe(0);
  });
});

describe("STK Query", () => {
  test("knows no other transaction and needs an id", async () => {
    expect((await query("ws_CO_1")).body).toMatchObject({
      errorCode: "500.001.1001",
      errorMessage: "The transaction does not Exist",
    });
    expect((await query("")).body.errorMessage).toBe("Bad Request - Invalid CheckoutRequestID");
  });

  test("tells neither receipt nor amount", async () => {
    const { body } = await push("254700000000");
    await passSeconds(1);
    const answer = await query(body.CheckoutRequestID);
    expect(answer.body).toEqual({
      ResponseCode: "0",
      ResponseDescription: "The service request has been accepted successsfully",
      MerchantRequestID: body.MerchantRequestID,
      CheckoutRequestID: body.CheckoutRequestID,
      ResultCode: "0",
      ResultDesc: "The service request is processed successfully.",
    });
  });

  test("has faults of its own", async () => {
    const { body } = await push("254700000000");
    await passSeconds(1);
    const ask = async () => {
      const answer = await query(body.CheckoutRequestID);
      return answer.body.ResultCode ?? [answer.status, answer.body.errorMessage];
    };
    await faults({ stk_query: { processing_4999: 1, processing_500: 1, noise_500: 1, wrong_failed: 1 } });
    expect(await ask()).toEqual([500, "The transaction is being processed"]);
    expect(await ask()).toEqual([500, expect.any(String)]);
    expect(await ask()).toBe("4999");
    expect(await ask()).toBe("1037");
    expect(await ask()).toBe("0");
  });
});

describe("faults of the push", () => {
  const prompts = async () => (await call("GET", `/phones/${ASHA}/prompts`)).body.prompts;

  test("some refuse it before anything happens", async () => {
    await faults({ stk_push: { refuse: 1, spike_arrest: 1, html_503: 1 } });
    expect(await push(ASHA)).toMatchObject({ status: 503, text: expect.stringContaining("Incapsula") });
    expect(await push(ASHA)).toMatchObject({ status: 500, body: { errorCode: "500.003.02" } });
    expect(await push(ASHA)).toMatchObject({ status: 400, body: { errorCode: "400.002.05" } });
    expect(await prompts()).toEqual([]);
    expect((await push(ASHA)).status).toBe(200);
  });

  test.each([
    ["timeout_before", 0],
    ["timeout_after", 1],
  ])("%s stays silent for a minute, and leaves %d prompts", async (fault, count) => {
    await faults({ stk_push: { [fault]: 1 } });
    const wait = vi.spyOn(scheduler, "wait").mockResolvedValue();
    expect((await push(ASHA)).status).toBe(504);
    expect(wait).toHaveBeenCalledExactlyOnceWith(60_000);
    expect(await prompts()).toHaveLength(count);
  });

  test("reset_after acts and breaks the connection", async () => {
    await faults({ stk_push: { reset_after: 1 } });
    await expect(push(ASHA)).rejects.toThrow();
    expect(await prompts()).toHaveLength(1);
  });

  test("rule_17 declines the same amount from the same customer within two minutes", async () => {
    await faults({ stk_push: { rule_17: true } });
    await push("254700000000");
    await push("254700000000", { Amount: 151 });
    await push("254700000000");
    await passSeconds(120);
    await push("254700000000");
    await passSeconds(1);
    expect(callbacks().map(({ ResultCode }) => ResultCode)).toEqual([0, 0, 17, 0]);
  });
});

describe("faults of the callback", () => {
  const callbackWith = async (callback: unknown, phone = "254700000000") => {
    await faults({ callback });
    await push(phone);
    await passSeconds(1);
    return callbacks();
  };

  test("drop and duplicate", async () => {
    expect(await callbackWith({ drop: 1, duplicate: { count: 1, value: 3 } })).toEqual([]);
    await push("254700000000");
    await passSeconds(1);
    expect(callbacks()).toHaveLength(3);
  });

  test("delay_ms, in real milliseconds", async () => {
    expect(await callbackWith({ delay_ms: 5000 })).toEqual([]);
    await passSeconds(5);
    expect(callbacks()).toHaveLength(1);
  });

  test("before_ack tells the end before the push is answered", async () => {
    await faults({ callback: { before_ack: 1 } });
    const { body } = await push(ASHA);
    expect(callbacks()).toMatchObject([{ CheckoutRequestID: body.CheckoutRequestID, ResultCode: 0 }]);
    await passSeconds(60);
    expect(callbacks()).toHaveLength(1);
  });

  test("wrong_amount and balance_item", async () => {
    const [{ CallbackMetadata }] = await callbackWith({ wrong_amount: true, balance_item: true });
    expect(CallbackMetadata.Item[0]).toEqual({ Name: "Amount", Value: 151 });
    expect(CallbackMetadata.Item[2]).toEqual({ Name: "Balance" });
  });

  test("string_code", async () => {
    expect(await callbackWith({ string_code: true })).toMatchObject([{ ResultCode: "0" }]);
    await push("254700001032");
    await passSeconds(1);
    expect(callbacks()[1]).toMatchObject({
      ResultCode: "SFC_IC0003",
      ResultDesc: "The operator does not exist.",
    });
  });
});

test("a payment may go straight to another paybill or till", async () => {
  const till = { TransactionType: "CustomerBuyGoodsOnline", PartyB: "5551234" };
  await push("254700000000", { PartyB: "247247", AccountReference: "0123456789" });
  await push("254700000000", till);
  await passSeconds(1);
  const { body } = await call("GET", "/ledger");
  expect(body.entries).toMatchObject([
    { kind: "stk", from: "254700000000", to: "247247", amount: 150, account_reference: "0123456789" },
    { kind: "stk", to: "5551234" },
  ]);
  expect(body.balances).toMatchObject({
    shortcodes: { "600999": { utility: 1_000_000, working: 1_000_000 } },
    paybills: { "247247": 150 },
    tills: { "5551234": 150 },
  });
});

test("every request from the gateway is on record, with its body", async () => {
  await call("DELETE", "/requests");
  await daraja("/mpesa/stkpushquery/v1/query", { ...credentials, CheckoutRequestID: "ws_CO_1" });
  const { body } = await call("GET", "/requests");
  expect(body.requests).toMatchObject([
    { method: "GET", path: "/oauth/v1/generate", body: null },
    { method: "POST", path: "/mpesa/stkpushquery/v1/query", body: { CheckoutRequestID: "ws_CO_1" } },
  ]);
  expect(body.requests[0].at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+03:00$/);
});
