import {
  and,
  asc,
  desc,
  eq,
  gt,
  gte,
  isNotNull,
  isNull,
  lt,
  lte,
  ne,
  notExists,
  or,
  type SQL,
  sql,
} from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import { commit, type Db, isBrokenConstraint, rowOf, type Statement, untilKnown } from "../../db/client.ts";
import { ledgerEntries, merchants, payouts, verifiedPhones, wallets } from "../../db/schema.ts";
import type { MerchantId, PayoutId } from "../../lib/ids.ts";
import { type CallbackRef, type RawCallback, storeCallback } from "../callbacks/store.ts";
import type { Claim } from "../idempotency/claim.ts";
import { insertAnswer, type StoredAnswer, selectAnswer } from "../idempotency/store.ts";
import type { Posting } from "../ledger/rules.ts";
import {
  type Companion,
  commitChange,
  type DependsOn,
  dependent,
  post,
  type WalletAsRead,
} from "../ledger/store.ts";
import { insertNotice, type NewNotice } from "../notices/store.ts";
import type { PayoutMove } from "./rules.ts";

export type StoredPayout = typeof payouts.$inferSelect;
export type PayoutRef = { merchantId: MerchantId; id: PayoutId };

const isPayout = ({ merchantId, id }: CallbackRef) =>
  and(eq(payouts.merchantId, merchantId), eq(payouts.id, id));

/** The attempt as it was read: neither settled nor followed by another. */
const isSameAttempt = (payout: StoredPayout) =>
  and(isPayout(payout), eq(payouts.status, payout.status), eq(payouts.attempt, payout.attempt));

/**
 * The payout as it was read: nothing that a move depends on has changed, and no earlier attempt has
 * turned out to be paid meanwhile.
 */
const asRead = (payout: StoredPayout) =>
  and(
    isSameAttempt(payout),
    payout.receipt === null ? isNull(payouts.receipt) : eq(payouts.receipt, payout.receipt),
  );

export type NewPayout = Pick<
  StoredPayout,
  "merchantId" | "id" | "transactionId" | "channel" | "destination" | "target" | "amount" | "createdAt"
> &
  Partial<Pick<StoredPayout, "fee" | "reason" | "dueAt" | "finishedAt">> & { status: "queued" | "failed" };

/** Stores a payout with what it pays out; `failed` with a reason for what stays in the wallet from the start. */
export const insertPayout = (db: Db, payout: NewPayout | StoredPayout, on: DependsOn) =>
  db
    .insert(payouts)
    .select(
      db
        .select(rowOf(payouts, { fee: 0, attempt: 0, absentCount: 0, statusQueryCount: 0, ...payout }))
        .from(on.table)
        .where(on.guard),
    )
    .onConflictDoNothing({ target: [payouts.merchantId, payouts.id] })
    .returning({ id: payouts.id });

export async function findPayout(db: Db, ref: PayoutRef): Promise<StoredPayout | undefined> {
  return (await db.select().from(payouts).where(isPayout(ref)))[0];
}

/** The payout with what decides its move, and whichever payout has this receipt already. */
export async function readForMove(db: Db, ref: CallbackRef, receipt: string | undefined) {
  const [rows, walletRows, merchantRows, owners] = await db.batch([
    db.select().from(payouts).where(isPayout(ref)),
    db.select().from(wallets).where(eq(wallets.merchantId, ref.merchantId)),
    db.select({ email: merchants.email }).from(merchants).where(eq(merchants.id, ref.merchantId)),
    db
      .select({ id: payouts.id })
      .from(payouts)
      .where(eq(payouts.receipt, receipt ?? "")),
  ]);
  return {
    payout: rows[0],
    wallet: walletRows[0],
    email: merchantRows[0]?.email,
    receiptOwner: owners[0]?.id,
  };
}

export const readDuePayouts = (db: Db, now: number, atMost: number) =>
  db
    .select({ merchantId: payouts.merchantId, id: payouts.id })
    .from(payouts)
    .where(lte(payouts.dueAt, now))
    .orderBy(asc(payouts.dueAt))
    .limit(atMost);

/** A merchant's payouts, newest first. */
export const readPayouts = (
  db: Db,
  merchantId: number,
  page: { limit: number; before: string | undefined },
) =>
  db
    .select()
    .from(payouts)
    .where(
      and(
        eq(payouts.merchantId, merchantId),
        page.before === undefined ? undefined : lt(payouts.id, page.before),
      ),
    )
    .orderBy(desc(payouts.id))
    .limit(page.limit);

