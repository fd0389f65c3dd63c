import { and, eq, lt, type SQL, sql } from "drizzle-orm";
import { type Db, rowOf, type Statement } from "../../db/client.ts";
import { idempotentAnswers } from "../../db/schema.ts";
import type { DependsOn } from "../ledger/store.ts";
import type { Claim } from "./claim.ts";

export type StoredAnswer = typeof idempotentAnswers.$inferSelect;

/**
 * Keeps the answer, for a batch together with what it tells of, where `on` finds a row. It fails the
 * whole batch if the key was used before: so of any number of copies one is carried out.
 * `body` may be SQL, for an answer that tells what the batch itself has changed.
 */
export const insertAnswer = (
  db: Db,
  claim: Claim,
  answer: { status: number; body: string | SQL; now: number },
  on: DependsOn,
): Statement =>
  db.insert(idempotentAnswers).select(
    db
      .select(
        rowOf(idempotentAnswers, {
          scope: claim.scope,
          idempotencyKey: claim.key,
          requestHash: claim.requestHash,
          status: answer.status,
          answer: answer.body,
          createdAt: answer.now,
        }),
      )
      .from(on.table)
      .where(on.guard),
  );

/** Who used the key before; finds nothing without a claim. */
export const selectAnswer = (db: Db, claim: Claim | undefined) =>
  db
    .select()
    .from(idempotentAnswers)
    .where(
      and(
        eq(idempotentAnswers.scope, claim?.scope ?? ""),
        eq(idempotentAnswers.idempotencyKey, claim?.key ?? ""),
      ),
    );

/** Deletes some answers from before then. @returns how many. */
export async function purgeAnswers(db: Db, before: number, atMost: number): Promise<number> {
  const { scope, idempotencyKey, createdAt } = idempotentAnswers;
  const old = db
    .select({ scope, idempotencyKey })
    .from(idempotentAnswers)
    .where(lt(createdAt, before))
    .limit(atMost);
  const { meta } = await db.delete(idempotentAnswers).where(sql`(${scope}, ${idempotencyKey}) in ${old}`);
  return meta.changes;
}
