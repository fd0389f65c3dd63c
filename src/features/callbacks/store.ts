import { asc, type SQL, sql } from "drizzle-orm";
import { type Db, untilKnown } from "../../db/client.ts";
import { inboundCallbacks } from "../../db/schema.ts";

/** A body that came to a callback URL with the right token, as it came. */
export type RawCallback = {
  id: string;
  /** Which URL it came to: `stk`, or a payout's kind and attempt, such as `result:2`. */
  source: string;
  body: string;
  receivedAt: number;
};

export type StoredCallback = typeof inboundCallbacks.$inferSelect;

/** The verdict on a body whose processing met a fault of ours: it is tried again. */
export const NOT_PROCESSED = "not_processed";

/** What became of it; `open` while an operator should look at it. */
export type Judgement = { verdict: string; open: boolean };

/** The payment or payout that the URL named. */
export type CallbackRef = { merchantId: number; id: string };

/**
 * Stores a body with what becomes of it. In a batch whose changes depend on a condition the judgement
 * does too: should the batch change nothing, and the process then die, the body is tried again.
 */
export function storeCallback(
  db: Db,
  ref: CallbackRef,
  raw: RawCallback,
  { verdict, open }: Judgement,
  condition?: SQL,
) {
  const judged =
    condition === undefined
      ? { verdict, open }
      : {
          verdict: sql<string>`case when ${condition} then ${verdict} else ${NOT_PROCESSED} end`,
          open: sql<boolean>`case when ${condition} then ${open ? 1 : 0} else 1 end`,
        };
  return db
    .insert(inboundCallbacks)
    .values({ reference: ref.id, merchantId: ref.merchantId, ...raw, ...judged })
    .onConflictDoUpdate({
      target: [inboundCallbacks.reference, inboundCallbacks.id],
      set: judged,
    });
}

/** Keeps a body by itself. */
export async function keepCallback(db: Db, ref: CallbackRef, raw: RawCallback, judgement: Judgement) {
  await untilKnown(async () => storeCallback(db, ref, raw, judgement));
}

/**
 * Takes bodies to be tried again: those that never were first. Each is put off by its own age as it is taken,
 * so that what can never be processed stands in the way of nothing else.
 */
export async function takeNotProcessed(
  db: Db,
  { now, atMost, pauseMs }: { now: number; atMost: number; pauseMs: { least: number; most: number } },
): Promise<StoredCallback[]> {
  const { reference, id, open, verdict, receivedAt, dueAt } = inboundCallbacks;
  const due = db
    .select({ reference, id })
    .from(inboundCallbacks)
    // The index's own words: SQLite does not take it for a bound value.
    .where(sql`${open} = 1 and ${verdict} = 'not_processed' and coalesce(${dueAt}, 0) <= ${now}`)
    .orderBy(asc(dueAt), asc(receivedAt))
    .limit(atMost);
  const age = sql`${now} - ${receivedAt}`;
  return db
    .update(inboundCallbacks)
    .set({ dueAt: sql`${now} + min(max(${age}, ${pauseMs.least}), ${pauseMs.most})` })
    .where(sql`(${reference}, ${id}) in ${due}`)
    .returning();
}
