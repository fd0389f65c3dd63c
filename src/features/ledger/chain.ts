import { sha256Hex } from "../../lib/hash.ts";
import type { StoredEntry } from "./seal-store.ts";

/** What the first link follows. */
export const GENESIS = "0".repeat(64);

/** The hash of a link: over the link before and every value of its rows. */
export async function chainHash(previousHash: string, rows: StoredEntry[]): Promise<string> {
  const lines = rows.map(({ seq, reference, kind, merchantId, debit, credit, amount, createdAt }) =>
    JSON.stringify([seq, reference, kind, merchantId, debit, credit, amount, createdAt]),
  );
  return sha256Hex([previousHash, ...lines].join("\n"));
}
