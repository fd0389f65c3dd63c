// Bundles, and runs Workers in workerd without wrangler's development proxy in front of them.
import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { QUIET, root, wrangler } from "../../scripts/local.mjs";

const ofWrangler = createRequire(wrangler);
const { convertV4MiniflareOptions, Miniflare } = ofWrangler("miniflare");
const { unstable_getMiniflareWorkerOptions: optionsOf } = createRequire(import.meta.url)("wrangler");

export async function runWrangler(args, cwd = root) {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [wrangler, ...args], {
    cwd,
    env: { ...process.env, ...QUIET },
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout + stderr;
}

/** Bundles an entry as a deployment would. @returns the folder. */
export async function bundle(outDir, entry, config = "wrangler.toml") {
  rmSync(outDir, { recursive: true, force: true });
  mkdirSync(outDir, { recursive: true });
  await runWrangler(["deploy", entry, "--config", config, "--dry-run", "--outdir", outDir]);
  renameSync(join(outDir, `${basename(entry, ".ts")}.js`), join(outDir, "index.js"));
  return outDir;
}

/** A Worker's options for Miniflare: a bundle, the bindings of its wrangler.toml, and a port of its own. */
export function worker({ name, config, bundled, port, settings = {}, database, isConsumer = false }) {
  const { workerOptions } = optionsOf(join(root, config));
  const files = readdirSync(bundled).filter((file) => !/\.map$|^README\.md$/.test(file));
  return {
    ...workerOptions,
    name,
    modulesRoot: bundled,
    modules: files
      .sort((a) => (a === "index.js" ? -1 : 1))
      .map((file) => ({ type: file === "index.js" ? "ESModule" : "Text", path: join(bundled, file) })),
    bindings: settings,
    ...(database ? { d1Databases: { DB: database } } : {}),
    queueConsumers: isConsumer ? workerOptions.queueConsumers : {},
    unsafeDirectSockets: [{ host: "127.0.0.1", port }],
  };
}

/** The least that a Worker can do. */
export const emptyWorker = (port) => ({
  name: "empty",
  modules: true,
  script: "export default { fetch: () => new Response('ok') }",
  compatibilityDate: "2026-10-20",
  unsafeDirectSockets: [{ host: "127.0.0.1", port }],
});

/** One workerd with these Workers; what they store is below `stateDir`. */
export async function run(stateDir, workers) {
  const miniflare = new Miniflare({
    ...convertV4MiniflareOptions({
      workers,
      cf: false,
      // The gateway's log lines are many; its faults are to be seen.
      handleStructuredLogs: ({ level, message }) => level === "error" && console.error(message),
    }),
    resourcePersistencePath: stateDir,
  });
  await miniflare.ready;
  return miniflare;
}

/** Applies the migrations that the database has not seen. */
export async function migrate(database) {
  await database.exec("CREATE TABLE IF NOT EXISTS d1_migrations (name TEXT PRIMARY KEY)");
  const { results } = await database.prepare("SELECT name FROM d1_migrations").all();
  const done = new Set(results.map(({ name }) => name));
  const folder = join(root, "migrations");
  const files = readdirSync(folder).filter((file) => file.endsWith(".sql"));
  for (const name of files.sort().filter((file) => !done.has(file))) {
    const sql = readFileSync(join(folder, name), "utf8");
    const statements = sql.split("--> statement-breakpoint").map((one) => database.prepare(one));
    await database.batch([
      ...statements,
      database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name),
    ]);
  }
}

/** The gateway's database as `wrangler dev` keeps it in this folder, without the gateway. */
export async function databaseAlone(folder) {
  const { d1Databases, compatibilityDate } = optionsOf(join(root, "wrangler.toml")).workerOptions;
  const script = "export default { fetch: () => new Response() }";
  const miniflare = new Miniflare({
    ...convertV4MiniflareOptions({ modules: true, script, compatibilityDate, d1Databases }),
    resourcePersistencePath: folder,
  });
  return { database: await miniflare.getD1Database("DB"), close: () => miniflare.dispose() };
}
