// `npm run chaos -- --seed N --payments M`: the real gateway against the simulator with every fault on,
// its process killed at random moments, and then the books. Its last line tells, and its exit code.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Local } from "../local.mjs";
import { freePort } from "../ports.mjs";
import { booksAtRest, stillOpen, violations } from "./books.mjs";
import { addFired, FAULTS, insistOn, neverFired } from "./faults.mjs";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    payments: { type: "string", default: "300" },
    kills: { type: "string", default: "3" },
    keep: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed);
const payments = Number(values.payments);
const kills = Number(values.kills);

const AT_ONCE = 8;
/** Long, since it only ends what would else never end: a machine with other work takes its time. */
const SETTLE_WITHIN_MS = 900_000;
const FAULTS_GO_ON_MS = 120_000;
/** In so many payments every fault has its occasion. */
const ENOUGH_FOR_ALL = 300;
const CALLS = 25_000;
const CREDITS = 10_000;
/** From here on those faults that chance has left out strike at the next occasion. */
const INSIST_FROM = Math.floor(payments * 0.7);
/** A text to every so many payments. */
const PAYMENTS_A_TEXT = 4;

/** Small, and the same for the same seed. */
function random(state) {
  let a = state >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
const dice = random(seed);
const oneOf = (list) => list[Math.floor(dice() * list.length)];

/** One of each kind, with payees of its own for each `n`. */
const destinations = (n) => [
  { method: "wallet" },
  { method: "phone", phone: `25472200011${n}` },
  { method: "paybill", paybill_number: "888880", account_number: `ACC-00${n}/2026` },
  { method: "till", till_number: `56756${n}` },
  { method: "bankpaybill", bank_code: "247247", bank_account: `0123456789012${n}` },
];

/** Most customers pay; the others do what customers do, and some callbacks are bad by themselves. */
const PHONES = [
  ...Array.from({ length: 8 }, () => "254700000000"),
  ...["254700001032", "254700001037", "254700002001", "254700000001"],
  ...["254700000700", "254700000701", "254700000702", "254700000703", "254700000704"],
];

const NO_FRAUD_RULES = {
  burst: { pushes: 1_000_000 },
  cancel_rate: { finished: 1_000_000 },
  failure_rate: { finished: 1_000_000 },
  phone_diversity: { finished: 1_000_000 },
};

const stateDir = mkdtempSync(join(tmpdir(), "smartpay-chaos-"));
const local = new Local({
  port: await freePort(),
  simulatorPort: await freePort(),
  stateDir,
  env: {
    ROUTING: "settle",
    TIME_SCALE: "60",
    LOG_LEVEL: "error",
    // It tells of every connection that a fault makes it break.
    SIMULATOR_LOG_LEVEL: "none",
    LIMITS: JSON.stringify({
      key_minute: 1_000_000,
      key_day: 1_000_000,
      phone_pushes: 1_000_000,
      fraud: NO_FRAUD_RULES,
    }),
  },
  onFailure: (message) => finish(1, message),
});
process.on("SIGINT", () => finish(1, "interrupted"));
process.on("SIGTERM", () => finish(1, "interrupted"));

async function finish(code, message) {
  if (message) console.log(message);
  await local.stop();
  listener.close();
  if (!values.keep) rmSync(stateDir, { recursive: true, force: true });
  process.exit(code);
}

/** The merchants' server: keeps what each is told, and fails now and then. */
const webhooks = new Map();
const listener = createServer(async (request, response) => {
  let text = "";
  for await (const chunk of request) text += chunk;
  if (dice() < 0.1) {
    response.statusCode = 500;
    response.end("not now");
    return;
  }
  const name = request.url.slice(1);
  webhooks.set(name, [...(webhooks.get(name) ?? []), JSON.parse(text).Body.stkCallback]);
  response.end("OK");
});
await new Promise((done) => listener.listen(0, "127.0.0.1", done));
const listenerUrl = `http://localhost:${listener.address().port}`;

async function call(url, { token, headers, method, body } = {}) {
  const response = await fetch(url, {
    method: method ?? (body ? "POST" : "GET"),
    headers: {
      "Content-Type": "application/json",
      "CF-Connecting-IP": `10.${Math.floor(Math.random() * 250)}.0.${Math.floor(Math.random() * 250)}`,
      ...(token ? { Authorization: `Bearer ${token}` } : {}),
      ...headers,
    },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(60_000),
  });
  return { status: response.status, body: await response.json() };
}

/** As a careful client does: the same request with the same Idempotency-Key until there is an answer. */
async function insist(ask, isAnswer) {
  for (let attempt = 0; attempt < 360; attempt++) {
    const answer = await ask().catch(() => undefined);
    if (answer && isAnswer(answer)) return answer;
    await sleep(500);
  }
  throw new Error("the gateway did not answer for three minutes");
}

async function makeMerchant(destination, n) {
  const name = `${destination.method}-${n}`;
  const body = {
    fullname: `Chaos ${name}`,
    email: `${name}@duka.co.ke`,
    plan: "Business",
    sms_credits: CREDITS,
  };
  const made = await insist(
    () => call(`${local.gatewayUrl}/operator/v1/merchants`, { token: local.operatorToken, body }),
    ({ status }) => status === 201,
  );
  const { id, api_key: key } = made.body.key;
  const set = { token: key, method: "PUT", body: { ...destination, callbackurl: `${listenerUrl}/${name}` } };
  await insist(
    () => call(`${local.gatewayUrl}/v1/keys/${id}/destination`, set),
    ({ status }) => status === 200,
  );
  return { name, key, texts: [] };
}

const makeMerchants = (n) => Promise.all(destinations(n).map((destination) => makeMerchant(destination, n)));

async function pay(merchants, i) {
  const merchant = oneOf(merchants);
  // The same amount to the same phone now and then, for the rule that M-Pesa has about it.
  const isRepeated = dice() < 0.15;
  const body = {
    phone: isRepeated ? PHONES[0] : oneOf(PHONES),
    amount: isRepeated ? 100 : 1 + Math.floor(dice() * 2_000),
    // Different for each, so that M-Pesa's statement can tell them apart.
    account_reference: `C${i}`,
  };
  const headers = { "Idempotency-Key": `chaos-${i}` };
  await insist(
    () => call(`${local.gatewayUrl}/v1/stk/push`, { token: merchant.key, headers, body }),
    ({ status, body: answer }) => status < 300 || answer.error_code === "PAYMENT_FAILURE",
  );
}

/** A text of one to three parts, to one phone or to two. */
async function text(merchants, i) {
  const merchant = oneOf(merchants);
  const phones = dice() < 0.7 ? ["254733000111"] : ["254733000222", "254733000333"];
  const message = `Text ${i} `.padEnd(1 + Math.floor(dice() * 480), ".");
  const headers = { "Idempotency-Key": `chaos-text-${i}` };
  const { body } = await insist(
    () =>
      call(`${local.gatewayUrl}/v1/sms`, { token: merchant.key, headers, body: { phone: phones, message } }),
    ({ status }) => status === 200,
  );
  for (const { transaction_id: id, mobile } of body.data.messages)
    merchant.texts.push({ id, mobile, message });
}

async function readAll(merchant, path, member) {
  const rows = [];
  for (let cursor = ""; ; ) {
    const url = `${local.gatewayUrl}${path}?limit=100${cursor && `&cursor=${cursor}`}`;
    const { body } = await call(url, { token: merchant.key });
    rows.push(...body[member]);
    if (!body.has_more) return rows;
    cursor = body.next_cursor;
  }
}

async function readText(merchant, { id, mobile, message }) {
  const sms = (await call(`${local.gatewayUrl}/v1/sms/${id}`, { token: merchant.key })).body.data;
  const { messages } = (await call(`${local.simulatorUrl}/phones/${mobile}/messages`)).body;
  return { sms, heard: messages.filter((heard) => heard.text === message).length };
}

async function readBooks(merchants) {
  const read = await Promise.all(
    merchants.map(async (merchant) => ({
      name: merchant.name,
      callsGiven: CALLS,
      creditsGiven: CREDITS,
      account: (await call(`${local.gatewayUrl}/v1/account`, { token: merchant.key })).body,
      transactions: await readAll(merchant, "/v1/transactions", "transactions"),
      payouts: await readAll(merchant, "/v1/payouts", "payouts"),
      webhooks: webhooks.get(merchant.name) ?? [],
      texts: await Promise.all(merchant.texts.map((sent) => readText(merchant, sent))),
    })),
  );
  const verify = `${local.gatewayUrl}/operator/v1/ledger/verify`;
  const ledger = (await call(verify, { token: local.operatorToken })).body;
  const mpesa = (await call(`${local.simulatorUrl}/ledger`)).body;
  return { merchants: read, ledger, mpesa };
}

console.log(`chaos: seed ${seed}, ${payments} payments, ${kills} kills`);
const startedAt = Date.now();
await local.start();
local.keepTicking();
const merchants = await makeMerchants(1);
await call(`${local.simulatorUrl}/faults`, { method: "PUT", body: { seed, ...FAULTS } });

/** How often each fault has fired; `firedBefore`, until the set was replaced last. */
let firedBefore = new Map();
let fired = new Map();
async function readFired() {
  fired = new Map(firedBefore);
  addFired(fired, (await call(`${local.simulatorUrl}/faults`)).body.faults);
}
async function setFaults(method, choose) {
  await readFired();
  firedBefore = fired;
  await call(`${local.simulatorUrl}/faults`, { method, body: choose?.() });
}

/** With new payees: behind an unclear payout to an old one no other is sent that could meet a fault. */
async function insistOnTheRest() {
  merchants.push(...(await makeMerchants(2)));
  await setFaults("PUT", () => ({ seed, ...insistOn(neverFired(fired)) }));
}

let next = 0;
const worker = async () => {
  while (next < payments) {
    const i = next++;
    if (i === INSIST_FROM) await insistOnTheRest();
    if (i % PAYMENTS_A_TEXT === 0) await text(merchants, i);
    await pay(merchants, i);
  }
};
const killAt = new Set(Array.from({ length: kills }, () => Math.floor(dice() * payments)));
const killer = async () => {
  for (const at of [...killAt].sort((a, b) => a - b)) {
    while (next < at) await sleep(50);
    await local.killGateway();
    await local.startGateway();
  }
};
const seconds = () => Math.round((Date.now() - startedAt) / 1_000);
await Promise.all([...Array.from({ length: AT_ONCE }, worker), killer()]);
console.log(`  all paid after ${seconds()} s`);

// Payouts and queries come behind the payments, and meet their faults then.
const faultsUntil = Date.now() + FAULTS_GO_ON_MS;
do {
  await sleep(1_000);
  await readFired();
} while (payments >= ENOUGH_FOR_ALL && neverFired(fired).length > 0 && Date.now() < faultsUntil);
await setFaults("DELETE");
for (const product of Object.keys(FAULTS)) {
  const counts = Object.keys(FAULTS[product]).map(
    (name) => `${name} ${fired.get(`${product}.${name}`) ?? 0}`,
  );
  console.log(`  ${product}: ${counts.join(", ")}`);
}
const never = neverFired(fired);
console.log(never.length === 0 ? "  every fault fired" : `  never fired: ${never.join(", ")}`);

/** As a merchant does whose server was away: what was given up after every attempt failed is asked for. */
async function askForGivenUp() {
  let replayed = 0;
  for (const { key } of merchants) {
    const body = { status: "failed", since: "2020-01-01" };
    const { body: answer } = await call(`${local.gatewayUrl}/v1/webhooks/replay`, { token: key, body });
    replayed += answer.replayed;
  }
  return replayed;
}

let replayed = 0;
const books = await booksAtRest(
  async () => {
    await sleep(1_000);
    replayed += await askForGivenUp();
    return readBooks(merchants);
  },
  { until: Date.now() + SETTLE_WITHIN_MS },
);
console.log(`  settled after ${seconds()} s, ${replayed} webhooks replayed that were given up`);
const found = [...violations(books), ...stillOpen(books)];
for (const sentence of found.slice(0, 20)) console.log(`  VIOLATION: ${sentence}`);
console.log(`chaos: ${payments} payments, ${found.length} violations`);
await finish(found.length === 0 ? 0 : 1);