/**
 * Takes a queued payout to be sent now, before M-Pesa is asked: from here on it is unclear until M-Pesa
 * says otherwise. Not while another payout to the same payee is unclear. A claim under a new id knows
 * itself by it, so one whose answer was lost is still ours; under a used id it then counts as unclear.
 */
export async function claimForSending(
  db: Db,
  payout: StoredPayout,
  claim: { attempt: number; originatorId: string; isNewId: boolean; now: number; dueAt: number },
): Promise<StoredPayout | undefined> {
  const other = alias(payouts, "other");
  const unclear = db
    .select({ one: sql`1` })
    .from(other)
    .where(and(eq(other.target, payout.target), eq(other.status, "sending")));
  const isFree = and(asRead(payout), eq(payouts.dueAt, payout.dueAt ?? 0), notExists(unclear));
  const isOurs = and(
    isPayout(payout),
    eq(payouts.status, "sending"),
    eq(payouts.originatorId, claim.originatorId),
  );
  const take = () =>
    db
      .update(payouts)
      .set({
        status: "sending",
        attempt: claim.attempt,
        originatorId: claim.originatorId,
        conversationId: null,
        darajaOriginatorId: null,
        reason: null,
        absentCount: 0,
        absentSince: null,
        statusQueryCount: 0,
        sentAt: claim.now,
        dueAt: claim.dueAt,
      })
      .where(claim.isNewId ? or(isFree, isOurs) : isFree)
      .returning();
  const claimed = await (claim.isNewId ? untilKnown(take) : take());
  return claimed[0];
}

/** When the payout to this payee was sent that is unclear; undefined where none is. */
export async function readUnclearSince(db: Db, target: string): Promise<number | undefined> {
  const unclear = and(eq(payouts.target, target), eq(payouts.status, "sending"));
  const [row] = await db.select({ sentAt: payouts.sentAt }).from(payouts).where(unclear).limit(1);
  return row && (row.sentAt ?? 0);
}

/** M-Pesa has the attempt, by its acknowledgement or because it knows the id; its result may have been quicker. */
export async function recordAcknowledged(
  db: Db,
  payout: StoredPayout,
  ids: { conversationId: string | null; darajaOriginatorId: string | null; dueAt: number },
): Promise<void> {
  await untilKnown(() =>
    db
      .update(payouts)
      .set({ status: "sent", ...ids })
      .where(isSameAttempt(payout)),
  );
}

/** Sets when to look again, from what was read. @returns whether this call did. */
export async function postpone(
  db: Db,
  payout: StoredPayout,
  change: { dueAt: number | null; statusQueryCount?: number; reason?: string; heldUpAt?: number },
): Promise<boolean> {
  const postponed = await db
    .update(payouts)
    .set(change)
    .where(
      and(asRead(payout), payout.dueAt === null ? isNull(payouts.dueAt) : eq(payouts.dueAt, payout.dueAt)),
    )
    .returning({ id: payouts.id });
  return postponed.length > 0;
}

/**
 * Lets a queued payout wait behind those that wait for the same payee already, or until `notBefore`.
 * @returns when to look again; undefined where it is no longer as it was read.
 */
export async function lineUp(
  db: Db,
  payout: StoredPayout,
  place: { notBefore: number; apartMs: number; now: number; reason: string },
): Promise<number | undefined> {
  const other = alias(payouts, "other");
  const last = db
    .select({ dueAt: sql`max(${other.dueAt})` })
    .from(other)
    .where(
      and(
        gt(other.dueAt, place.now),
        eq(other.target, payout.target),
        eq(other.status, "queued"),
        isNotNull(other.heldUpAt),
      ),
    );
  const linedUp = await db
    .update(payouts)
    .set({
      dueAt: sql`max(${place.notBefore}, coalesce((${last}) + ${place.apartMs}, 0))`,
      reason: place.reason,
      heldUpAt: place.now,
    })
    .where(and(asRead(payout), eq(payouts.dueAt, payout.dueAt ?? 0)))
    .returning({ dueAt: payouts.dueAt });
  return linedUp[0]?.dueAt ?? undefined;
}

/**
 * Applies a move to the payout as it was read, money and all, in one batch in which the payout moves
 * last. @returns whether it was moved.
 */
