import ipaddr from "ipaddr.js";

const MAX_LENGTH = 2_048;

/** Names that are local by convention or by standard, and services whose names resolve to what they spell. */
const FORBIDDEN_SUFFIXES = [
  ...["local", "localhost", "localdomain", "internal", "intranet", "private", "corp", "home", "lan"],
  ...["test", "example", "invalid", "onion", "arpa", "alt"],
  ...["nip.io", "sslip.io", "xip.io", "localtest.me", "lvh.me", "vcap.me", "lacolhost.com", "traefik.me"],
];

const HOST_NAME = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/;
const LOCAL_HOSTS = new Set(["localhost", "127.0.0.1"]);

export type AddressRules = {
  /** Also `http://localhost:PORT` and `http://127.0.0.1:PORT`. */
  isLocal: boolean;
  /** Hosts, with their port if they have one, that are the gateway's own or its upstreams'. */
  ownHosts: string[];
};

/**
 * A callback URL that we may call: https, port 443, a public host name, no credentials. Every literal
 * address is refused, in whatever spelling: the URL parser brings 0x7f.1 and 2130706433 to one form.
 * Judged when it is saved and again when it is called.
 * @returns the URL as it was given, or undefined.
 */
export function safeCallbackUrl(text: string, rules: AddressRules): string | undefined {
  if (text.length > MAX_LENGTH || /[\s\p{Cc}\\]/u.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.username !== "" || url.password !== "" || rules.ownHosts.includes(url.host)) return undefined;
  if (rules.isLocal && url.protocol === "http:" && LOCAL_HOSTS.has(url.hostname)) return text;
  const isOpen = url.protocol === "https:" && url.port === "" && HOST_NAME.test(url.hostname);
  const isForbidden = FORBIDDEN_SUFFIXES.some((suffix) => `.${url.hostname}`.endsWith(`.${suffix}`));
  return isOpen && !isForbidden ? text : undefined;
}

/** Whether an address that a name resolved to is on the open internet. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  return ipaddr.process(address).range() === "unicast";
}
