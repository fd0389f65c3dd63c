import { and, desc, eq, lt, not, sql } from "drizzle-orm";
import { type Db, rowOf, type Statement } from "../../db/client.ts";
import { auditLog, users } from "../../db/schema.ts";
import type { DependsOn } from "../ledger/store.ts";

export type StoredAct = typeof auditLog.$inferSelect;

/** Who does something as an operator, and why. */
export type Act = {
  /** An operator's user id, or `token`. */
  actor: string;
  reason: string;
};

export type AuditEntry = Act & {
  at: number;
  action: string;
  subject: string;
  detail?: Record<string, unknown>;
  /** Names what may be done once only. */
  once?: string;
};

/** Records what was done, in the batch that does it, and only where that finds its row too. */
export const insertAudit = (db: Db, entry: AuditEntry, on: DependsOn): Statement =>
  db
    .insert(auditLog)
    .select(
      db
        .select(rowOf(auditLog, { ...entry, detail: JSON.stringify(entry.detail ?? {}) }))
        .from(on.table)
        .where(and(on.guard, entry.once === undefined ? undefined : not(wasDone(entry.once))))
        .limit(1),
    )
    .returning({ id: auditLog.id });

/** Whether what may be done once was done. */
export const wasDone = (once: string) =>
  sql`exists (select 1 from ${auditLog} where ${auditLog.once} = ${once})`;

/** The row of what may be done once; as a batch's last statement it tells whether the act was written. */
export const selectOnce = (db: Db, once: string) =>
  db.select({ id: auditLog.id }).from(auditLog).where(eq(auditLog.once, once));

/** Names one call, which so knows what it wrote where the database's answer was lost. */
export const onceThisCall = () => `call:${crypto.randomUUID()}`;

export async function findOnce(db: Db, once: string): Promise<StoredAct | undefined> {
  return (await db.select().from(auditLog).where(eq(auditLog.once, once)))[0];
}

/** What was done, the last first, with the name of the operator who did it. */
export const readActs = (
  db: Db,
  page: {
    limit: number;
    before: number | undefined;
    subject: string | undefined;
    action: string | undefined;
  },
) =>
  db
    .select({
      id: auditLog.id,
      at: auditLog.at,
      actor: auditLog.actor,
      name: users.name,
      action: auditLog.action,
      subject: auditLog.subject,
      reason: auditLog.reason,
      detail: auditLog.detail,
    })
    .from(auditLog)
    .leftJoin(users, eq(users.id, auditLog.actor))
    .where(
      and(
        page.before === undefined ? undefined : lt(auditLog.id, page.before),
        page.action === undefined ? undefined : eq(auditLog.action, page.action),
        page.subject === undefined ? undefined : eq(auditLog.subject, page.subject),
      ),
    )
    .orderBy(desc(auditLog.id))
    .limit(page.limit);
