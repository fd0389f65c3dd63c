import { expect, it } from "vitest";

/** Every source by its path under src/, as text. */
const sources = new Map(
  Object.entries(
    import.meta.glob<string>("../src/**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true }),
  ).map(([path, text]) => [path.replace("../src/", ""), text]),
);

/** The sources that `path` imports at run time; types are gone by then. */
function importsOf(path: string): string[] {
  const statements = (sources.get(path) ?? "").matchAll(/^(?:import|export)\s([^;]*?)from\s+"(\.[^"]+)"/gm);
  return [...statements]
    .filter(([, names = ""]) => !/^type\s/.test(names) && !/^\{(?:\s*type\s[^,}]+,?)+\s*\}\s*$/.test(names))
    .map(([, , target = ""]) => new URL(target, `file:///${path}`).pathname.slice(1));
}

const matching = (pattern: RegExp) => [...sources.keys()].filter((path) => pattern.test(path));

/** Imports that a rule forbids, as `importer -> imported`. */
const breaches = (importers: RegExp, isForbidden: (imported: string) => boolean) =>
  matching(importers).flatMap((path) =>
    importsOf(path)
      .filter(isForbidden)
      .map((imported) => `${path} -> ${imported}`),
  );

it("reads the sources", () => {
  expect(importsOf("index.ts")).toContain("app.ts");
  expect(sources.size).toBeGreaterThan(50);
});

it("has no import cycles", () => {
  const done = new Set<string>();
  const visit = (path: string, trail: string[]): string[][] => {
    if (trail.includes(path)) return [[...trail.slice(trail.indexOf(path)), path]];
    if (done.has(path)) return [];
    const cycles = importsOf(path).flatMap((imported) => visit(imported, [...trail, path]));
    done.add(path);
    return cycles;
  };
  expect([...sources.keys()].flatMap((path) => visit(path, []))).toEqual([]);
});

it("lets stores alone import the schema", () => {
  expect(breaches(/^(?!db\/|.*\bstore\.ts$)/, (imported) => imported === "db/schema.ts")).toEqual([]);
});

it("keeps I/O out of rules.ts and lib, and of all that they import", () => {
  const reached = new Set(matching(/^lib\/|\/rules\.ts$/));
  for (const path of reached) for (const imported of importsOf(path)) reached.add(imported);
  const doesIo = /\bfetch\(|\bDate\.now\(|cloudflare:workers|"drizzle-orm|"hono/;
  expect([...reached].filter((path) => doesIo.test(sources.get(path) ?? ""))).toEqual([]);
});

it("keeps doors from importing one another", () => {
  const isDoor = (path: string) =>
    /^(features\/.*\/(routes|callback|consumer|job)\.ts|dashboard\/)/.test(path);
  expect(breaches(/^features\/.*\/(routes|callback|consumer|job)\.ts$/, isDoor)).toEqual([]);
});
