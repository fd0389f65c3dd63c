import type { Db } from "../../db/client.ts";
import type { Room } from "../../db/room.ts";
import { logEvent } from "../../http/log.ts";
import type { Clock } from "../../lib/clock.ts";
import { chainHash, GENESIS } from "./chain.ts";
import { insertSeal, readEntriesAfter, readLastSeal } from "./seal-store.ts";

/** One link covers at most so many rows, and one run adds at most so many links. */
const ROWS_A_LINK = 500;
const LINKS_A_RUN = 20;

/**
 * Seals the ledger's new rows into its hash chain. Rows are only ever added, in the order of their seq,
 * so a run that is repeated or overtaken adds nothing twice: the next link's id is its proof.
 */
export async function sealLedger(deps: { db: Db; now: Clock } & Room): Promise<void> {
  for (let link = 0; link < LINKS_A_RUN && deps.hasRoom(); link++) {
    const last = await readLastSeal(deps.db);
    const rows = await readEntriesAfter(deps.db, last?.toSeq ?? 0, ROWS_A_LINK);
    const [first] = rows;
    const end = rows.at(-1);
    if (!first || !end) return;
    const previousHash = last?.hash ?? GENESIS;
    const seal = {
      id: (last?.id ?? 0) + 1,
      fromSeq: first.seq,
      toSeq: end.seq,
      hash: await chainHash(previousHash, rows),
      previousHash,
      sealedAt: deps.now(),
    };
    await insertSeal(deps.db, seal);
    // Whoever can rewrite the database cannot rewrite the log. (All of it would look like a key there.)
    logEvent("ledger_sealed", { seal: seal.id, to: seal.toSeq, hash: seal.hash.slice(0, 40) });
  }
}
