import { expect, it } from "vitest";
import {
  type Answer,
  call,
  eventually,
  get,
  type Key,
  newKey,
  newPayingKey,
  payment,
  push,
} from "./support/gateway.ts";
import { isLocal, isSimulated } from "./support/target.ts";

const number = (headers: Headers, name: string) => Number(headers.get(name) ?? Number.NaN);

/** The seconds that the answer's minute still has. */
const secondsLeft = ({ headers }: Answer) =>
  Number(/"minute";r=\d+;t=(\d+)/.exec(headers.get("RateLimit") ?? "")?.[1]);

/** Asks by a key of its own, and anew where the gateway's minute or day ended meanwhile. */
async function withinOneMinute(ask: (key: Key) => Promise<Answer[]>): Promise<Answer[]> {
  for (;;) {
    const answers = await ask(await newKey());
    const left = answers.map(secondsLeft);
    if (left.every((seconds, i) => i === 0 || !(seconds > (left[i - 1] ?? 0)))) return answers;
  }
}

it("every authenticated answer tells what is left of the minute and the day", async () => {
  const answers = await withinOneMinute(async ({ key }) => [
    await get("/v1/account", key),
    await get("/v1/transactions/nothing", key),
  ]);
  const left = (name: string) => answers.map(({ headers }) => number(headers, name));
  expect(left("X-RateLimit-Remaining")).toEqual([59, 58]);
  expect(left("X-RateLimit-Day-Remaining")).toEqual([9_999, 9_998]);
});

it("the IETF's RateLimit fields say the same", async () => {
  const { headers } = await get("/v1/account", (await newKey()).key);
  expect(headers.get("RateLimit-Policy")).toMatch(/q=60;w=60.*q=10000;w=86400/);
  expect(headers.get("RateLimit")).toMatch(/r=59.*r=9999/);
});

it("the 61st call of a key's minute is RATE_LIMIT_MINUTE, and other keys go on", async () => {
  const answers = await withinOneMinute(async ({ key }) => {
    const all: Answer[] = [];
    while (all.length < 61) all.push(await get("/v1/account", key, { refusable: true }));
    return all;
  });
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(1);
  expect(answers.at(-1)?.body.error_code).toBe("RATE_LIMIT_MINUTE");
  expect(number(refused[0]?.headers ?? new Headers(), "Retry-After")).toBeGreaterThan(0);
  expect((await get("/v1/account", (await newKey()).key, { refusable: true })).status).toBe(200);
});

it.runIf(isLocal)("more than 200 calls in a minute from one address are IP_RATE_LIMIT", async () => {
  const headers = { "CF-Connecting-IP": `203.0.113.${Math.floor(Math.random() * 256)}` };
  // So many that one of two minutes has too many of them, should one end meanwhile.
  const pings = Array.from({ length: 401 }, () => call("GET", "/v1/ping", { headers, refusable: true }));
  const refused = (await Promise.all(pings)).filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]?.body.error_code).toBe("IP_RATE_LIMIT");
  expect(number(refused[0]?.headers ?? new Headers(), "Retry-After")).toBeGreaterThan(0);
});

const simulated = it.runIf(isSimulated);

/** So many customers, some at a time. */
async function customers(key: string, count: number, answer: (index: number) => object) {
  for (let i = 0; i < count; i += 5) {
    const some = Array.from({ length: Math.min(5, count - i) }, (_, j) => payment(key, {}, answer(i + j)));
    await Promise.all(some);
  }
}

/** A push as soon as what became of the ones before is counted, which no answer waits for. */
const pushOnceCounted = (key: string) =>
  eventually(
    () => push(key),
    ({ status }) => status !== 200,
  );

const WRONG_PIN = { pin: "0000" };

simulated("a key most of whose customers cancel is FRAUD_BLOCK_CANCEL_RATE", async () => {
  const { key } = await newPayingKey();
  await customers(key, 20, () => ({ action: "cancel" }));
  const { status, body } = await pushOnceCounted(key);
  expect([status, body.error_code]).toEqual([403, "FRAUD_BLOCK_CANCEL_RATE"]);
});

simulated("a key most of whose payments fail is FRAUD_BLOCK_FAILURE_RATE", async () => {
  const { key } = await newPayingKey();
  await customers(key, 20, () => WRONG_PIN);
  const { status, body } = await pushOnceCounted(key);
  expect([status, body.error_code]).toEqual([403, "FRAUD_BLOCK_FAILURE_RATE"]);
});

simulated("30 pushes in a minute, half of which fail, are FRAUD_BLOCK_BURST", async () => {
  const { key } = await newPayingKey();
  await customers(key, 30, (i) => (i % 2 ? WRONG_PIN : { pin: "1234" }));
  const { status, body } = await pushOnceCounted(key);
  expect([status, body.error_code]).toEqual([429, "FRAUD_BLOCK_BURST"]);
});
