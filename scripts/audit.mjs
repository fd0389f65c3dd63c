// `npm run audit:dependencies`: asks the registry for known vulnerabilities of what is deployed. A registry
// that does not answer is said to be that, with an exit code of its own: it is never taken for "none".
import { spawnSync } from "node:child_process";

const NOT_ASKED = 2;
const { stdout } = spawnSync("npm", ["audit", "--omit=dev", "--omit=optional", "--json"], {
  encoding: "utf8",
});
let report;
try {
  report = JSON.parse(stdout);
} catch {
  report = {};
}
const found = report.metadata?.vulnerabilities;
if (!found) {
  const why = report.message ?? report.error?.summary ?? "no answer that can be read";
  console.log(`audit: NOT MADE, the registry has no audit to ask: ${String(why).split("\n")[0]}`);
  process.exit(NOT_ASKED);
}
for (const { name, severity, range } of Object.values(report.vulnerabilities)) {
  console.log(`${severity}  ${name} ${range}`);
}
const serious = found.high + found.critical;
console.log(`audit: ${found.total} known vulnerabilities in what is deployed, ${serious} of them serious`);
process.exit(serious === 0 ? 0 : 1);
