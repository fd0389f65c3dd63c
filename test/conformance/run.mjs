// `npm run conformance -- --url … --key …`: holds any gateway to the API's text, from the outside. README.md says more.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startVitest } from "vitest/node";

const root = dirname(fileURLToPath(import.meta.url));

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "http://localhost:8787" },
    key: { type: "string", default: process.env.SMARTPAY_KEY },
    simulator: { type: "string" },
    "simulator-secret": { type: "string" },
    "live-phone": { type: "string" },
    "verified-phone": { type: "string" },
    only: { type: "string" },
  },
});

function refuse(message) {
  console.error(message);
  process.exit(2);
}

const url = values.url.replace(/\/(v1\/?)?$/, "");
if (!values.key) refuse("Give the API key of the merchant to test with: --key … or SMARTPAY_KEY.");

const ping = await fetch(`${url}/v1/ping`).then(
  (response) => response.json(),
  (error) => refuse(`${url} does not answer: ${error.cause?.message ?? error.message}`),
);
const { environment } = ping;
const livePhone = values["live-phone"];
const simulator = livePhone ? undefined : await provenSimulator();
const target = {
  url,
  key: values.key,
  environment,
  simulator,
  simulatorSecret: values["simulator-secret"],
  livePhone,
  verifiedPhone: values["verified-phone"] ?? (environment === "local" ? "254712345678" : undefined),
};

/**
 * The simulator's address, once it is sure that the gateway is one with a simulator behind it: what the
 * gateway was just made to send has to arrive there. Nothing that could reach a real phone is sent for it.
 */
async function provenSimulator() {
  const how =
    "To test against real M-Pesa, with one prompt of KES 1, name the phone: --live-phone 2547XXXXXXXX";
  if (environment !== "local" && environment !== "sandbox") {
    refuse(`${url} says that it is ${environment ?? "no gateway of ours"}. No prompt is sent there.\n${how}`);
  }
  const address = values.simulator ?? neighbour(url);
  if (!address) refuse(`Give the simulator's address: --simulator http…\n${how}`);
  const base = address.replace(/\/$/, "");
  const secret = values["simulator-secret"];
  const received = () =>
    fetch(`${base}/requests`, secret ? { headers: { Authorization: `Bearer ${secret}` } } : {})
      .then((response) => (response.ok ? response.json() : undefined))
      .catch(() => undefined);
  if (!Array.isArray((await received())?.requests)) refuse(`There is no simulator at ${base}.\n${how}`);

  const name = `conformance probe ${randomBytes(6).toString("hex")}`;
  const api = (method, path, body) =>
    fetch(`${url}/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${values.key}`, "Content-Type": "application/json" },
      ...(body ? { body: JSON.stringify(body) } : {}),
    }).then((response) => response.json());
  const created = await api("POST", "/keys", { name });
  if (!created.success)
    refuse(`The key cannot make keys of its own: ${created.error_code} ${created.message}`);
  // A change of destination and a delete are told to the merchant by email, which a simulator receives.
  await api("PUT", `/keys/${created.account.id}/destination`, { method: "till", till_number: "123456" });
  await api("DELETE", `/keys/${created.account.id}`);
  for (let i = 0; i < 60; i++) {
    if (JSON.stringify(await received()).includes(name)) return base;
    await sleep(500);
  }
  return refuse(`What ${url} sends does not arrive at ${base}: it is not known to be simulated.\n${how}`);
}

/** `npm start` puts the simulator on the port after the gateway's. */
function neighbour(address) {
  const { protocol, hostname, port } = new URL(address);
  return environment === "local" && port !== "" ? `${protocol}//${hostname}:${Number(port) + 1}` : undefined;
}

/** The names in the table's second column. */
function tableRows() {
  const text = readFileSync(join(root, "README.md"), "utf8");
  return new Set([...text.matchAll(/^\|.*\|\s*`([^`]+)`\s*\|$/gm)].map(([, name]) => name));
}

const counts = { passed: 0, failed: 0, skipped: 0 };
const names = new Set();
const problems = [];

function fail(title, errors) {
  counts.failed++;
  problems.push([title, ...errors.map((error) => error.stack ?? error.message ?? String(error))].join("\n"));
}

const report = {
  onTestModuleStart: (module) =>
    console.log(`\n${module.moduleId.split("/").at(-1).replace(".test.ts", "")}`),
  onTestCaseResult(test) {
    names.add(test.name);
    const { state, errors } = test.result();
    const seconds = (test.diagnostic()?.duration ?? 0) / 1_000;
    const mark = { passed: "✓", failed: "✗", skipped: "-" }[state];
    const note = state === "skipped" ? " (not here)" : seconds > 3 ? ` (${seconds.toFixed(0)} s)` : "";
    console.log(`  ${mark} ${test.name}${note}`);
    if (state === "failed") fail(test.name, errors ?? []);
    else counts[state]++;
  },
  onTestModuleEnd(module) {
    const errors = [
      ...module.errors(),
      ...[...module.children.allSuites()].flatMap((suite) => suite.errors()),
    ];
    if (errors.length > 0) fail(module.moduleId, errors);
  },
};

const startedAt = Date.now();
const vitest = await startVitest("test", values.only ? [values.only] : [], {
  root,
  config: false,
  watch: false,
  include: ["*.test.ts"],
  setupFiles: ["./support/setup.ts"],
  provide: { target },
  reporters: [report],
  fileParallelism: false,
  // A full minute or a phone's five may have to pass before a limit lets a call through.
  testTimeout: 400_000,
  hookTimeout: 400_000,
});
await vitest.close();

const rows = tableRows();
if (!values.only) {
  const missing = [...names].filter((name) => !rows.has(name)).map((name) => `no row: ${name}`);
  const dangling = [...rows].filter((name) => !names.has(name)).map((name) => `no test: ${name}`);
  const title = "README.md's table names every test, and no other";
  const holds = missing.length + dangling.length === 0;
  console.log(`\ntable\n  ${holds ? "✓" : "✗"} ${title}`);
  if (holds) counts.passed++;
  else fail(title, [...missing, ...dangling]);
}

for (const problem of problems) console.log(`\n✗ ${problem}`);
const took = `${Math.round((Date.now() - startedAt) / 1_000)} s`;
console.log(`\n${url} (${environment}), ${took}${counts.skipped ? `, ${counts.skipped} skipped` : ""}`);
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);
