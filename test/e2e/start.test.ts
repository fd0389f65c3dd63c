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
