import { beforeAll, expect, it } from "vitest";
import { call, eventually, get, type Key, newKey, newPayingKey, post } from "./support/gateway.ts";
import { newPhone, pay } from "./support/phone.ts";
import { isSimulated } from "./support/target.ts";

const simulated = it.runIf(isSimulated);

let own: Key;
beforeAll(async () => {
  own = isSimulated ? await newPayingKey() : await newKey();
});

simulated("initiatestk and stkpush are the push, with a bare key and the older names", async () => {
  for (const path of ["/v1/initiatestk", "/v1/stkpush/"]) {
    const phone = newPhone();
    const { status, body } = await call("POST", path, {
      headers: { Authorization: own.key },
      body: { phone, amount: 5, accountReference: "ORDER_5", transactionDesc: "Flour" },
    });
    expect([status, body]).toMatchObject([
      200,
      {
        success: true,
        checkoutRequestID: body.checkout_request_id,
        merchantRequestID: body.merchant_request_id,
      },
    ]);
    expect(await pay(phone)).toMatchObject({ amount: 5, account_reference: "ORDER_5" });
    const { transaction } = (await get(`/v1/transactions/${body.checkoutRequestID}`, own.key)).body;
    expect(transaction).toMatchObject({ account_reference: "ORDER_5", description: "Flour" });
  }
});

simulated("transactionstatus is pending, and then what the webhook says", async () => {
  const phone = newPhone();
  const { checkoutRequestID } = (await post("/v1/stkpush", own.key, { phone, amount: 5 })).body;
  const status = () => post("/v1/transactionstatus", own.key, { CheckoutRequestID: checkoutRequestID });
  expect((await status()).body).toEqual({ success: true, status: "pending" });
  await pay(phone);
  const { body } = await eventually(status, (answer) => answer.body.Body);
  expect(body.Body.stkCallback).toMatchObject({ CheckoutRequestID: checkoutRequestID, ResultCode: 0 });
  expect(body.Body.stkCallback.CallbackMetadata.Item).toContainEqual({ Name: "Amount", Value: 5 });
});

it("a failure of the older calls has error beside message", async () => {
  for (const path of ["/v1/initiatestk", "/v1/stkpush", "/v1/transactionstatus"]) {
    const { status, body } = await post(path, own.key, {});
    expect([status, body]).toMatchObject([400, { error_code: "MISSING_FIELDS", error: body.message }]);
  }
});

it("the bare key is taken by the older calls alone", async () => {
  const headers = { Authorization: own.key };
  expect((await call("GET", "/v1/account", { headers })).body.error_code).toBe("INVALID_API_KEY");
});
