import {
  and,
  asc,
  desc,
  eq,
  exists,
  inArray,
  isNotNull,
  isNull,
  lt,
  notExists,
  or,
  type SQL,
  sql,
} from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import { commit, type Db, type Statement } from "../../db/client.ts";
import {
  inboundCallbacks,
  merchants,
  payouts,
  rulings,
  statementLines,
  transactions,
  users,
} from "../../db/schema.ts";
import { type Act, insertAudit, wasDone } from "../audit/store.ts";
import type { StoredCallback } from "../callbacks/store.ts";
import { type Companion, dependent } from "../ledger/store.ts";
import type { StoredTransaction } from "../payments/store.ts";
import type { StoredPayout } from "../payouts/store.ts";
import type { UnclearBefore } from "./rules.ts";

export type StoredRuling = typeof rulings.$inferSelect;

export async function findRuling(db: Db, id: string): Promise<StoredRuling | undefined> {
  return (await db.select().from(rulings).where(eq(rulings.id, id)))[0];
}

/** Proposed ones alone, or the last of all. */
export const readRulings = (db: Db, only: "proposed" | undefined, atMost: number) =>
  db
    .select()
    .from(rulings)
    .where(only === undefined ? undefined : sql`${rulings.status} = 'proposed'`)
    .orderBy(desc(rulings.id))
    .limit(atMost);

/** A payment by its id alone: one look among each merchant's. */
export async function findPaymentById(db: Db, id: string): Promise<StoredTransaction | undefined> {
  const [found] = await db
    .select({ row: transactions })
    .from(merchants)
    .crossJoin(transactions)
    .where(and(eq(transactions.merchantId, merchants.id), eq(transactions.id, id)));
  return found?.row;
}

export async function findPayoutById(db: Db, id: string): Promise<StoredPayout | undefined> {
  const [found] = await db
    .select({ row: payouts })
    .from(merchants)
    .crossJoin(payouts)
    .where(and(eq(payouts.merchantId, merchants.id), eq(payouts.id, id)));
  return found?.row;
}

export async function findCallback(
  db: Db,
  reference: string,
  id: string,
): Promise<StoredCallback | undefined> {
  const isIt = and(eq(inboundCallbacks.reference, reference), eq(inboundCallbacks.id, id));
  return (await db.select().from(inboundCallbacks).where(isIt))[0];
}

/** Where else a receipt is known: as a payment's, as a payout's, and in M-Pesa's own statement of what came in. */
export async function findReceipt(db: Db, receipt: string) {
  const [ofPayments, ofPayouts, lines] = await db.batch([
    db.select({ id: transactions.id }).from(transactions).where(eq(transactions.mpesaReceipt, receipt)),
    db.select({ id: payouts.id }).from(payouts).where(eq(payouts.receipt, receipt)),
    db.select().from(statementLines).where(eq(statementLines.receipt, receipt)),
  ]);
  return { payment: ofPayments[0], payout: ofPayouts[0], line: lines[0] };
}

/** One receipt is of money that came in or of money that went out, never of both. */
function isOfItsKind(db: Db, kind: StoredRuling["kind"], receipt: string): SQL | undefined {
  const one = { one: sql`1` };
  const notPayouts = notExists(db.select(one).from(payouts).where(eq(payouts.receipt, receipt)));
  if (kind !== "payout") return notPayouts;
  return and(
    notExists(db.select(one).from(transactions).where(eq(transactions.mpesaReceipt, receipt))),
    notExists(db.select(one).from(statementLines).where(eq(statementLines.receipt, receipt))),
  );
}

const merchantOf = (db: Db, id: number) =>
  db.select({ name: merchants.fullname }).from(merchants).where(eq(merchants.id, id));

export async function nameOfMerchant(db: Db, id: number): Promise<string | undefined> {
  return (await merchantOf(db, id))[0]?.name;
}

/** What operators are called, by their ids. */
export async function namesOfUsers(db: Db, ids: string[]): Promise<Map<string, string>> {
  const found = await db.select({ id: users.id, name: users.name }).from(users).where(inArray(users.id, ids));
  return new Map(found.map(({ id, name }) => [id, name]));
}

