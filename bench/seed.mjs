// `npm run bench:seed -- --transactions 1000000`: fills the database of `npm start`, which must not be running.
// STATE_DIR and --merchant (the account number, else the oldest) say whose.
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../scripts/local.mjs";
import { seedTransactions } from "./lib/seed.mjs";
import { databaseAlone } from "./lib/workers.mjs";

const { values } = parseArgs({
  options: { transactions: { type: "string", default: "1000000" }, merchant: { type: "string" } },
});
const stateDir = resolve(process.env.STATE_DIR ?? join(root, ".state"));
const count = Number(values.transactions);
const { database, close } = await databaseAlone(join(stateDir, "gateway/v3"));
const key = await database
  .prepare(
    `SELECT id, merchant_id FROM api_keys
      WHERE is_default = 1 AND deleted_at IS NULL AND (?1 IS NULL OR merchant_id = ?1) ORDER BY id`,
  )
  .bind(values.merchant === undefined ? null : Number(values.merchant.replace("SP", "")))
  .first()
  .catch(() => null);
if (key) {
  const onProgress = (done) => console.log(`${done} of ${count} payments stored`);
  await seedTransactions(database, { merchantId: key.merchant_id, keyId: key.id, count, onProgress });
} else {
  console.error(`There is no such merchant in ${stateDir}. \`npm start\` makes one.`);
  process.exitCode = 1;
}
await close();
