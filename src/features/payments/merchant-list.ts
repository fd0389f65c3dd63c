import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import { isTransactionId, type MerchantId } from "../../lib/ids.ts";
import { parseMsisdn } from "../../lib/msisdn.ts";
import type { ListQuery } from "./contract.ts";
import { type PaymentsPage, totalOf } from "./list.ts";
import { findByCheckoutId, readMerchantList, readPaymentsById } from "./merchant-list-store.ts";
import type { StoredTransaction } from "./store.ts";

/** What a merchant narrows its own list by; `q` is whatever was typed into the one search box. */
export type ListFilter = Pick<ListQuery, "status" | "key_id" | "from" | "to" | "cursor"> & {
  q?: string | undefined;
};

export type ListedKey = { id: number; name: string; deletedAt: number | null };

export type MerchantPage = PaymentsPage & {
  /** Deleted ones too: their payments stay. */
  keys: ListedKey[];
  /** The search ended before the payments did: the next page looks through older ones. */
  isCutShort: boolean;
};

const RECEIPT = /^[A-Z0-9]{10}$/i;

type Search = Pick<ListQuery, "phone" | "receipt" | "reference">;

/** What a text may be, the likeliest first: a phone, a receipt, else the whole reference. */
export function searchesFor(q: string | undefined): [Search, ...Search[]] {
  const text = q?.trim() ?? "";
  if (text === "") return [{}];
  const phone = parseMsisdn(text);
  if (phone) return [{ phone }];
  return RECEIPT.test(text) ? [{ receipt: text.toUpperCase() }, { reference: text }] : [{ reference: text }];
}

/**
 * All of the merchant's payments, newest first, whichever key asked for them. A search looks through as
 * many as `SEARCHED_AT_MOST` says, and `nextCursor` leads on.
 * @throws NOT_FOUND for another merchant's key.
 */
export async function listMerchantPayments(
  deps: { db: Db },
  merchantId: MerchantId,
  { q, ...filter }: ListFilter,
  limit: number,
): Promise<MerchantPage> {
  const [likeliest, ...others] = searchesFor(q);
  let page = await readPage(deps, merchantId, { ...filter, ...likeliest, limit });
  for (const search of others) {
    if (page.payments.length > 0) break;
    page = await readPage(deps, merchantId, { ...filter, ...search, limit });
  }
  return page;
}

async function readPage(deps: { db: Db }, merchantId: MerchantId, query: ListQuery): Promise<MerchantPage> {
  const { keys, payments, payouts, searchedUntil } = await readMerchantList(deps.db, merchantId, query);
  if (query.key_id !== undefined && !keys.some(({ id }) => id === query.key_id)) {
    throw new ApiError("NOT_FOUND");
  }
  const hasMore = payments.length > query.limit;
  const listed = payments.slice(0, query.limit);
  const payoutOf = new Map(payouts.map((payout) => [payout.transactionId, payout]));
  const sumOf = (name: "startedCount" | "completedCount" | "failedCount") =>
    keys.reduce((sum, key) => sum + key[name], 0);
  return {
    keys,
    payments: listed.map((payment) => ({ payment, payout: payoutOf.get(payment.id) })),
    total: totalOf(query, {
      startedCount: sumOf("startedCount"),
      completedCount: sumOf("completedCount"),
      failedCount: sumOf("failedCount"),
    }),
    nextCursor: (hasMore ? listed.at(-1)?.id : searchedUntil) ?? null,
    isCutShort: !hasMore && searchedUntil !== undefined,
  };
}

/** The id of the payment that a text names by its own id or M-Pesa's checkout request id, if it does. */
export async function namedPayment(
  deps: { db: Db },
  merchantId: MerchantId,
  text: string,
): Promise<string | undefined> {
  const id = text.trim().replace(/^sp_/, "");
  if (isTransactionId(id)) return id;
  return id.startsWith("ws_CO_") ? findByCheckoutId(deps.db, merchantId, id) : undefined;
}

/** The merchant's payments that a page of something else belongs to, by their ids. */
export async function paymentsOf(
  deps: { db: Db },
  merchantId: MerchantId,
  ids: (string | null)[],
): Promise<Map<string, StoredTransaction>> {
  const named = [...new Set(ids.flatMap((id) => id ?? []))];
  const payments = named.length === 0 ? [] : await readPaymentsById(deps.db, merchantId, named);
  return new Map(payments.map((payment) => [payment.id, payment]));
}
