import { beforeEach, describe, expect, test } from "vitest";
import {
  call,
  daraja,
  faults,
  freshNetwork,
  passSeconds,
  push,
  sent,
  sentBodies,
} from "./support/network.ts";

const ASHA = "254712345678";
const CREDENTIAL = btoa("x".repeat(256));
const URLS = { QueueTimeOutURL: "https://gateway.test/cb/late", ResultURL: "https://gateway.test/cb/result" };
const IDS = {
  ConversationID: expect.stringMatching(/^AG_\d{8}_[0-9a-f]{20}$/),
  OriginatorConversationID: expect.any(String),
};
const ACKNOWLEDGED = {
  ...IDS,
  ResponseCode: "0",
  ResponseDescription: "Accept the service request successfully.",
};

beforeEach(freshNetwork);

let next = 0;
const b2c = (changes: Record<string, unknown> = {}) =>
  daraja("/mpesa/b2c/v3/paymentrequest", {
    OriginatorConversationID: `payout-${++next}`,
    InitiatorName: "simulator",
    SecurityCredential: CREDENTIAL,
    CommandID: "BusinessPayment",
    Amount: 100,
    PartyA: "600999",
    PartyB: ASHA,
    Remarks: "Payout",
    ...URLS,
    Occassion: "",
    ...changes,
  });

const b2b = (changes: Record<string, unknown> = {}) =>
  daraja("/mpesa/b2b/v1/paymentrequest", {
    Initiator: "simulator",
    SecurityCredential: CREDENTIAL,
    CommandID: "BusinessPayBill",
    SenderIdentifierType: "4",
    RecieverIdentifierType: "4",
    Amount: "5000",
    PartyA: "600999",
    PartyB: "247247",
    AccountReference: "01234567890123",
    Remarks: "Payout",
    ...URLS,
    ...changes,
  });

const status = (changes: Record<string, unknown>) =>
  daraja("/mpesa/transactionstatus/v1/query", {
    Initiator: "simulator",
    SecurityCredential: CREDENTIAL,
    CommandID: "TransactionStatusQuery",
    PartyA: "600999",
    IdentifierType: "4",
    Remarks: "Check",
    Occasion: "",
    ...URLS,
    ...changes,
  });

/** The latest result posted to the business. */
const result = () => sentBodies().at(-1)?.Result;

const parameter = (key: string) =>
  result().ResultParameters.ResultParameter.find(({ Key }: { Key: string }) => Key === key)?.Value;

const ledger = async () => (await call("GET", "/ledger")).body;

