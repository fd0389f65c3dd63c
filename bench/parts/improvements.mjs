// What was improved, before and after, turn by turn in one run. `before` is made to happen again each time.
import { performance } from "node:perf_hooks";
import { gateway, pushBody, start } from "../lib/gateway.mjs";
import { percentile } from "../lib/load.mjs";
import { merchantServer } from "../lib/merchant-server.mjs";
import { costOf, pay } from "./payment.mjs";

/** Before and after each call of a binding: a storage trip takes twice as long, and its own time. */
const DELAY_MS = 30;

export async function improvements({ stateDir, recording, simulator, isQuick }) {
  const one = await gateway({
    name: "improvements",
    bundled: recording,
    simulatorPort: simulator.port,
    isConsumer: true,
  });
  const runtime = await start(stateDir, [one]);
  const found = {
    push_ms: await pushMs(one, isQuick ? 10 : 40),
    wallet_rows_written: await walletRows(one),
  };
  await runtime.dispose();
  return found;
}

/** A push that asks the limits first, as every push did, and one that takes its call beside them. */
async function pushMs({ api, database }, times) {
  const ways = { before: await api.newMerchant(), after: await api.newMerchant() };
  // So near the end of its calls a key's pushes ask first.
  const scarce = database
    .prepare("UPDATE api_keys SET calls_left = 100 WHERE id = ?")
    .bind(ways.before.keyId);
  const ms = { before: [], after: [] };
  for (let i = -2; i < times; i++) {
    for (const [way, { key }] of Object.entries(ways)) {
      await scarce.run();
      await api.ok(`/bench/begin?delay_ms=${DELAY_MS}`);
      const sentAt = performance.now();
      await api.ok("/v1/stk/push", { key, body: pushBody() });
      if (i >= 0) ms[way].push(performance.now() - sentAt);
    }
  }
  const p50 = (values) => Math.round(percentile(values, 0.5));
  return { before: p50(ms.before), after: p50(ms.after), trip_ms: 2 * DELAY_MS };
}

/** With the index that every delivery entered, and without it. */
async function walletRows({ api, database }) {
  const server = await merchantServer();
  const { key } = await api.newMerchant({ callbackUrl: server.url });
  const once = async () => costOf((await pay(api, server, key)).recorded).rows_written;
  // What the isolate counted of all payments is stored every twenty seconds, beside one of them.
  const rows = async () => Math.min(await once(), await once(), await once());
  await rows(); // the first of a key and a phone makes what later ones find
  await database
    .prepare(
      "CREATE INDEX former ON webhook_deliveries (merchant_id, status, id, key_id) WHERE status <> 'delivered'",
    )
    .run();
  const before = await rows();
  await database.prepare("DROP INDEX former").run();
  const after = await rows();
  server.close();
  return { before, after };
}
