import { and, eq, isNull, notExists, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import type { Db, Statement } from "../../db/client.ts";
import { apiKeys, transactions, wallets } from "../../db/schema.ts";
import { storedMerchantId } from "../../lib/ids.ts";
import { type RawCallback, storeCallback } from "../callbacks/store.ts";
import { type Companion, commitChange, type DependsOn, dependent, post } from "../ledger/store.ts";
import { insertNotice, type NewNotice } from "../notices/store.ts";
import { insertPayout } from "../payouts/store.ts";
import { activate, tellOfDeletedKey } from "../subscriptions/store.ts";
import { insertDelivery, type NewDelivery, withdrawFailure } from "../webhooks/store.ts";
import type { Collection } from "./collect.ts";
import type { SettlementPlan } from "./rules.ts";
import { isPayment, type PaymentRef, type StoredTransaction } from "./store.ts";

/**
 * The payment with what decides its settlement: whoever has this receipt already, what the merchant owes,
 * and whom its key tells of it.
 */
export async function readForSettlement(db: Db, ref: PaymentRef, receipt: string | undefined) {
  const keyId = db.select({ keyId: transactions.keyId }).from(transactions).where(isPayment(ref));
  const [payments, owners, walletRows, keys] = await db.batch([
    db.select().from(transactions).where(isPayment(ref)),
    db
      .select({ id: transactions.id })
      .from(transactions)
      .where(eq(transactions.mpesaReceipt, receipt ?? "")),
    db.select({ owed: wallets.owed }).from(wallets).where(eq(wallets.merchantId, ref.merchantId)),
    db
      .select({ name: apiKeys.name, notifyEmail: apiKeys.notifyEmail, notifyPhone: apiKeys.notifyPhone })
      .from(apiKeys)
      .where(eq(apiKeys.id, sql`(${keyId})`)),
  ]);
  return {
    payment: payments[0],
    receiptOwner: owners[0]?.id,
    owed: walletRows[0]?.owed ?? 0,
    recipients: keys[0],
  };
}

export type Change = Exclude<SettlementPlan, { kind: "none" }>;

/**
 * Applies a plan to the payment as it was read. Every statement carries the same guard and the payment
 * moves last, so the batch counts as a whole or not at all, and running it again changes nothing.
 * @returns whether the payment was moved.
 */
export async function commitSettlement(
  db: Db,
  payment: StoredTransaction,
  change: Change,
  extra: {
    now: number;
    /** What a callback taught about the payment beside its result. */
    learnt: Partial<Pick<StoredTransaction, "checkoutRequestId" | "merchantRequestId" | "acknowledgement">>;
    raw: RawCallback | undefined;
    delivery: NewDelivery | undefined;
    money: Collection | undefined;
    notices: NewNotice[];
    companion: Companion | undefined;
  },
): Promise<boolean> {
  const receipt = change.kind === "fail" ? null : change.receipt;
  const guard = and(
    isPayment(payment),
    eq(transactions.status, payment.status),
    isNull(transactions.mpesaReceipt),
    sql`${transactions.checkoutRequestId} is ${payment.checkoutRequestId}`,
    sql`${transactions.acknowledgement} is ${payment.acknowledgement}`,
    receipt === null ? undefined : receiptIsUnused(db, receipt),
    extra.companion?.condition,
  );
  const merchantId = storedMerchantId(payment.merchantId);
  const { money, now } = extra;
  const transfers = { reference: payment.id, merchantId, postings: money?.postings ?? [], now };
  const wallet = money ? { owed: money.owed } : {};
  const { statements: transferred, on } = post(db, transfers, wallet, { table: transactions, guard });
  const isCounted = change.kind !== "fill_receipt" && payment.purchase === null;
  const isPaidAfterAll = change.kind === "complete" && payment.status === "failed";
  const judgement = { verdict: change.verdict, open: false };
  const statements = [
    ...transferred,
    ...(extra.raw ? [storeCallback(db, payment, extra.raw, judgement, dependent(db, on))] : []),
    ...(isCounted ? [countOutcome(db, payment, change, on)] : []),
    ...(money?.purchase ? [activate(db, money.purchase, merchantId, now, on)] : []),
    ...(money?.purchase?.kind === "plan" ? [tellOfDeletedKey(db, money.purchase, payment, now, on)] : []),
    ...(money?.payout ? [insertPayout(db, money.payout, on)] : []),
    ...(isPaidAfterAll ? [withdrawFailure(db, merchantId, payment.id, on)] : []),
    ...(extra.delivery ? [insertDelivery(db, extra.delivery, on)] : []),
    ...extra.notices.map((notice) => insertNotice(db, notice, on)),
    ...(extra.companion?.statements(on) ?? []),
  ];
  const move = db
    .update(transactions)
    .set({ ...extra.learnt, ...movedTo(change, now) })
    .where(on.guard)
    .returning({ id: transactions.id });
  return commitChange(db, statements, move, extra.companion);
}

function receiptIsUnused(db: Db, receipt: string): SQL {
  const other = alias(transactions, "other");
  return notExists(db.select({ one: sql`1` }).from(other).where(eq(other.mpesaReceipt, receipt)));
}

function movedTo(change: Change, now: number) {
  if (change.kind === "fill_receipt") return { mpesaReceipt: change.receipt };
  const ended = { resultDesc: change.desc, dueAt: null, completedAt: now };
  if (change.kind === "fail") return { ...ended, status: "failed" as const, resultCode: change.code };
  // An update that names an indexed column pays for the index, so the receipt is named only if there is one.
  const receipt = change.receipt === null ? {} : { mpesaReceipt: change.receipt };
  return { ...ended, ...receipt, status: "completed" as const, resultCode: "0", paidAt: change.paidAt };
}

/** Moves the key's figures from what the payment was to what it becomes. */
function countOutcome(db: Db, payment: StoredTransaction, { kind }: Change, on: DependsOn): Statement {
  const wasFailed = payment.status === "failed";
  const change =
    kind === "fail"
      ? { failedCount: sql`${apiKeys.failedCount} + 1` }
      : {
          completedCount: sql`${apiKeys.completedCount} + 1`,
          ...(wasFailed ? { failedCount: sql`${apiKeys.failedCount} - 1` } : {}),
        };
  return db
    .update(apiKeys)
    .set(change)
    .where(and(eq(apiKeys.id, payment.keyId), dependent(db, on)));
}
