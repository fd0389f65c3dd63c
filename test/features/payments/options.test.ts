import { beforeEach, describe, expect, it, vi } from "vitest";
import { connect } from "../../../src/db/client.ts";
import { waitForResult } from "../../../src/features/payments/wait.ts";
import { hashApiKey, isApiKey } from "../../../src/lib/api-key.ts";
import { interceptedDatabase } from "../../support/database.ts";
import {
  callBack,
  failed,
  newMerchant,
  newPhone,
  paid,
  push,
  readTransaction,
  request,
} from "../../support/gateway.ts";
import { lossyDatabase } from "../../support/lossy.ts";
import { broken, freshNetwork, type Network } from "../../support/network.ts";

let network: Network;
beforeEach(() => {
  network = freshNetwork();
});

const callbackUrl = () => network.pushes[0]?.CallBackURL ?? "";

describe("callback_url", () => {
  it("wins over the key's for this one payment", async () => {
    const { key } = await newMerchant({ callbackUrl: "https://duka.co.ke/key" });
    const { body } = await push(key, { callback_url: "https://duka.co.ke/order/101" });
    await callBack(network.pushes[0]?.CallBackURL ?? "", paid(body));
    expect(network.to("duka.co.ke").map((sent) => sent.url)).toEqual(["https://duka.co.ke/order/101"]);
  });

  it.each(["http://duka.co.ke/", "https://127.0.0.1/", "https://user:pass@duka.co.ke/", "nonsense"])(
    "%s is refused, and nothing is sent",
    async (url) => {
      const { key } = await newMerchant();
      const { status, body } = await push(key, { callback_url: url });
      expect([status, body.error_code]).toEqual([400, "INVALID_CALLBACK_URL"]);
      expect(network.pushes).toEqual([]);
    },
  );
});

describe("metadata", () => {
  it("is given back with the transaction", async () => {
    const { key } = await newMerchant();
    const metadata = { order: "101", cashier: "Wanjikũ" };
    const { body } = await push(key, { metadata });
    expect(await readTransaction(key, body.transaction_id)).toMatchObject({ metadata });
  });

  it.each([
    ["a text", "x"],
    ["a number among its values", { order: 101 }],
    ["more than 20 entries", Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`k${i}`, "v"]))],
    ["a control character", { order: "a\u0000b" }],
  ])("that is or has %s is refused", async (_, metadata) => {
    const { key } = await newMerchant();
    expect((await push(key, { metadata })).body.error_code).toBe("INVALID_FIELD");
    expect(network.pushes).toEqual([]);
  });
});

describe("Prefer: wait", () => {
  it("answers with the transaction as soon as it is final", async () => {
    const { key } = await newMerchant();
    const accepted = network.accepted();
    network.push = async (sent) => {
      const { CallBackURL } = sent.body as { CallBackURL: string }; // our own client's JSON
      await callBack(CallBackURL, paid({ checkout_request_id: accepted.CheckoutRequestID }));
      return Response.json(accepted);
    };
    const answer = await push(key, {}, { Prefer: "wait=20" });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      success: true,
      checkout_request_id: accepted.CheckoutRequestID,
      transaction: { status: "completed" },
    });
    expect(answer.headers.get("Preference-Applied")).toBe("wait=20");
  });

  it("is told of the prompt that was sent, though the database loses what was looked at", async () => {
    const { key } = await newMerchant();
    const DB = lossyDatabase(/from "payouts"/, { times: 2 });
    const body = { phone: newPhone(), amount: 150 };
    const headers = { Prefer: "wait=3" };
    const answer = await request("/v1/stk/push", { key, body, headers, env: { DB } });
    expect(DB.losses()).toBe(2);
    expect(answer.status).toBe(200);
    expect(answer.body.checkout_request_id).toMatch(/^ws_CO_/);
  });

  it.each([
    ["completed", (ids: { checkout_request_id: string }) => paid(ids), "The payment is completed."],
    ["failed", (ids: { checkout_request_id: string }) => failed(ids, 1032, ""), "The payment has failed"],
  ])("of an unclear push that has %s says no more that it is unclear", async (status, body, message) => {
    const { key } = await newMerchant();
    network.push = broken("TimeoutError");
    const unclear = Promise.withResolvers<void>();
    const DB = interceptedDatabase(async (sql, call) => {
      const answer = await call();
      if (/update "transactions" set "acknowledgement"/.test(sql)) unclear.resolve();
      return answer;
    });
    const answering = request("/v1/stk/push", {
      key,
      headers: { Prefer: "wait=20" },
      body: { phone: newPhone(), amount: 150 },
      env: { DB },
    });
    await unclear.promise;
    await callBack(callbackUrl(), body({ checkout_request_id: network.accepted().CheckoutRequestID }));
    const answer = await answering;
    expect(answer.body.transaction.status).toBe(status);
    expect(answer.body.message).toContain(message);
  });

  it("looks after half a second, then every three quarters of one", async () => {
    const { key } = await newMerchant();
    const { transaction_id } = (await push(key)).body;
    const hash = isApiKey(key) ? await hashApiKey(key) : "";
    vi.useFakeTimers({ toFake: ["Date", "setTimeout"] });
    const begun = Date.now();
    const looks: number[] = [];
    const DB = interceptedDatabase((_, call) => {
      looks.push(Date.now() - begun);
      return call();
    });
    const waiting = { is: true };
    const wait = waitForResult(
      { db: connect(DB, () => undefined), now: Date.now },
      { hash },
      transaction_id,
      3_000,
    ).finally(() => {
      waiting.is = false;
    });
    while (waiting.is) {
      await vi.advanceTimersToNextTimerAsync();
      await scheduler.wait(1);
    }
    vi.useRealTimers();
    expect(await wait).toBeUndefined();
    expect(looks).toEqual([500, 1_250, 2_000, 2_750, 3_000]);
  });

  it("answers as usual when the time is up", async () => {
    const { key } = await newMerchant();
    const answer = await push(key, { phone: newPhone() }, { Prefer: "respond-async, wait=1" });
    expect(answer.status).toBe(200);
    expect(answer.body).not.toHaveProperty("transaction");
  });
});