/** Leaves out what a ruling is proposed on already: that waits among the proposals. */
const notProposed = (db: Db, subject: SQL | SQLiteColumn): SQL =>
  notExists(
    db
      .select({ one: sql`1` })
      .from(rulings)
      // Spelt out, since a partial index serves only a query that says so itself.
      .where(and(sql`${rulings.status} = 'proposed'`, eq(rulings.subject, subject))),
  );

const isUnclearCallback = (db: Db) =>
  notProposed(db, sql`'cb:' || ${inboundCallbacks.reference} || ':' || ${inboundCallbacks.id}`);

const isUnclearPayment = (db: Db, before: UnclearBefore) =>
  and(
    eq(transactions.status, "pending"),
    or(
      eq(transactions.acknowledgement, "unclear"),
      and(isNull(transactions.acknowledgement), lt(transactions.createdAt, before.unanswered)),
      lt(transactions.createdAt, before.pending),
    ),
    notProposed(db, transactions.id),
  );

const isUnclearPayout = (db: Db, before: UnclearBefore) =>
  and(
    inArray(payouts.status, ["sending", "sent"]),
    lt(payouts.sentAt, before.payout),
    notProposed(db, payouts.id),
  );

/** What waits for an operator: callbacks that did not fit, and payments and payouts without an answer. */
export async function readUnclear(db: Db, before: UnclearBefore, atMost: number) {
  const [callbacks, payments, unclearPayouts] = await db.batch([
    db
      .select()
      .from(inboundCallbacks)
      .where(and(sql`${inboundCallbacks.open} = 1`, isUnclearCallback(db)))
      .orderBy(asc(inboundCallbacks.receivedAt))
      .limit(atMost),
    db
      .select()
      .from(transactions)
      .where(and(isNotNull(transactions.dueAt), isUnclearPayment(db, before)))
      // What has no id to be asked by is due last.
      .orderBy(desc(transactions.dueAt))
      .limit(atMost),
    db
      .select()
      .from(payouts)
      .where(and(isNotNull(payouts.dueAt), isUnclearPayout(db, before)))
      .orderBy(asc(payouts.dueAt))
      .limit(atMost),
  ]);
  return { callbacks, payments, payouts: unclearPayouts };
}

/** How many of each `readUnclear` would list, of the first so many that are open. */
export function countUnclear(db: Db, before: UnclearBefore, lookedAt: number) {
  const count = sql<number>`count(*)`.as("count");
  // Named as the tables are, so that the conditions above hold for them too.
  const callbacks = db
    .select({ reference: inboundCallbacks.reference, id: inboundCallbacks.id })
    .from(inboundCallbacks)
    .where(sql`${inboundCallbacks.open} = 1`)
    .orderBy(asc(inboundCallbacks.receivedAt))
    .limit(lookedAt)
    .as("inbound_callbacks");
  const { id, status, acknowledgement, createdAt, dueAt } = transactions;
  const payments = db
    .select({ id, status, acknowledgement, createdAt })
    .from(transactions)
    .where(isNotNull(dueAt))
    .orderBy(desc(dueAt))
    .limit(lookedAt)
    .as("transactions");
  const open = db
    .select({ id: payouts.id, status: payouts.status, sentAt: payouts.sentAt })
    .from(payouts)
    .where(isNotNull(payouts.dueAt))
    .orderBy(asc(payouts.dueAt))
    .limit(lookedAt)
    .as("payouts");
  return [
    db.select({ count }).from(callbacks).where(isUnclearCallback(db)),
    db.select({ count }).from(payments).where(isUnclearPayment(db, before)),
    db.select({ count }).from(open).where(isUnclearPayout(db, before)),
  ] as const;
}

/** Stores a proposal, unless another on the same subject waits. @returns whether it is stored. */
export async function storeProposal(db: Db, ruling: StoredRuling, act: Act): Promise<boolean> {
  const entry = auditOf(ruling, "ruling.propose", act, ruling.proposedAt);
  const own = { table: rulings, guard: eq(rulings.id, ruling.id) };
  const insert = db.insert(rulings).values(ruling).onConflictDoNothing();
  const audit = insertAudit(db, { ...entry, once: `proposed:${ruling.id}` }, own);
  const stored = db.select({ id: rulings.id }).from(rulings).where(own.guard);
  return (await commit(db, [insert, audit], stored)).length > 0;
}

