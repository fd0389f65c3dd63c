// From `npm start` in an empty folder to the first payment that is completed.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { root } from "../../scripts/local.mjs";
import { freePort } from "../../scripts/ports.mjs";
import { Api } from "../lib/gateway.mjs";

export async function startUp({ stateDir }) {
  const port = await freePort();
  const simulatorPort = await freePort();
  const startedAt = performance.now();
  const child = spawn(process.execPath, [join(root, "scripts/start.mjs")], {
    cwd: root,
    env: {
      ...process.env,
      PORT: String(port),
      SIMULATOR_PORT: String(simulatorPort),
      STATE_DIR: join(stateDir, "start"),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((done) => child.once("exit", done));
  const key = await new Promise((resolve, reject) => {
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
      const shown = /Demo API key: ([0-9a-f]{64})/.exec(output);
      if (shown) resolve(shown[1]);
    });
    ended.then(() => reject(new Error(`npm start ended by itself:\n${output}`)));
  });
  const readyAt = performance.now();
  const api = new Api(port);
  const pushed = await api.ok("/v1/stk/push", {
    key,
    body: { phone: "254700000000", amount: 150, account_reference: "ORDER_101" },
  });
  const isCompleted = async () =>
    (await api.ok(`/v1/transactions/${pushed.transaction_id}`, { key })).transaction.status === "completed";
  while (!(await isCompleted())) await sleep(50);
  const paidAt = performance.now();
  child.kill("SIGTERM");
  await ended;
  const seconds = (ms) => Math.round(ms / 10) / 100;
  return {
    start_to_ready_s: seconds(readyAt - startedAt),
    ready_to_first_payment_s: seconds(paidAt - readyAt),
  };
}
