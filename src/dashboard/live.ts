import { sha256Hex } from "../lib/hash.ts";

/**
 * The attributes by which htmx asks for an element again, for as long as it has them. What went wrong
 * changes nothing on the page: the next time may be right.
 */
export const asksAgain = (path: string, every: string, swap: "outerMorph" | "innerMorph" = "outerMorph") => ({
  "hx-get": path,
  "hx-trigger": `every ${every}`,
  "hx-swap": swap,
  "hx-status:4xx": "swap:none",
  "hx-status:5xx": "swap:none",
});

/** What an element shows, as a short text: while it stays the same there is nothing to send. */
export const markOf = async (shown: unknown) => (await sha256Hex(JSON.stringify(shown))).slice(0, 16);

/** A path with these parameters; those that are undefined or empty are left out. */
export function pathWith(path: string, parameters: Record<string, string | number | undefined>): string {
  const pairs = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, String(value)]],
  );
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs)}`;
}
