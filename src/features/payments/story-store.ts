import { and, asc, eq, inArray, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import {
  apiKeys,
  inboundCallbacks,
  ledgerEntries,
  payouts,
  statementLines,
  transactions,
  webhookDeliveries,
} from "../../db/schema.ts";
import { payoutIdOf } from "../../lib/ids.ts";
import { deliveryIdsOf } from "../webhooks/rules.ts";
import { isPayment, type PaymentRef } from "./store.ts";

const CALLBACKS_SHOWN = 50;

/** One payment with all that is stored of it, in one trip; everything is of this merchant. */
export async function readStoryRows(db: Db, ref: PaymentRef) {
  const { merchantId, id } = ref;
  const payoutId = payoutIdOf(id);
  const keyId = db.select({ keyId: transactions.keyId }).from(transactions).where(isPayment(ref));
  const [payments, keys, callbacks, lines, entries, paidOut, deliveries] = await db.batch([
    db.select().from(transactions).where(isPayment(ref)),
    db
      .select({ id: apiKeys.id, name: apiKeys.name, deletedAt: apiKeys.deletedAt })
      .from(apiKeys)
      .where(and(eq(apiKeys.id, sql`(${keyId})`), eq(apiKeys.merchantId, merchantId))),
    db
      .select()
      .from(inboundCallbacks)
      .where(and(eq(inboundCallbacks.reference, id), eq(inboundCallbacks.merchantId, merchantId)))
      .orderBy(asc(inboundCallbacks.receivedAt))
      .limit(CALLBACKS_SHOWN),
    db
      .select()
      .from(statementLines)
      .where(and(eq(statementLines.transactionId, id), eq(statementLines.merchantId, merchantId))),
    db
      .select()
      .from(ledgerEntries)
      .where(and(inArray(ledgerEntries.reference, [id, payoutId]), eq(ledgerEntries.merchantId, merchantId)))
      .orderBy(asc(ledgerEntries.seq)),
    db
      .select()
      .from(payouts)
      .where(and(eq(payouts.merchantId, merchantId), eq(payouts.id, payoutId))),
    db
      .select()
      .from(webhookDeliveries)
      .where(
        and(
          eq(webhookDeliveries.merchantId, merchantId),
          inArray(webhookDeliveries.id, deliveryIdsOf(id)),
          eq(webhookDeliveries.transactionId, id),
        ),
      )
      .orderBy(asc(webhookDeliveries.createdAt)),
  ]);
  return { payment: payments[0], key: keys[0], callbacks, lines, entries, payout: paidOut[0], deliveries };
}

export type StoryRows = Awaited<ReturnType<typeof readStoryRows>>;
