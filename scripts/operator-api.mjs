// The operator's API, as the scripts ask it.
import { whichGateway } from "./which-gateway.mjs";

/** Which gateway it is, as every script's options say it. */
export const ENV = { env: { type: "string" } };

export function fail(message) {
  console.error(message);
  process.exit(1);
}

/** Says on which gateway the script acts, and asks it; ends the process where there is no token. */
export function operatorApi(environment) {
  const { gateway, operatorToken } = whichGateway({ environment });
  console.log(`On the gateway ${gateway}`);
  if (!operatorToken) fail(`Set OPERATOR_TOKEN to that of ${gateway}.`);
  const ask = (path, init) =>
    fetch(`${gateway}/operator/v1${path}`, {
      ...init,
      headers: { Authorization: `Bearer ${operatorToken}`, "Content-Type": "application/json" },
    }).catch((error) => fail(`${gateway} does not answer: ${error.cause?.message ?? error.message}`));

  return {
    gateway,
    ask,
    /** Posts to a path under /operator/v1; ends the process with `otherwise` and the reason where it is refused. */
    async post(path, body, otherwise) {
      const response = await ask(path, { method: "POST", body: JSON.stringify(body) });
      const answer = await response.json().catch(() => ({ message: `HTTP ${response.status}` }));
      if (!response.ok) fail(`${otherwise}: ${answer.message}`);
      return answer;
    },
  };
}
