import type { World } from "../world.ts";

/** Well-known paybills, by the names that a prompt shows. */
const PAYBILLS: Record<string, string> = {
  "247247": "Equity Paybill Account",
  "222111": "Family Bank",
  "303030": "Absa Bank Kenya",
  "329329": "Standard Chartered Bank",
  "400200": "Co-operative Bank Collection",
  "516600": "Diamond Trust Bank",
  "522522": "KCB Paybill AC",
  "542542": "I&M Bank",
  "600100": "Stanbic Bank",
  "888880": "KPLC PREPAID",
};

export function payeeName(world: World, payee: string, kind: "paybill" | "till"): string {
  if (payee === world.config.shortcode) return world.config.organisationName;
  if (kind === "till") return `TILL ${payee}`;
  return PAYBILLS[payee] ?? `PAYBILL ${payee}`;
}
