import { and, asc, eq, type SQL, sql } from "drizzle-orm";
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

/** Bodies to be tried again, oldest first. */
export const readNotProcessed = (db: Db, atMost: number) =>
  db
    .select()
    .from(inboundCallbacks)
    .where(and(eq(inboundCallbacks.open, true), eq(inboundCallbacks.verdict, NOT_PROCESSED)))
    .orderBy(asc(inboundCallbacks.receivedAt))
    .limit(atMost);
