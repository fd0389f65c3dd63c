// Requests a second as ratios to an empty route's, all in one workerd, a slice of each after the other.
import { randomBytes } from "node:crypto";
import { freePort } from "../../scripts/ports.mjs";
import { gateway, pushBody, start } from "../lib/gateway.mjs";
import { httpText, load, percentile } from "../lib/load.mjs";
import { emptyWorker } from "../lib/workers.mjs";

const CONNECTIONS = [10, 50];
/** As many as bring the load of a real hour: one key alone may push once a second. */
const MERCHANTS = 40;

export async function throughput({ stateDir, plain, simulator, isQuick }) {
  const emptyPort = await freePort();
  const one = await gateway({ name: "throughput", bundled: plain, simulatorPort: simulator.port });
  const runtime = await start(stateDir, [one], [emptyWorker(emptyPort)]);
  const merchants = [];
  for (let i = 0; i < MERCHANTS; i++) {
    const { key } = await one.api.newMerchant();
    for (let j = 0; j < 10; j++) await one.api.ok("/v1/stk/push", { key, body: pushBody() });
    const { transactions } = await one.api.ok("/v1/transactions", { key });
    merchants.push({ key, paths: transactions.map((t) => `/v1/transactions/${t.id}`) });
  }
  // Calls enough that none comes near its end.
  await one.database.exec("UPDATE api_keys SET calls_left = 1000000000");
  let turn = 0;
  const merchant = () => merchants[turn++ % merchants.length];
  const pick = (list) => list[Math.floor(Math.random() * list.length)];
  const routes = {
    empty_route: { port: emptyPort, expected: 200, next: () => httpText({ path: "/" }) },
    ping: { expected: 200, next: () => httpText({ path: "/v1/ping" }) },
    read: {
      expected: 200,
      next: () => {
        const { key, paths } = merchant();
        return httpText({ path: pick(paths), key });
      },
    },
    list: { expected: 200, next: () => httpText({ path: "/v1/transactions", key: merchant().key }) },
    push: {
      expected: 200,
      next: () => httpText({ method: "POST", path: "/v1/stk/push", key: merchant().key, body: pushBody() }),
    },
    refused_key: {
      expected: 401,
      next: () => httpText({ path: "/v1/transactions", key: randomBytes(32).toString("hex") }),
    },
  };
  const [rounds, ms] = isQuick ? [2, 1_000] : [4, 3_000];
  const seen = {};
  for (let round = 0; round <= rounds; round++) {
    for (const connections of CONNECTIONS) {
      for (const [name, route] of Object.entries(routes)) {
        const run = await load({ port: one.port, ...route, connections, ms: round === 0 ? 300 : ms });
        if (round === 0) continue; // until everything is compiled and open
        seen[connections] ??= {};
        seen[connections][name] ??= { perSecond: [], latencies: [] };
        const of = seen[connections][name];
        of.perSecond.push(run.perSecond);
        of.latencies.push(...run.latencies);
      }
    }
  }
  await runtime.dispose();
  return Object.fromEntries(
    CONNECTIONS.map((connections) => [`connections_${connections}`, tell(seen[connections])]),
  );
}

function tell(seen) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const empty = mean(seen.empty_route.perSecond);
  return Object.fromEntries(
    Object.entries(seen).map(([name, { perSecond, latencies }]) => {
      const speed =
        name === "empty_route"
          ? { requests_per_second: Math.round(empty) }
          : { ratio: round3(mean(perSecond) / empty) };
      return [
        name,
        { ...speed, p50_ms: round3(percentile(latencies, 0.5)), p99_ms: round3(percentile(latencies, 0.99)) },
      ];
    }),
  );
}

const round3 = (value) => Math.round(value * 1_000) / 1_000;