describe("B2C", () => {
  test("is acknowledged, pays from Utility a second later, and texts the customer", async () => {
    const { status, body } = await b2c({ OriginatorConversationID: "ours-1" });
    expect([status, body]).toEqual([200, { ...ACKNOWLEDGED, OriginatorConversationID: "ours-1" }]);
    expect(sent).toEqual([]);
    await passSeconds(1);
    expect(sent[0]?.url).toBe(URLS.ResultURL);
    expect(result()).toMatchObject({
      ResultType: 0,
      ResultCode: 0,
      ResultDesc: "The service request is processed successfully.",
      OriginatorConversationID: "ours-1",
      ConversationID: body.ConversationID,
      ReferenceData: { ReferenceItem: { Key: "QueueTimeoutURL" } },
    });
    expect(parameter("TransactionAmount")).toBe(100);
    expect(parameter("TransactionReceipt")).toBe(result().TransactionID);
    expect(parameter("TransactionCompletedDateTime")).toMatch(/^\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d$/);
    expect(parameter("B2CUtilityAccountAvailableFunds")).toBe(999_900);
    expect((await ledger()).entries).toMatchObject([
      { kind: "b2c", from: "600999", to: ASHA, amount: 100, reference: "ours-1" },
    ]);
    const { messages } = (await call("GET", "/phones/0712345678/messages")).body;
    expect(messages[0].text).toContain("You have received Ksh100.00 from SMARTPAY");
  });

  test("refuses an OriginatorConversationID that was used before", async () => {
    await b2c({ OriginatorConversationID: "same" });
    expect(await b2c({ OriginatorConversationID: "same", Amount: 200 })).toMatchObject({
      status: 500,
      body: { errorCode: "500.002.1001", errorMessage: "Duplicate OriginatorConversationID." },
    });
  });

  test("v1 does without one", async () => {
    const answer = await daraja("/mpesa/b2c/v1/paymentrequest", {
      InitiatorName: "simulator",
      SecurityCredential: CREDENTIAL,
      CommandID: "SalaryPayment",
      Amount: 10,
      PartyA: "600999",
      PartyB: ASHA,
      Remarks: "Pay",
      ...URLS,
    });
    expect(answer.body).toEqual(ACKNOWLEDGED);
  });

  test.each([
    ["under 10", { Amount: 9 }, 2],
    ["over 250,000", { Amount: 250_001 }, 3],
    ["a credential of another length", { SecurityCredential: btoa("short") }, 2001],
    ["an unknown initiator", { InitiatorName: "someone" }, 2001],
  ])("%s is acknowledged and declined later, without parameters", async (_, changes, code) => {
    expect((await b2c(changes)).status).toBe(200);
    await passSeconds(1);
    expect(result()).toMatchObject({ ResultCode: code, TransactionID: expect.stringMatching(/0{7}$/) });
    expect(result()).not.toHaveProperty("ResultParameters");
    expect((await ledger()).entries).toEqual([]);
  });

  test("the same amount to the same customer waits two minutes", async () => {
    await b2c();
    await passSeconds(1);
    await b2c();
    await passSeconds(1);
    expect(result().ResultCode).toBe(17);
    await b2c({ Amount: 101 });
    await passSeconds(1);
    expect(result().ResultCode).toBe(0);
    await passSeconds(118);
    await b2c();
    await passSeconds(1);
    expect(result().ResultCode).toBe(0);
  });

  test("without money in Utility it is declined with 1", async () => {
    await call("PUT", "/shortcodes/600999", { utility: 99 });
    await b2c();
    await passSeconds(1);
    expect(result().ResultCode).toBe(1);
  });

  test("has the faults of a money door", async () => {
    await faults({ b2c: { spike_arrest: 1, reset_after: 1 } });
    expect((await b2c()).body.errorMessage).toBe("Error Occurred: Spike Arrest Violation");
    await expect(b2c()).rejects.toThrow();
    await passSeconds(1);
    expect((await ledger()).entries).toHaveLength(1);
  });
});

describe("B2B", () => {
  test("pays a paybill from Working, and says so in text", async () => {
    expect((await b2b()).body).toEqual(ACKNOWLEDGED);
    await passSeconds(1);
    expect(result()).toMatchObject({ ResultType: "0", ResultCode: "0", ...IDS });
    expect(parameter("Amount")).toBe("5000.00");
    expect(parameter("DebitPartyAffectedAccountBalance")).toBe(
      "Working Account|KES|995000.00|995000.00|0.00|0.00",
    );
    expect(result().ReferenceData.ReferenceItem).toMatchObject([
      { Key: "BillReferenceNumber", Value: "01234567890123" },
      { Key: "QueueTimeoutURL" },
    ]);
    expect((await ledger()).balances).toMatchObject({
      shortcodes: { "600999": { utility: 1_000_000, working: 995_000 } },
      paybills: { "247247": 5000 },
    });
  });

  test("a till is paid as type 2, without a reference; as type 4 it is not found", async () => {
    const till = { CommandID: "BusinessBuyGoods", PartyB: "5551234", AccountReference: undefined };
    await b2b({ ...till, RecieverIdentifierType: "4" });
    await passSeconds(1);
    expect(result()).toMatchObject({
      ResultCode: "SFC_IC0003",
      ResultParameters: { ResultParameter: { Key: "BOCompletedTime" } },
    });
    await b2b({ ...till, RecieverIdentifierType: 2 });
    await passSeconds(1);
    expect(result().ResultCode).toBe("0");
    expect((await ledger()).balances.tills).toEqual({ "5551234": 5000 });
  });

  test("the rightly spelt receiver type is refused, and a paybill needs a reference", async () => {
    const right = { RecieverIdentifierType: undefined, ReceiverIdentifierType: "4" };
    expect((await b2b(right)).body).toMatchObject({
      errorCode: "400.002.02",
      errorMessage: "Bad Request - Invalid RecieverIdentifierType",
    });
    expect((await b2b({ AccountReference: "" })).body.errorMessage).toBe(
      "Bad Request - Invalid AccountReference",
    );
  });

  test("without money in Working it is declined with 1", async () => {
    await call("PUT", "/shortcodes/600999", { working: 0 });
    await b2b();
    await passSeconds(1);
    expect(result().ResultCode).toBe("1");
  });
});

