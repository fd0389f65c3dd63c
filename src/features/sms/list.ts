import type { Db } from "../../db/client.ts";
import { isSmsId } from "../../lib/ids.ts";
import { readCredits, readMessages, type StoredSms } from "./store.ts";

const PAGE = 20;

/** A page of the merchant's messages, newest first, with its credits. `before` is the page before's `nextCursor`. */
export async function listSms(
  { db }: { db: Db },
  merchantId: number,
  before: string | undefined,
): Promise<{ credits: number; messages: StoredSms[]; nextCursor: string | null }> {
  const cursor = before !== undefined && isSmsId(before) ? before : undefined;
  const [credits, found] = await Promise.all([
    readCredits(db, merchantId),
    readMessages(db, merchantId, { limit: PAGE + 1, before: cursor }),
  ]);
  const messages = found.slice(0, PAGE);
  return { credits, messages, nextCursor: found.length > PAGE ? (messages.at(-1)?.id ?? null) : null };
}
