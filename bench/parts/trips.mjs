// Storage trips one after another, found by delaying every binding and recording its calls.
import { gateway, pushBody, start } from "../lib/gateway.mjs";

const DELAY_MS = 10;

export async function trips({ stateDir, recording, simulator }) {
  const one = await gateway({
    name: "trips",
    bundled: recording,
    simulatorPort: simulator.port,
    limits: { key_minute: 20 },
  });
  const runtime = await start(stateDir, [one]);
  const { api } = one;

  /** The trips that the answer waited for. */
  async function depthOf(path, options, expected) {
    await api.ok(`/bench/begin?delay_ms=${DELAY_MS}`);
    const { status, body } = await api.call(path, options);
    if (status !== expected) throw new Error(`${path} answered ${status}: ${JSON.stringify(body)}`);
    return (await api.ok("/bench/recorded")).depth;
  }
  const push = (key, expected = 200) => depthOf("/v1/stk/push", { key, body: pushBody() }, expected);

  const { key } = await api.newMerchant();
  const push_cold = await push(key);
  const push_warm = await push(key);
  const { transactions } = await api.ok("/v1/transactions", { key });
  const found = {
    push_warm,
    push_cold,
    read: await depthOf(`/v1/transactions/${transactions[0].id}`, { key }, 200),
    list: await depthOf("/v1/transactions", { key }, 200),
    refused_key: await depthOf("/v1/transactions", { key: "0".repeat(64) }, 401),
    malformed_key: await depthOf("/v1/transactions", { key: "malformed" }, 401),
  };
  const other = await api.newMerchant();
  // A minute may end under way, and begins anew.
  while ((await api.call("/v1/account", { key: other.key })).status !== 429);
  found.repeated_429 = await push(other.key, 429);
  await runtime.dispose();
  return found;
}
