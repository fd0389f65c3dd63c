// `npm run ledger:verify`: asks a gateway to recompute its ledger. GATEWAY_URL and OPERATOR_TOKEN say which
// and by whose leave; without them the local one that `npm start` runs.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { root } from "./local.mjs";

const { env } = process;
const secretsPath = join(resolve(env.STATE_DIR ?? join(root, ".state")), "secrets.json");
const local = existsSync(secretsPath) ? JSON.parse(readFileSync(secretsPath, "utf8")) : {};
const token = env.OPERATOR_TOKEN ?? local.operatorToken;
const gateway = env.GATEWAY_URL ?? `http://localhost:${env.PORT ?? 8787}`;

const response = await fetch(`${gateway}/operator/v1/ledger/verify`, {
  headers: { Authorization: `Bearer ${token}` },
});
const answer = await response.json();
console.log(answer.success ? `The ledger holds: ${answer.entries} entries.` : answer.message);
for (const [account, balance] of Object.entries(answer.balances ?? {}))
  console.log(`  ${account}  ${balance}`);
process.exit(answer.success ? 0 : 1);
