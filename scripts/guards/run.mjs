// `npm run guards`: takes out one guard of the money paths after the other, in a copy of this folder, and
// tells which test notices. A guard whose absence no test notices fails the run.
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createVitest } from "vitest/node";
import { GUARDS } from "./guards.mjs";

const { values } = parseArgs({ options: { only: { type: "string", default: "" } } });

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const copy = mkdtempSync(join(tmpdir(), "smartpay-guards-"));
process.on("exit", () => rmSync(copy, { recursive: true, force: true }));
for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => process.exit(1));

const isLeftOut = (path) => /^(\.git|node_modules|\.state|\.wrangler)$/.test(relative(root, path));
cpSync(root, copy, { recursive: true, filter: (path) => !isLeftOut(path) });
symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
process.chdir(copy);
process.env.PWD = copy;
process.env.CLOUDFLARE_CF_FETCH_ENABLED = "false"; // nothing here needs to be looked up

/** One for many runs, since most of a run is its start; it has read the migrations, so another for those. */
let vitest;
async function startVitest() {
  const silent = { onTestRunEnd() {} };
  vitest = await createVitest("test", { watch: false, project: ["gateway"], bail: 1, reporters: [silent] });
}

/** The first test that fails, by file and name. */
async function firstFailure(tests) {
  const specifications = await vitest.globTestSpecifications(tests);
  const ran = await vitest.runTestSpecifications(specifications);
  const { unhandledErrors } = ran;
  // It answers with what earlier runs brought, too.
  const testModules = ran.testModules.filter((module) =>
    specifications.some(({ moduleId }) => moduleId === module.moduleId),
  );
  const all = testModules.flatMap((module) => [...module.children.allTests()]);
  const broken = testModules.flatMap((module) => module.errors());
  if (all.every((test) => test.result().state === "skipped")) {
    throw new Error(`no test ran: ${JSON.stringify([...broken, ...unhandledErrors])}`);
  }
  const failed = all.find((test) => test.result().state === "failed");
  return (
    failed && `\`${relative(copy, failed.module.moduleId)}\`: ${failed.fullName.replaceAll(" > ", ", ")}`
  );
}

function write(path, text) {
  writeFileSync(path, text);
  vitest.invalidateFile(path);
}

async function without({ edits, tests }) {
  const originals = new Map();
  const isSchema = edits.some(({ file }) => file.startsWith("migrations/"));
  try {
    for (const { file, find, replace } of edits) {
      const path = join(copy, file);
      const text = readFileSync(path, "utf8");
      if (text.split(find).length !== 2) throw new Error(`${file} does not have once:\n${find}`);
      if (!originals.has(path)) originals.set(path, text);
      write(
        path,
        text.replace(find, () => replace),
      );
    }
    if (isSchema) await restartVitest();
    return await firstFailure(tests);
  } finally {
    for (const [path, text] of originals) write(path, text);
    if (isSchema) await restartVitest();
  }
}

async function restartVitest() {
  await vitest.close();
  await startVitest();
}

await startVitest();
const guards = GUARDS.filter((g) => new RegExp(values.only).test(g.guard));
let unnoticed = 0;
for (const guard of guards) {
  const caught = await without(guard);
  const isFirst = guard === guards[0];
  if (isFirst && (await firstFailure(guard.tests))) throw new Error("it fails with its guard in place too");
  if (!caught) unnoticed++;
  console.log(`| ${guard.guard} | ${caught ?? "**nothing**"} |`);
}
await vitest.close();
console.log(unnoticed === 0 ? "each absence is noticed" : `${unnoticed} absences are noticed by no test`);
process.exit(unnoticed === 0 ? 0 : 1);
