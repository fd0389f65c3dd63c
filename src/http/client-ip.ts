import ipaddr from "ipaddr.js";

/**
 * What the IP limit counts by: an IPv4 address, or an IPv6 network of /64, which is what one customer
 * has. Only Cloudflare's own header is believed.
 */
export function clientNetwork(headers: Headers): string {
  const address = headers.get("CF-Connecting-IP") ?? "unknown";
  if (!ipaddr.IPv6.isValid(address)) return address;
  const parsed = ipaddr.IPv6.parse(address);
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().toString();
  return `${parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(":")}::/64`;
}
