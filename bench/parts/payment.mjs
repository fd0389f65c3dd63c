// What one completed payment costs, from the push to the recorded webhook.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { gateway, pushBody, start } from "../lib/gateway.mjs";
import { merchantServer } from "../lib/merchant-server.mjs";

const PRICES = JSON.parse(readFileSync(new URL("../prices.json", import.meta.url), "utf8"));
/** The simulator pays this one by itself. */
const PAYS = "254700000000";
const DESTINATIONS = {
  direct: { method: "paybill", paybill_number: "123456", account_number: "ACC001" },
  wallet: { method: "wallet" },
};

export async function payment({ stateDir, recording, simulator }) {
  const one = await gateway({
    name: "payment",
    bundled: recording,
    simulatorPort: simulator.port,
    isConsumer: true,
  });
  const runtime = await start(stateDir, [one]);
  const server = await merchantServer();
  const found = {};
  for (const [name, destination] of Object.entries(DESTINATIONS)) {
    const { key } = await one.api.newMerchant({ destination, callbackUrl: server.url });
    // The first payment of a key and a phone makes what every later one finds.
    await pay(one.api, server, key);
    const { recorded, body } = await pay(one.api, server, key);
    const { transaction } = await one.api.ok(`/v1/transactions/${body.transaction_id}`, { key });
    if (transaction.status !== "completed") throw new Error(`the payment is ${transaction.status}`);
    found[name] = costOf(recorded);
  }
  server.close();
  await runtime.dispose();
  return found;
}

export async function pay(api, server, key) {
  await api.ok("/bench/begin");
  const body = await api.ok("/v1/stk/push", { key, body: pushBody(PAYS) });
  await server.result(body.checkout_request_id);
  let recorded = await api.ok("/bench/recorded");
  for (let calls = -1; calls !== recorded.trips.length || isUnderWay(recorded); ) {
    calls = recorded.trips.length;
    await sleep(300);
    recorded = await api.ok("/bench/recorded");
  }
  return { recorded, body };
}

const isUnderWay = ({ trips }) => trips.some(({ endedAt }) => endedAt === 0);

export function costOf({ trips, requests, queueMessages, objectRowsWritten }) {
  const sum = (name) => trips.reduce((all, trip) => all + (trip[name] ?? 0), 0);
  const objectCalls = trips.filter(({ what }) => !what.startsWith("d1 "));
  const cost = {
    d1_commits: trips.filter(({ rowsWritten }) => rowsWritten > 0).length,
    rows_written: sum("rowsWritten"),
    rows_read: sum("rowsRead"),
    worker_requests: requests,
    do_requests: objectCalls.length,
    do_rows_written: objectRowsWritten,
    queue_operations: queueMessages * PRICES.queue_operations_per_message,
  };
  const each = PRICES.usd_per_million;
  const usd =
    cost.worker_requests * each.worker_requests +
    cost.rows_read * each.d1_rows_read +
    cost.rows_written * each.d1_rows_written +
    cost.do_requests * each.do_requests +
    cost.do_rows_written * each.do_rows_written +
    cost.queue_operations * each.queue_operations;
  return { ...cost, usd_per_million: Math.round(usd * 100) / 100 };
}
