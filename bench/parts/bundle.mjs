// The Worker's size and start-up, with the dashboard and without it.
import { execFileSync } from "node:child_process";
import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/local.mjs";
import { percentile } from "../lib/load.mjs";
import { runWrangler } from "../lib/workers.mjs";

export async function bundleAndStartUp({ stateDir, isQuick }) {
  const times = isQuick ? 1 : 5;
  const { kb, gzipKb, startupMs } = await measure(stateDir, times, root);
  // Below the root, where its packages are found.
  const copy = join(root, ".bench");
  const without = await measure(stateDir, times, withoutDashboard(copy));
  rmSync(copy, { recursive: true, force: true });
  return {
    bundle_kb: kb,
    bundle_gzip_kb: gzipKb,
    startup_ms: startupMs,
    without_dashboard: {
      bundle_kb: without.kb,
      bundle_gzip_kb: without.gzipKb,
      startup_ms: without.startupMs,
    },
  };
}

/** wrangler's own measure, as a deployment is checked; of the start-up the middle of several. */
async function measure(stateDir, times, folder) {
  const seen = [];
  for (let i = 0; i < times; i++) {
    const outfile = join(stateDir, "startup.cpuprofile");
    const text = await runWrangler(["check", "startup", "--outfile", outfile], folder);
    const [, kb, gzipKb] = /Bundle: ([\d.]+) KiB \/ gzip: ([\d.]+) KiB/.exec(text) ?? [];
    const [, ms] = /Active: ([\d.]+) ms/.exec(text) ?? [];
    if (!ms) throw new Error(`wrangler told no start-up time:\n${text}`);
    seen.push({ kb: Number(kb), gzipKb: Number(gzipKb), ms: Number(ms) });
  }
  const startupMs = percentile(
    seen.map(({ ms }) => ms),
    0.5,
  );
  return { ...seen[0], startupMs };
}

/** A copy of the sources in which pages and sign-in are nothing. @returns its folder. */
function withoutDashboard(copy) {
  rmSync(copy, { recursive: true, force: true });
  const tracked = execFileSync("git", ["ls-files"], { cwd: root, encoding: "utf8" });
  for (const file of tracked.trim().split("\n")) cpSync(join(root, file), join(copy, file));
  writeFileSync(
    join(copy, "src/dashboard/app.tsx"),
    'import { Hono } from "hono";\nexport const createPages = () => new Hono();\n',
  );
  writeFileSync(
    join(copy, "src/features/users/create-operator.ts"),
    "export const createOperator = () => undefined;\n",
  );
  return copy;
}
