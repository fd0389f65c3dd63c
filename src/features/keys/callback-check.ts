import type { Config } from "../../env.ts";
import type { DnsPort } from "../../upstreams/dns/client.ts";
import { isPublicAddress, safeCallbackUrl } from "./callback-address.ts";

export type CallbackCheckDeps = {
  config: Pick<Config, "environment" | "ownHosts">;
  dns: DnsPort;
};

/** Whether the gateway may call this URL, by its spelling and by what its name resolves to now. */
export async function isCallable(deps: CallbackCheckDeps, url: string): Promise<boolean> {
  const { environment, ownHosts } = deps.config;
  if (!safeCallbackUrl(url, { isLocal: environment === "local", ownHosts })) return false;
  const addresses = await deps.dns.addresses(new URL(url).hostname);
  return addresses.every(isPublicAddress);
}
