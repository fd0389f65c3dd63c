import { and, eq, isNull, not } from "drizzle-orm";
import { commit, type Db } from "../../db/client.ts";
import { apiKeys, merchants } from "../../db/schema.ts";
import { type AuditEntry, insertAudit, wasDone } from "../audit/store.ts";
import type { Purchase } from "./purchase.ts";
import { activate } from "./store.ts";

/** The merchant of a living key. */
export async function merchantOfKey(db: Db, keyId: number): Promise<number | undefined> {
  const isLiving = and(eq(apiKeys.id, keyId), isNull(apiKeys.deletedAt));
  return (await db.select({ merchantId: apiKeys.merchantId }).from(apiKeys).where(isLiving))[0]?.merchantId;
}

export async function isMerchant(db: Db, id: number): Promise<boolean> {
  return (await db.select({ id: merchants.id }).from(merchants).where(eq(merchants.id, id))).length > 0;
}

/** Gives what a purchase would have given, once for each `once` of the audit entry. @returns whether this call did. */
export async function storeGrant(
  db: Db,
  merchantId: number,
  grant: Purchase,
  audit: AuditEntry & { once: string },
): Promise<boolean> {
  const isThere =
    grant.kind === "plan"
      ? and(eq(apiKeys.id, grant.keyId), eq(apiKeys.merchantId, merchantId), isNull(apiKeys.deletedAt))
      : eq(merchants.id, merchantId);
  const on = {
    table: grant.kind === "plan" ? apiKeys : merchants,
    guard: and(isThere, not(wasDone(audit.once))),
  };
  const given = activate(db, grant, merchantId, audit.at, on);
  return resultOf(await commit(db, [given], insertAudit(db, audit, on)));
}

const resultOf = (rows: unknown) => Array.isArray(rows) && rows.length > 0;
