// Makes what browsers are given as files: the pages' style, out of the classes that the pages use, and their
// scripts. wrangler runs this before it bundles (wrangler.toml), and so do the tests.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const to = join(root, "build/public/assets");

/** Writes `build/public/assets`, which the ASSETS of wrangler.toml serve. */
export function buildAssets() {
  mkdirSync(to, { recursive: true });
  copy(require.resolve("htmx.org/dist/htmx.min.js"), join(to, "htmx.js"));
  copy(join(root, "src/dashboard/browser/dashboard.js"), join(to, "dashboard.js"));
  const cli = join(dirname(require.resolve("@tailwindcss/cli/package.json")), "dist/index.mjs");
  const style = [
    "--input",
    join(root, "src/dashboard/browser/dashboard.css"),
    "--output",
    join(to, "dashboard.css"),
  ];
  execFileSync(process.execPath, [cli, ...style, "--minify"], {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
  });
}

/** Leaves alone what is the same: a gateway that runs may be reading it, and loads anew whatever changes. */
function copy(from, path) {
  const content = readFileSync(from);
  if (!existsSync(path) || !readFileSync(path).equals(content)) writeFileSync(path, content);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildAssets();