describe("Transaction Status", () => {
  test("knows our payout by its own id, under the ids of the question", async () => {
    await b2c({ OriginatorConversationID: "ours-2" });
    await passSeconds(1);
    const receipt = result().TransactionID;
    const { body } = await status({ OriginalConversationID: "ours-2" });
    await passSeconds(1);
    expect(result()).toMatchObject({
      ResultCode: 0,
      ConversationID: body.ConversationID,
      OriginatorConversationID: body.OriginatorConversationID,
    });
    expect(parameter("TransactionStatus")).toBe("Completed");
    expect(parameter("OriginatorConversationID")).toBe("ours-2");
    expect(parameter("ReceiptNo")).toBe(receipt);
    expect(parameter("Amount")).toBe(100);
    expect(JSON.stringify(result()).match(/"DebitPartyName"/g)).toHaveLength(2);
    expect(result().ResultParameters.ResultParameter).toContainEqual({ Key: "TransactionReason" });
  });

  test("knows a payment by its receipt, and a declined payout as declined", async () => {
    await push("254700000000");
    await b2c({ OriginatorConversationID: "too-small", Amount: 9 });
    await passSeconds(1);
    const [entry] = (await ledger()).entries;
    await status({ TransactionID: entry.receipt });
    await passSeconds(1);
    expect(parameter("ReceiptNo")).toBe(entry.receipt);
    await status({ OriginalConversationID: "too-small" });
    await passSeconds(1);
    expect(parameter("TransactionStatus")).toBe("Declined");
  });

  test("answers 2033 for what it does not know", async () => {
    await status({ OriginalConversationID: "never-sent" });
    await passSeconds(1);
    expect(result().ResultCode).toBe(2033);
    expect(result()).not.toHaveProperty("ResultParameters");
  });

  test("wants exactly one id, by its right name", async () => {
    const empty = await status({ TransactionID: "", OriginalConversationID: "x" });
    expect(empty.body).toEqual({
      ConversationID: "",
      OriginatorConversationID: "",
      ResponseCode: "",
      ResponseDescription: "",
    });
    expect((await status({ OriginatorConversationID: "x" })).body.errorCode).toBe("400.002.02");
    expect((await status({})).body.errorMessage).toBe("Bad Request - Invalid TransactionID");
    await passSeconds(1);
    expect(sent).toEqual([]);
  });
});

describe("the products' own words for a bad token", () => {
  test.each([
    ["/mpesa/b2c/v3/paymentrequest", 401, "401.002.01", "Error Occurred - Invalid Access Token - stale"],
    ["/mpesa/b2b/v1/paymentrequest", 401, "401.002.01", "Error Occurred - Invalid Access Token - stale"],
    ["/mpesa/transactionstatus/v1/query", 400, "400.003.01", "Invalid Access Token"],
    ["/mpesa/reversal/v1/request", 404, "404.001.03", "Invalid Access Token"],
  ])("%s", async (path, statusCode, errorCode, errorMessage) => {
    const answer = await call("POST", path, {}, { Authorization: "Bearer stale" });
    expect(answer.status).toBe(statusCode);
    expect(answer.body).toEqual({ requestId: expect.any(String), errorCode, errorMessage });
  });
});

test("Account Balance tells all accounts in one line", async () => {
  await daraja("/mpesa/accountbalance/v1/query", {
    Initiator: "simulator",
    SecurityCredential: CREDENTIAL,
    CommandID: "AccountBalance",
    PartyA: "600999",
    IdentifierType: "4",
    Remarks: "Balance",
    ...URLS,
  });
  await passSeconds(1);
  expect(parameter("AccountBalance")).toBe(
    "Working Account|KES|1000000.00|1000000.00|0.00|0.00" +
      "&Utility Account|KES|1000000.00|1000000.00|0.00|0.00" +
      "&Charges Paid Account|KES|0.00|0.00|0.00|0.00" +
      "&Organization Settlement Account|KES|0.00|0.00|0.00|0.00",
  );
});

