// On which gateway a script acts, and by whose leave.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { unstable_readConfig as readConfig } from "wrangler";
import { root } from "./local.mjs";

const { env } = process;

/** Of the gateway that `npm start` runs. */
function localToken() {
  const path = join(resolve(env.STATE_DIR ?? join(root, ".state")), "secrets.json");
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).operatorToken : undefined;
}

/**
 * The environment of wrangler.toml at its PUBLIC_BASE_URL, or at `url`; without an environment GATEWAY_URL, or
 * else the gateway that `npm start` runs. Its operator's token is OPERATOR_TOKEN; the local one is known.
 */
export function whichGateway({ environment, url }) {
  const config = environment && readConfig({ config: join(root, "wrangler.toml"), env: environment });
  const local = env.GATEWAY_URL ?? `http://localhost:${env.PORT ?? 8787}`;
  return {
    config,
    gateway: (url ?? config?.vars.PUBLIC_BASE_URL ?? local).replace(/\/+$/, ""),
    operatorToken: env.OPERATOR_TOKEN ?? (config ? undefined : localToken()),
  };
}
