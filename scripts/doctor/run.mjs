// `npm run doctor -- --env production`: looks at a gateway from outside and, by its operator's API, from
// inside; names what is wrong and what to do about it. Without --env, the one that `npm start` runs.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../local.mjs";
import { whichGateway } from "../which-gateway.mjs";
import { adviceFor } from "./advice.mjs";
import { leftovers } from "./configuration.mjs";
import { pushOne } from "./push.mjs";

const USAGE = `npm run doctor -- [--env production|sandbox] [--url https://…] [--push 2547XXXXXXXX [--payee PAYBILL:ACCOUNT|TILL]]

  --env    the environment of wrangler.toml; left out, the one at GATEWAY_URL, or the one that npm start runs
  --url    where it is, if not at the environment's PUBLIC_BASE_URL
  --push   pays KES 1 from this phone, to prove the whole way
  --payee  pays it to this paybill and account, or till, in the push itself: proves that \`direct\` is allowed,
           where ROUTING is direct

OPERATOR_TOKEN is read from the environment. The push is of a merchant made for it, called Doctor.`;

const { values: options } = parseArgs({
  options: {
    env: { type: "string" },
    url: { type: "string" },
    push: { type: "string" },
    payee: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (options.help) {
  console.log(USAGE);
  process.exit(0);
}

const CLOCK_TOLERANCE_MS = 60_000;
const findings = [];
/** Undefined where the gateway did not tell. */
let routing;
const note = (name, ok, detail) => findings.push({ name, ok, detail });

/** `config`: what wrangler.toml says of the environment; undefined for the local one. */
const { config, gateway, operatorToken = "" } = whichGateway({ environment: options.env, url: options.url });

/** Asks the gateway; answers undefined, and why, where nothing of ours answered. */
async function ask(path, init) {
  try {
    const response = await fetch(gateway + path, {
      redirect: "manual",
      signal: AbortSignal.timeout(60_000),
      ...init,
    });
    const isOurs = response.headers.has("x-request-id");
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    const body = isJson ? JSON.parse(text) : undefined;
    return { status: response.status, isOurs, body, text };
  } catch (error) {
    return { status: 0, isOurs: false, body: undefined, text: String(error.cause ?? error) };
  }
}

async function examine() {
  if (config) {
    const left = leftovers(config);
    note(
      "configuration",
      left.length === 0,
      left.join("; ") || `wrangler.toml's ${options.env} is filled in`,
    );
  }

  const health = await ask("/healthz");
  const isThere = health.status === 200 && health.isOurs;
  const seen = health.status === 0 ? health.text : `HTTP ${health.status}`;
  note("reachable", isThere, isThere ? gateway : `${gateway} did not answer as a gateway does: ${seen}`);
  if (!isThere) return;

  // As Safaricom's servers call: JSON, no cookies, no browser. A wrong token is turned away by the gateway itself.
  const callback = await ask(`/cb/stk/10000000/tx_00000000000000000000000000/${"0".repeat(40)}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "User-Agent": "Apache-HttpClient/4.5" },
    body: "{}",
  });
  const arrives = callback.isOurs && callback.status === 404;
  note(
    "callbacks",
    arrives,
    arrives
      ? "a call to a callback URL reaches the gateway"
      : `a call to a callback URL was answered by something else: HTTP ${callback.status} ${callback.text.slice(0, 80)}`,
  );

  const inside = await ask("/operator/v1/doctor", {
    method: "POST",
    headers: { Authorization: `Bearer ${operatorToken}` },
  });
  const isToken = inside.body?.error_code === "MISSING_AUTH" || inside.body?.error_code === "INVALID_API_KEY";
  note(
    "operator_token",
    !isToken,
    isToken ? "the gateway does not know this OPERATOR_TOKEN" : "the gateway knows it",
  );
  if (isToken) return;
  if (!inside.body?.success) {
    note("inside", false, `HTTP ${inside.status}: ${inside.body?.message ?? inside.text.slice(0, 80)}`);
    return;
  }
  lookInside(inside.body);
}

function lookInside(report) {
  const { settings } = report;
  routing = report.routing;
  note("settings", settings.length === 0, settings.join("; ") || "complete");
  if (settings.length > 0) return;
  const wanted = options.env ?? "local";
  const isAsked = report.environment === wanted && report.public_base_url === gateway;
  note(
    "environment",
    isAsked,
    isAsked
      ? `${wanted}, routing ${report.routing}, shortcode ${report.shortcode}, M-Pesa at ${report.daraja}`
      : `asked for ${wanted} at ${gateway}; it is ${report.environment}, and its callbacks go to ${report.public_base_url}`,
  );
  for (const { name, ok, detail } of report.findings) note(name, ok, detail);

  const here = Date.now() - report.at;
  if (Math.abs(here) > CLOCK_TOLERANCE_MS) {
    note("clock", null, `this machine's clock and the gateway's are ${Math.round(here / 1_000)} s apart`);
  }
  const files = readdirSync(join(root, "migrations")).filter((file) => file.endsWith(".sql"));
  if (report.migrations === null) {
    note("migrations", null, "which are applied could not be read from the database");
    return;
  }
  const missing = files.filter((file) => !report.migrations.includes(file));
  const unknown = report.migrations.filter((name) => !files.includes(name));
  const differences = [
    ...missing.map((name) => `${name} is not applied`),
    ...unknown.map((name) => `${name} is applied and not in this checkout`),
  ];
  note("migrations", differences.length === 0, differences.join("; ") || `all ${files.length} are applied`);
}

const isWell = () => findings.every(({ ok }) => ok !== false);

await examine();
if (options.push && !isWell()) {
  note("push", null, "not tried before the faults above are gone");
} else if (options.push && options.payee && routing !== "direct") {
  const how = "set ROUTING=direct and deploy to find out, before merchants are let in";
  note("direct", null, `nothing was proved, nor paid: routing is ${routing}; ${how}`);
} else if (options.push) {
  const { push: phone, payee } = options;
  findings.push(await pushOne({ gateway, operatorToken, phone, payee }));
} else if (routing === "direct") {
  note("direct", null, "not tried: --push PHONE --payee PAYBILL:ACCOUNT pays KES 1 and finds out");
}

const width = Math.max(...findings.map(({ name }) => name.length));
for (const { name, ok, detail } of findings) {
  const word = ok === null ? "?    " : ok ? "ok   " : "FAULT";
  console.log(`${word}  ${name.padEnd(width)}  ${detail}`);
  const advice = ok === true || (ok === null && name === "direct") ? undefined : adviceFor(name);
  if (advice) console.log(`${" ".repeat(width + 9)}-> ${advice}`);
}
const faults = findings.filter(({ ok }) => ok === false).length;
console.log(`doctor: ${findings.length} checks, ${faults} faults`);
process.exit(faults === 0 ? 0 : 1);
