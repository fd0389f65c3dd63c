import { execFileSync, spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, it } from "vitest";
import { freePort } from "../../scripts/ports.mjs";
import { eventually, newStateDir, removeStateDir, spawnStart, start } from "./support/running.ts";

const stateDir = newStateDir();
afterAll(() => removeStateDir(stateDir));

/** Processes that have the state folder in their command line: all that the start script runs. */
const processesOf = (folder: string) =>
  execFileSync("ps", ["-eo", "pid,args"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(folder));

/** A process that was killed may still be seen for a moment. */
const nothingRuns = () =>
  eventually(
    async () => processesOf(stateDir),
    (left) => left.length === 0,
  );

it("keeps its data and its demo key over a stop and a start, and leaves no process behind", async () => {
  const first = await start({ stateDir });
  const headers = { Authorization: `Bearer ${first.key}`, "Content-Type": "application/json" };
  const pushed = await fetch(`${first.gateway}/v1/stk/push`, {
    method: "POST",
    headers,
    body: JSON.stringify({ phone: "254711222333", amount: 20 }),
  });
  const { transaction_id: id } = (await pushed.json()) as { transaction_id: string };
  expect(await first.stop("SIGINT")).toBe(0);
  await nothingRuns();

  const second = await start({ stateDir });
  expect(second.key).toBe(first.key);
  expect(second.operatorToken).toBe(first.operatorToken);
  const read = await fetch(`${second.gateway}/v1/transactions/${id}`, { headers });
  expect(await read.json()).toMatchObject({ success: true, transaction: { id, amount: 20 } });
  expect(await second.stop("SIGTERM")).toBe(0);
  await nothingRuns();
});

it("finds ports that no other process finds too, though nothing listens on them yet", async () => {
  const code = `import { freePort } from "./scripts/ports.mjs";
    const ports = [];
    while (ports.length < 300) ports.push(await freePort());
    console.log(JSON.stringify(ports));
    process.stdin.resume();`;
  const other = spawn(process.execPath, ["--input-type=module", "--eval", code]);
  const theirs = new Promise<number[]>((done) => other.stdout.once("data", (line) => done(JSON.parse(line))));
  const ours: number[] = [];
  while (ours.length < 300) ours.push(await freePort());
  const all = [...ours, ...(await theirs)];
  other.kill();
  expect(new Set(all).size).toBe(600);
});

/** The code with which a start ends that cannot succeed, and all that it said. */
async function failedStart(env: Record<string, string>) {
  const { child, output } = spawnStart({ STATE_DIR: stateDir, ...env });
  const code = await new Promise((done) => child.once("close", done));
  await nothingRuns();
  return { code, output: output() };
}

it.each([
  ["LIMITS", '{"key_minute":0}', "LIMITS: key_minute: "],
  ["ROUTING", "sideways", "ROUTING: "],
  ["OPERATOR_TOKEN", "too short", "OPERATOR_TOKEN: "],
])("names the setting that is wrong, and nothing else: %s", async (name, value, told) => {
  const { code, output } = await failedStart({
    PORT: String(await freePort()),
    SIMULATOR_PORT: String(await freePort()),
    [name]: value,
  });
  expect(code).toBe(1);
  expect(output).toContain(`A setting is wrong. ${told}`);
  expect(output).not.toMatch(/is running|Demo API key|^ +at /m);
});

it.each([
  [{ PORT: "abc" }, 'PORT: must be a whole number from 1 to 65535, and is "abc".'],
  [{ SIMULATOR_PORT: "65536" }, 'SIMULATOR_PORT: must be a whole number from 1 to 65535, and is "65536".'],
  [{ PORT: "18961", SIMULATOR_PORT: "18961" }, "PORT and SIMULATOR_PORT are both 18961: give each its own."],
])("does not start on ports that are none: %j", async (ports, told) => {
  const { code, output } = await failedStart({ SIMULATOR_PORT: "8788", ...ports });
  expect([code, output.trim()]).toEqual([1, told]);
});

it("says what to do when a port is taken", async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
  const { port } = other.address() as AddressInfo; // listening on TCP
  const { child, output } = spawnStart({ PORT: String(port), STATE_DIR: stateDir });
  const code = await new Promise((done) => child.once("close", done));
  other.close();
  expect(code).toBe(1);
  expect(output()).toContain(`Port ${port} is taken by another program.`);
});
