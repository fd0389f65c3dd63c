import { spawn } from "node:child_process";
import { afterAll, beforeAll, expect, it } from "vitest";
import { newStateDir, type Running, removeStateDir, start } from "./support/running.ts";

const stateDir = newStateDir();
let running: Running;
beforeAll(async () => {
  running = await start({ stateDir, env: { TIME_SCALE: "4", WEBHOOK_RETRY_SECONDS: "2,2,2" } });
});
afterAll(async () => {
  await running.stop();
  removeStateDir(stateDir);
});

/** The suite as anybody runs it, without what tells it that it runs inside of another. */
async function conformance(...args: string[]): Promise<{ code: number | null; output: string }> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^VITEST|^TEST$/.test(name)),
  );
  const child = spawn(process.execPath, ["test/conformance/run.mjs", ...args], { env });
  let output = "";
  const keep = (chunk: unknown) => {
    output += chunk;
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const code = await new Promise<number | null>((done) => child.once("close", done));
  return { code, output };
}

const target = () => ["--url", running.gateway, "--key", running.key];

it("begins only where it is sure of a simulator", async () => {
  for (const simulator of [running.gateway, "http://localhost:1"]) {
    const { code, output } = await conformance(...target(), "--simulator", simulator);
    expect([code, output]).toEqual([2, expect.stringContaining("There is no simulator at")]);
  }
});

it("finds that the gateway keeps to the API's text, and leaves the merchant's keys as they were", {
  timeout: 900_000,
}, async () => {
  const keys = async () => {
    const answer = await fetch(`${running.gateway}/v1/keys`, {
      headers: { Authorization: `Bearer ${running.key}` },
    });
    const { accounts } = (await answer.json()) as { accounts: { name: string; is_default: boolean }[] };
    return accounts.map(({ name, is_default }) => [name, is_default]);
  };
  const before = await keys();
  const { code, output } = await conformance(...target(), "--simulator", running.simulator);
  expect(output).toMatch(/\n\d+ passed, 0 failed\n$/);
  expect(code).toBe(0);
  expect(await keys()).toEqual(before);
});