test("Reversal gives a payment back, once", async () => {
  await push("254700000000");
  await passSeconds(1);
  const [{ receipt }] = (await ledger()).entries;
  const reverse = async (id: string) => {
    await daraja("/mpesa/reversal/v1/request", {
      Initiator: "simulator",
      SecurityCredential: CREDENTIAL,
      CommandID: "TransactionReversal",
      TransactionID: id,
      Amount: 150,
      ReceiverParty: "600999",
      RecieverIdentifierType: "11",
      Remarks: "Refund",
      ...URLS,
    });
    await passSeconds(1);
    return result().ResultCode;
  };
  expect([await reverse(receipt), await reverse(receipt), await reverse("UNKNOWN")]).toEqual([
    0,
    "R000001",
    "R000002",
  ]);
  expect((await ledger()).balances.shortcodes["600999"].utility).toBe(1_000_000);
});

describe("Pull Transactions", () => {
  const pull = (changes: Record<string, unknown> = {}) =>
    daraja("/pulltransactions/v1/query", {
      ShortCode: "600999",
      StartDate: "2020-01-01 00:00:00",
      EndDate: "2099-01-01 00:00:00",
      OffSetValue: "0",
      ...changes,
    });

  test("lists what customers paid, one level deeper than expected", async () => {
    expect((await pull()).body).toMatchObject({ ResponseCode: "1001", Response: [[]] });
    await push("254700000700");
    await push("254700000000", { PartyB: "247247" });
    await passSeconds(1);
    const [{ receipt }] = (await ledger()).entries;
    expect((await pull()).body).toEqual({
      ResponseRefID: expect.any(String),
      ResponseCode: "1000",
      ResponseMessage: "Success",
      Response: [
        [
          {
            transactionId: receipt,
            trxDate: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+03:00$/),
            msisdn: 254700000700,
            sender: "MPESA",
            transactiontype: "c2b-pay-bill-debit",
            billreference: "ORDER_101",
            amount: "150.00",
            organizationname: "SMARTPAY",
          },
        ],
      ],
    });
    expect((await pull({ OffSetValue: 1 })).body.ResponseCode).toBe("1001");
    await passSeconds(48 * 3600 + 1);
    expect((await pull()).body.ResponseCode).toBe("1001");
  });

  test("shows phones in other forms, and an empty period as an error", async () => {
    await faults({ pull: { error_when_empty: 1, short_phone: 1, masked_phone: 1, no_phone: 1 } });
    expect((await pull()).body).toMatchObject({ errorMessage: "No transactions found" });
    await push("254700000700");
    await push("254700000000", { PartyB: "247247" });
    await passSeconds(1);
    const phone = async () => (await pull()).body.Response[0][0].msisdn;
    expect([await phone(), await phone(), await phone(), await phone()]).toEqual([
      undefined,
      "2547 ***** 700",
      700000700,
      254700000700,
    ]);
  });

  test("registers once and wants Kenyan times with seconds", async () => {
    const register = async () => {
      const answer = await daraja("/pulltransactions/v1/register", {
        ShortCode: "600999",
        RequestType: "Pull",
        NominatedNumber: "254722000000",
        CallBackURL: "https://gateway.test/pull",
      });
      return answer.body.ResponseStatus;
    };
    expect([await register(), await register()]).toEqual(["1000", "1001"]);
    expect((await pull({ StartDate: "2026-11-24" })).body.errorMessage).toBe(
      "Bad Request - Invalid StartDate",
    );
  });
});

test("results can be dropped, doubled and delayed", async () => {
  await faults({ result: { drop: 1, duplicate: { count: 1 }, delay_ms: { count: 1, value: 9000 } } });
  await b2c();
  await passSeconds(1);
  expect(sent).toEqual([]);
  await b2c({ Amount: 101 });
  await passSeconds(1);
  expect(sent).toEqual([]);
  await passSeconds(9);
  expect(sent).toHaveLength(2);
});