export async function commitMove(
  db: Db,
  payout: StoredPayout,
  move: Exclude<PayoutMove, { kind: "none" }>,
  extra: {
    now: number;
    wallet: WalletAsRead;
    raw: RawCallback | undefined;
    notice: NewNotice | undefined;
    companion: Companion | undefined;
  },
): Promise<boolean> {
  const merchantId = payout.merchantId as MerchantId; // from our own row
  const postings = "postings" in move ? move.postings : [];
  const transfers = { reference: payout.id, merchantId, postings, now: extra.now };
  const guard = and(
    asRead(payout),
    "receipt" in move ? receiptIsUnused(db, payout, move.receipt) : undefined,
    extra.companion?.condition,
  );
  const { statements, on } = post(db, transfers, extra.wallet, { table: payouts, guard });
  const isPaidTwice = move.kind === "pay" && move.secondReceipt !== undefined;
  const judgement = {
    verdict: isPaidTwice ? "second_receipt" : move.kind,
    open: isPaidTwice || move.kind === "note_paid",
  };
  const behind: Statement[] = [
    ...statements,
    ...(extra.raw ? [storeCallback(db, payout, extra.raw, judgement, dependent(db, on))] : []),
    ...(extra.notice ? [insertNotice(db, extra.notice, on)] : []),
    ...(extra.companion?.statements(on) ?? []),
  ];
  const moved = db
    .update(payouts)
    .set(movedTo(payout, move, extra.now))
    .where(on.guard)
    .returning({ id: payouts.id });
  return commitChange(db, behind, moved, extra.companion);
}

/** M-Pesa gives every transaction a receipt of its own: one that another payout has proves nothing. */
function receiptIsUnused(db: Db, payout: StoredPayout, receipt: string): SQL {
  const other = alias(payouts, "other");
  const hasIt = and(eq(other.receipt, receipt), ne(other.id, payout.id));
  return notExists(db.select({ one: sql`1` }).from(other).where(hasIt));
}

function movedTo(payout: StoredPayout, move: Exclude<PayoutMove, { kind: "none" }>, now: number) {
  switch (move.kind) {
    case "pay":
    case "pay_after_failure":
      return { status: "paid" as const, receipt: move.receipt, reason: null, dueAt: null, finishedAt: now };
    case "fail":
      return { status: "failed" as const, reason: move.reason, dueAt: null, finishedAt: now };
    case "requeue":
      return {
        status: "queued" as const,
        reason: move.reason,
        dueAt: move.dueAt,
        originatorId: move.sameId ? payout.originatorId : null,
      };
    case "note_paid":
      return { receipt: move.receipt };
    case "note_absent":
      return {
        absentCount: payout.absentCount + 1,
        absentSince: payout.absentSince ?? now,
        dueAt: move.dueAt,
      };
  }
}

/** What a withdrawal needs to know before it is stored. */
export async function readForWithdrawal(
  db: Db,
  merchantId: MerchantId,
  phone: string,
  claim: Claim | undefined,
) {
  const [verified, prior] = await db.batch([
    db
      .select({ phone: verifiedPhones.phone })
      .from(verifiedPhones)
      .where(and(eq(verifiedPhones.phone, phone), eq(verifiedPhones.merchantId, merchantId))),
    selectAnswer(db, claim),
  ]);
  return { isVerified: verified.length > 0, prior: prior[0] };
}

/**
 * Holds the money and stores the withdrawal and its answer, in one batch and only together, if the
 * wallet has it. An idempotency key that was used meanwhile fails the whole batch.
 */
export async function storeWithdrawal(
  db: Db,
  payout: StoredPayout,
  postings: Posting[],
  answer: { claim: Claim; body: object } | undefined,
): Promise<{ isStored: boolean; prior: StoredAnswer | undefined }> {
  const merchantId = payout.merchantId as MerchantId; // the caller's own
  const total = payout.amount + payout.fee;
  const notStored = notExists(db.select({ one: sql`1` }).from(payouts).where(isPayout(payout)));
  const hasMoney = and(eq(wallets.merchantId, merchantId), gte(wallets.balance, total), notStored);
  const transfers = { reference: payout.id, merchantId, postings, now: payout.createdAt };
  const { statements } = post(db, transfers, {}, { table: wallets, guard: hasMoney });
  // Behind the wallet's change only the hold itself tells that there was enough.
  const isHold = and(eq(ledgerEntries.reference, payout.id), eq(ledgerEntries.kind, "hold"), notStored);
  const held = { table: ledgerEntries, guard: isHold };
  const kept = answer && { status: 201, body: JSON.stringify(answer.body), now: payout.createdAt };
  const keep = kept ? [insertAnswer(db, answer.claim, kept, held)] : [];
  try {
    await commit(db, [...statements, ...keep], insertPayout(db, payout, held));
  } catch (error) {
    if (!isBrokenConstraint(error)) throw error;
  }
  const [stored, prior] = await db.batch([
    db.select({ id: payouts.id }).from(payouts).where(isPayout(payout)),
    selectAnswer(db, answer?.claim),
  ]);
  return { isStored: stored.length > 0, prior: prior[0] };
}
