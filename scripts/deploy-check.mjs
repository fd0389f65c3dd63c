// `npm run deploy:check`: builds what each deploy would upload, and uploads nothing. Needs no account.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { root } from "./local.mjs";

const WORKERS = [
  ["production gateway", "wrangler.toml", "production"],
  ["sandbox gateway", "wrangler.toml", "sandbox"],
  ["sandbox simulator", "simulator/wrangler.toml", "sandbox"],
];

const wrangler = join(
  dirname(createRequire(import.meta.url).resolve("wrangler/package.json")),
  "bin/wrangler.js",
);
let failed = 0;
for (const [name, config, env] of WORKERS) {
  const args = ["deploy", "--dry-run", "--config", config, "--env", env];
  const { status, stdout, stderr } = spawnSync(process.execPath, [wrangler, ...args], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" },
  });
  if (status === 0) console.log(`ok     ${name}: ${/Total Upload: .*/.exec(stdout)?.[0] ?? ""}`);
  else {
    failed++;
    console.log(`FAULT  ${name}\n${stdout}${stderr}`);
  }
}
process.exit(failed === 0 ? 0 : 1);
