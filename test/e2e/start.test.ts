import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, it } from "vitest";
import { newStateDir, removeStateDir, spawnStart, start } from "./support/running.ts";

const stateDir = newStateDir();
afterAll(() => removeStateDir(stateDir));

/** Processes that have the state folder in their command line: all that the start script runs. */
const processesOf = (folder: string) =>
  execFileSync("ps", ["-eo", "pid,args"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(folder));

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
  expect(processesOf(stateDir)).toEqual([]);

  const second = await start({ stateDir });
  expect(second.key).toBe(first.key);
  expect(second.operatorToken).toBe(first.operatorToken);
  const read = await fetch(`${second.gateway}/v1/transactions/${id}`, { headers });
  expect(await read.json()).toMatchObject({ success: true, transaction: { id, amount: 20 } });
  expect(await second.stop("SIGTERM")).toBe(0);
  expect(processesOf(stateDir)).toEqual([]);
});

it("says what to do when a port is taken", async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
  const { port } = other.address() as AddressInfo; // listening on TCP
  const { child, output } = spawnStart({ PORT: String(port), STATE_DIR: stateDir });
  const code = await new Promise((done) => child.once("exit", done));
  other.close();
  expect(code).toBe(1);
  expect(output()).toContain(`Port ${port} is taken by another program.`);
});
