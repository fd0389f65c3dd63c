// `npm run ledger:verify -- --env production`: asks a gateway to recompute its ledger. Without --env: the one at
// GATEWAY_URL, or the one that `npm start` runs.
import { parseArgs } from "node:util";
import { ENV, operatorApi } from "./operator-api.mjs";

const { values } = parseArgs({ options: ENV });
const { ask } = operatorApi(values.env);
const response = await ask("/ledger/verify");
const answer = await response.json().catch(() => ({ message: `HTTP ${response.status}` }));
console.log(answer.success ? `The ledger holds: ${answer.entries} entries.` : answer.message);
for (const [account, balance] of Object.entries(answer.balances ?? {}))
  console.log(`  ${account}  ${balance}`);
process.exit(answer.success ? 0 : 1);
