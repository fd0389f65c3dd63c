// What wrangler.toml still has of the example in it.
const PLACEHOLDERS = [/(^|[./@])example\.(com|org)/, /\.example\.workers\.dev/, /^000000$/];
const NO_DATABASE = "00000000-0000-0000-0000-000000000000";

/** The settings of an environment that were not changed, as `NAME: value`. */
export function leftovers(config) {
  const found = Object.entries(config.vars ?? {})
    .filter(([, value]) => PLACEHOLDERS.some((placeholder) => placeholder.test(String(value))))
    .map(([name, value]) => `${name}: ${value}`);
  for (const route of config.routes ?? []) {
    const pattern = typeof route === "string" ? route : route.pattern;
    if (PLACEHOLDERS.some((placeholder) => placeholder.test(pattern))) found.push(`routes: ${pattern}`);
  }
  for (const { binding, database_id: id } of config.d1_databases ?? []) {
    if (!id || id === NO_DATABASE) found.push(`database_id of ${binding}: ${id ?? "missing"}`);
  }
  return found;
}
