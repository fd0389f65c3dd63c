import { beforeEach, expect, it } from "vitest";
import { slowBindings, type Trip } from "./support/bindings.ts";
import { callBack, newMerchant, newPhone, paid, request } from "./support/gateway.ts";
import { freshNetwork, type Network } from "./support/network.ts";

let network: Network;
beforeEach(() => {
  network = freshNetwork();
});

const WALLET = { method: "wallet" };
const PAYBILL = { method: "paybill", paybill_number: "123456", account_number: "ACC001" };

/** What D1 says of every call from the push to the recorded webhook. */
async function costOf(destination: object, headers: Record<string, string> = {}) {
  const { key, keyId } = await newMerchant();
  const callbackurl = "https://duka.co.ke/callback";
  await request(`/v1/keys/${keyId}/destination`, {
    method: "PUT",
    key,
    body: { ...destination, callbackurl },
  });
  const trips: Trip[] = [];
  const env = slowBindings({ delayMs: () => 0, trips });
  const pushed = await request("/v1/stk/push", {
    key,
    headers,
    body: { phone: newPhone(), amount: 150 },
    env,
  });
  await callBack(network.pushes.at(-1)?.CallBackURL ?? "", paid(pushed.body), env);
  expect(network.count("duka.co.ke")).toBe(1);
  const commits = trips.filter(({ rowsWritten }) => rowsWritten);
  return {
    commits: commits.length,
    rowsWritten: commits.reduce((sum, trip) => sum + (trip.rowsWritten ?? 0), 0),
    objectCalls: trips.filter(({ what }) => !/^(d1|token)/.test(what)).length,
  };
}

it("a payment to the wallet takes at most 4 commits and 18 rows, from the push to the recorded webhook", async () => {
  const { commits, rowsWritten } = await costOf(WALLET);
  expect(commits).toBeLessThanOrEqual(4);
  expect(rowsWritten).toBeLessThanOrEqual(18);
});

it("a payment straight to the merchant takes 3 rows less, since none of it is on our books", async () => {
  const { commits, rowsWritten } = await costOf(PAYBILL);
  expect(commits).toBeLessThanOrEqual(4);
  expect(rowsWritten).toBeLessThanOrEqual(15);
});

it("an Idempotency-Key adds one row", async () => {
  const { rowsWritten } = await costOf(WALLET, { "Idempotency-Key": "order-104" });
  expect(rowsWritten).toBeLessThanOrEqual(19);
});

it("the limits are asked at most four times for a payment", async () => {
  expect((await costOf(WALLET)).objectCalls).toBeLessThanOrEqual(4);
});
