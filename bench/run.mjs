// `npm run bench`: what a request and a payment cost, counted and timed. `--quick` takes under five minutes,
// `--only trips,growth` runs some parts alone and leaves the results of the others as they were.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../scripts/local.mjs";
import { startSimulator } from "./lib/gateway.mjs";
import { printTable } from "./lib/table.mjs";
import { bundle } from "./lib/workers.mjs";
import { bundleAndStartUp } from "./parts/bundle.mjs";
import { growth } from "./parts/growth.mjs";
import { improvements } from "./parts/improvements.mjs";
import { payment } from "./parts/payment.mjs";
import { startUp } from "./parts/start.mjs";
import { throughput } from "./parts/throughput.mjs";
import { trips } from "./parts/trips.mjs";
import { webhookDelay } from "./parts/webhooks.mjs";

const { values } = parseArgs({
  options: { quick: { type: "boolean", default: false }, only: { type: "string" } },
});
const RESULTS = join(root, "bench/results/latest.json");

/** Each with what it adds to the results. */
const PARTS = {
  bundle: bundleAndStartUp,
  start: startUp,
  trips: async (bench) => ({ trips: await trips(bench) }),
  payment: async (bench) => ({ payment: await payment(bench) }),
  improvements: async (bench) => ({ improvements: await improvements(bench) }),
  throughput: async (bench) => ({ throughput: await throughput(bench) }),
  webhooks: async (bench) => ({ webhook_delay_ms: await webhookDelay(bench) }),
  growth: async (bench) => ({ growth: await growth(bench) }),
};

const chosen = values.only?.split(",") ?? Object.keys(PARTS);
const unknown = chosen.filter((name) => !PARTS[name]);
if (unknown.length > 0) {
  console.error(`There is no part ${unknown.join(", ")}; there are ${Object.keys(PARTS).join(", ")}.`);
  process.exit(1);
}

const results = {
  measured_at: new Date().toISOString(),
  quick: values.quick,
  machine: `${availableParallelism()} cores, Node ${process.versions.node}`,
};
const stateDir = mkdtempSync(join(tmpdir(), "smartpay-bench-"));
const startedAt = Date.now();
let simulator;
try {
  const bundles = join(stateDir, "bundles");
  const plain = await bundle(join(bundles, "plain"), "bench/worker/quiet.ts");
  const recording = await bundle(join(bundles, "recording"), "bench/worker/index.ts");
  simulator = await startSimulator(
    join(stateDir, "simulator"),
    await bundle(join(bundles, "simulator"), "simulator/src/index.ts", "simulator/wrangler.toml"),
  );
  for (const name of chosen) {
    const partAt = Date.now();
    // Prompts that nobody answers end after a minute: that is not to be heard in the midst of another part.
    const faults = name === "payment" || name === "improvements" ? {} : { callback: { drop: true } };
    await simulator.api.ok("/faults", { method: "PUT", body: faults });
    const bench = { stateDir: join(stateDir, name), plain, recording, simulator, isQuick: values.quick };
    mkdirSync(bench.stateDir);
    Object.assign(results, await PARTS[name](bench));
    rmSync(bench.stateDir, { recursive: true, force: true });
    console.log(`${name}: ${Math.round((Date.now() - partAt) / 1_000)} s`);
  }
} finally {
  await simulator?.runtime.dispose();
  rmSync(stateDir, { recursive: true, force: true });
}
const others = values.only && existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, "utf8")) : {};
Object.assign(results, { ...others, ...results });
mkdirSync(join(root, "bench/results"), { recursive: true });
writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
printTable(results);
console.log(`\n${RESULTS}, after ${Math.round((Date.now() - startedAt) / 1_000)} s`);
