// What the same call reads and takes with a million stored payments and with a thousand, turn by turn.
import { performance } from "node:perf_hooks";
import { gateway, pushBody, start } from "../lib/gateway.mjs";
import { Connection, httpText, percentile } from "../lib/load.mjs";
import { seedTransactions } from "../lib/seed.mjs";

const SMALL = 1_000;
const LARGE = 1_000_000;
const DUE = 5;
/** Of how many calls the rows are counted. */
const COUNTED = 11;

export async function growth({ stateDir, recording, simulator, isQuick }) {
  const sides = [];
  for (const [name, count] of [
    ["small", SMALL],
    ["large", LARGE],
  ]) {
    sides.push({
      count,
      ...(await gateway({ name, bundled: recording, simulatorPort: simulator.port })),
    });
  }
  const runtime = await start(stateDir, sides);
  const startedAt = performance.now();
  for (const side of sides) {
    side.merchant = await side.api.newMerchant();
    await seedTransactions(side.database, { ...side.merchant, count: side.count });
    await side.database.prepare("UPDATE api_keys SET calls_left = 1000000000").run();
    side.references = await referencesOf(side);
  }
  console.log(`seeding took ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
  const get =
    (path) =>
    ({ merchant }) =>
      httpText({ path, key: merchant.key });
  const byReference = ({ merchant, references }) =>
    httpText({ path: `/v1/transactions/${references[turn++ % references.length]}`, key: merchant.key });
  let turn = 0;
  const push = ({ merchant }) =>
    httpText({ method: "POST", path: "/v1/stk/push", key: merchant.key, body: pushBody() });
  const calls = {
    read: [byReference, isQuick ? 100 : 1_000],
    list: [get("/v1/transactions"), isQuick ? 100 : 1_000],
    list_completed: [get("/v1/transactions?status=completed"), isQuick ? 50 : 500],
    list_failed: [get("/v1/transactions?status=failed"), isQuick ? 50 : 500],
    list_pending: [get("/v1/transactions?status=pending"), isQuick ? 50 : 500],
    reconcile: [() => httpText({ path: "/bench/reconcile" }), isQuick ? 20 : 100, makeDue],
    push: [push, isQuick ? 60 : 600],
  };
  const found = {};
  for (const [name, [request, times, prepare]] of Object.entries(calls)) {
    found[name] = await compare(sides, request, times, prepare);
    console.log(`growth.${name} ${JSON.stringify(found[name])}`);
  }
  await runtime.dispose();
  return found;
}

/** Payments from all over the table, by both their ids. */
async function referencesOf({ database, count }) {
  const { results } = await database
    .prepare(
      "SELECT id, checkout_request_id AS checkout FROM transactions WHERE abs(random()) % ?1 < 100 LIMIT 500",
    )
    .bind(count)
    .all();
  return results.flatMap(({ id, checkout }) => [id, checkout]);
}

/** So many payments whose time to be asked about has come. */
const makeDue = ({ database }) =>
  database
    .prepare(
      `UPDATE transactions SET due_at = 1 WHERE (merchant_id, id) IN
         (SELECT merchant_id, id FROM transactions WHERE due_at IS NOT NULL ORDER BY due_at DESC LIMIT ${DUE})`,
    )
    .run();

async function compare(sides, request, times, prepare = async () => undefined) {
  // Made anew, since workerd closes a connection that is idle for some seconds.
  for (const side of sides) side.connection = new Connection(side.port);
  const rows = [];
  for (const side of sides) rows.push(await rowsRead(side, request, prepare));
  const ms = sides.map(() => []);
  const warmUp = Math.ceil(times / 10);
  for (let i = -warmUp; i < times; i++) {
    for (const [which, side] of sides.entries()) {
      await prepare(side);
      const sentAt = performance.now();
      await answered(side, request);
      if (i >= 0) ms[which].push(performance.now() - sentAt);
    }
  }
  for (const side of sides) side.connection.close();
  const [small, large] = ms.map((values) => percentile(values, 0.5));
  return {
    time_ratio: round(large / small),
    rows_read_ratio: round(rows[1] / rows[0]),
    p50_ms: { small: round(small), large: round(large) },
    rows_read: { small: rows[0], large: rows[1] },
  };
}

/** The rows that D1 says a call read: the middle of several. */
async function rowsRead(side, request, prepare) {
  const seen = [];
  for (let i = 0; i < COUNTED; i++) {
    await prepare(side);
    await side.api.ok("/bench/begin");
    await answered(side, request);
    const { trips } = await side.api.ok("/bench/recorded");
    seen.push(trips.reduce((sum, trip) => sum + (trip.rowsRead ?? 0), 0));
  }
  return percentile(seen, 0.5);
}

async function answered(side, request) {
  const { status, body } = await side.connection.send(request(side));
  if (status !== 200) throw new Error(`growth met ${status}: ${body}`);
}

const round = (value) => Math.round(value * 1_000) / 1_000;