const auditOf = (ruling: StoredRuling, action: string, act: Act, at: number) => {
  const { id, decision, receipt, attachTo, attempt } = ruling;
  const detail = { ruling: id, decision, receipt, attach_to: attachTo, attempt };
  const reason = act.reason || ruling.reason;
  return { actor: act.actor, reason, at, action, subject: ruling.subject, detail };
};

const isProposed = ({ id }: StoredRuling) => and(eq(rulings.id, id), eq(rulings.status, "proposed"));

/**
 * What applies the ruling along with the change that it brings: the audit log's row, and the ruling itself,
 * which is applied where that row was written, and never again. `receipt`: the one that proves the change.
 */
export function rulingCompanion(
  db: Db,
  ruling: StoredRuling,
  receipt: string | undefined,
  act: Act,
  now: number,
): Companion {
  const once = `applied:${ruling.id}`;
  const may = and(
    isProposed(ruling),
    receipt === undefined ? undefined : isOfItsKind(db, ruling.kind, receipt),
  );
  const proposed = db.select({ one: sql`1` }).from(rulings).where(may);
  return {
    condition: exists(proposed),
    holds: async () => (await proposed).length > 0,
    statements: (on) => [
      insertAudit(db, { ...auditOf(ruling, "ruling.apply", act, now), once }, on),
      ...(ruling.callbackId === null ? [] : [closeCallback(db, ruling, "attached", dependent(db, on))]),
    ],
    last: decide(db, ruling, { status: "applied", outcome: null, by: act.actor, now }, wasDone(once)),
  };
}

type Decision = { status: "applied" | "withdrawn" | "void"; outcome: string | null; by: string; now: number };

const decide = (db: Db, ruling: StoredRuling, decision: Decision, condition?: ReturnType<typeof wasDone>) =>
  db
    .update(rulings)
    .set({
      status: decision.status,
      outcome: decision.outcome,
      decidedBy: decision.by,
      decidedAt: decision.now,
    })
    .where(and(isProposed(ruling), condition))
    .returning({ id: rulings.id });

const closeCallback = (
  db: Db,
  ruling: StoredRuling,
  verdict: string,
  condition: ReturnType<typeof wasDone>,
): Statement =>
  db
    .update(inboundCallbacks)
    .set({ open: false, verdict: sql`coalesce(${inboundCallbacks.verdict} || ${", "}, ${""}) || ${verdict}` })
    .where(
      and(
        eq(inboundCallbacks.reference, ruling.reference),
        eq(inboundCallbacks.id, ruling.callbackId ?? ""),
        eq(inboundCallbacks.open, true),
        condition,
      ),
    );

/** Puts a callback aside by its ruling, once, and only while it is open. @returns whether this call did. */
export async function dismissCallback(db: Db, ruling: StoredRuling, act: Act, now: number): Promise<boolean> {
  const once = `applied:${ruling.id}`;
  const isIt = and(
    eq(inboundCallbacks.reference, ruling.reference),
    eq(inboundCallbacks.id, ruling.callbackId ?? ""),
    eq(inboundCallbacks.open, true),
  );
  const isOpen = exists(db.select({ one: sql`1` }).from(inboundCallbacks).where(isIt));
  const audit = insertAudit(
    db,
    { ...auditOf(ruling, "ruling.apply", act, now), once },
    { table: rulings, guard: and(isProposed(ruling), isOpen) },
  );
  const close = closeCallback(db, ruling, "dismissed", wasDone(once));
  const apply = decide(db, ruling, { status: "applied", outcome: null, by: act.actor, now }, wasDone(once));
  return (await commit(db, [audit, close], apply)).length > 0;
}

/** Ends a proposal without applying it. @returns whether this call did. */
export async function endProposal(
  db: Db,
  ruling: StoredRuling,
  end: { status: "withdrawn" | "void"; outcome: string | null },
  act: Act,
  now: number,
): Promise<boolean> {
  const action = end.status === "void" ? "ruling.void" : "ruling.withdraw";
  const entry = auditOf(ruling, action, act, now);
  const audit = insertAudit(
    db,
    { ...entry, detail: { ...entry.detail, outcome: end.outcome } },
    { table: rulings, guard: isProposed(ruling) },
  );
  return (await commit(db, [audit], decide(db, ruling, { ...end, by: act.actor, now }))).length > 0;
}
