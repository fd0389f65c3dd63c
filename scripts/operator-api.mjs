// The operator's API, as the scripts ask it. Settings: GATEWAY_URL (the local one by default), OPERATOR_TOKEN
// (that of the state folder by default).
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { root } from "./local.mjs";

const { env } = process;

export const gateway = (env.GATEWAY_URL ?? `http://localhost:${env.PORT ?? 8787}`).replace(/\/+$/, "");

export function fail(message) {
  console.error(message);
  process.exit(1);
}

function localToken() {
  const path = join(resolve(env.STATE_DIR ?? join(root, ".state")), "secrets.json");
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).operatorToken : undefined;
}

/** Posts to a path under /operator/v1; ends the process with `otherwise` and the reason where it is refused. */
export async function post(path, body, otherwise) {
  const token = env.OPERATOR_TOKEN ?? localToken();
  if (!token) fail("Set OPERATOR_TOKEN: there is none in the state folder.");
  const response = await fetch(`${gateway}/operator/v1${path}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }).catch((error) => fail(`${gateway} does not answer: ${error.cause?.message ?? error.message}`));
  const answer = await response.json().catch(() => ({ message: `HTTP ${response.status}` }));
  if (!response.ok) fail(`${otherwise}: ${answer.message}`);
  return answer;
}
