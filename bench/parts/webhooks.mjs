// How long a result takes from M-Pesa's callback to the merchant's endpoint.
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { gateway, pushBody, start } from "../lib/gateway.mjs";
import { httpText, load, percentile } from "../lib/load.mjs";
import { merchantServer } from "../lib/merchant-server.mjs";

const LOAD_CONNECTIONS = 20;

export async function webhookDelay({ stateDir, plain, simulator, isQuick }) {
  const one = await gateway({
    name: "webhooks",
    bundled: plain,
    simulatorPort: simulator.port,
    isConsumer: true,
  });
  const runtime = await start(stateDir, [one]);
  const server = await merchantServer();
  const { api } = one;
  const { key } = await api.newMerchant({ callbackUrl: server.url });
  const other = await api.newMerchant();
  await one.database.exec("UPDATE api_keys SET calls_left = 1000000000");
  const count = isQuick ? 50 : 200;

  const pay = await prepare(api, simulator.api, key, 2 * count + 5);
  for (let i = 0; i < 5; i++) await delayOf(api, server, pay.pop());
  const atRest = [];
  for (let i = 0; i < count; i++) atRest.push(await delayOf(api, server, pay.pop()));

  let isOver = false;
  let turn = 0;
  const loading = (async () => {
    while (!isOver) {
      await load({
        port: one.port,
        connections: LOAD_CONNECTIONS,
        ms: 500,
        expected: 200,
        next: () =>
          turn++ % 4 === 0
            ? httpText({ method: "POST", path: "/v1/stk/push", key: other.key, body: pushBody() })
            : httpText({ path: "/v1/transactions", key: other.key }),
      });
    }
  })();
  await sleep(500);
  const underLoad = [];
  for (let i = 0; i < count; i++) underLoad.push(await delayOf(api, server, pay.pop()));
  isOver = true;
  await loading;
  server.close();
  await runtime.dispose();
  const tell = (delays) => ({
    p50: Math.round(percentile(delays, 0.5) * 10) / 10,
    p99: Math.round(percentile(delays, 0.99) * 10) / 10,
  });
  return { at_rest: tell(atRest), under_load: tell(underLoad) };
}

/** Pushes that wait for their callback. */
async function prepare(api, simulator, key, count) {
  await simulator.call("/requests", { method: "DELETE" });
  const ids = [];
  for (let i = 0; i < count; i++) {
    ids.push((await api.ok("/v1/stk/push", { key, body: pushBody() })).checkout_request_id);
  }
  const { requests } = await simulator.ok("/requests");
  const urls = requests
    .filter(({ path }) => path.startsWith("/mpesa/stkpush/"))
    .map(({ body }) => body.CallBackURL);
  if (urls.length !== count) throw new Error(`${urls.length} pushes of ${count} reached M-Pesa`);
  return ids.map((id, i) => ({ id, url: urls[i] }));
}

let receipts = 0;
async function delayOf(api, server, { id, url }) {
  const items = [
    ["Amount", 10],
    ["MpesaReceiptNumber", `UKP${String(++receipts).padStart(7, "0")}`],
    ["TransactionDate", 20261124093015],
    ["PhoneNumber", 254712345678],
  ];
  const body = {
    Body: {
      stkCallback: {
        MerchantRequestID: "m-1",
        CheckoutRequestID: id,
        ResultCode: 0,
        ResultDesc: "The service request is processed successfully.",
        CallbackMetadata: { Item: items.map(([Name, Value]) => ({ Name, Value })) },
      },
    },
  };
  const sentAt = performance.now();
  const [arrivedAt] = await Promise.all([server.result(id), api.ok(new URL(url).pathname, { body })]);
  return arrivedAt - sentAt;
}
