import type { Db } from "../../db/client.ts";
import { eastAfricaTime } from "../../lib/clock.ts";
import { CSV_MARK, csvLine } from "../../lib/csv.ts";
import type { MerchantId } from "../../lib/ids.ts";
import { localPhone } from "../../lib/msisdn.ts";
import { describeDestination, storedDestination } from "../keys/destination.ts";
import { type ListFilter, listMerchantPayments, type MerchantPage } from "./merchant-list.ts";
import { publicCheckoutId } from "./rules.ts";

export const EXPORTED_AT_MOST = 10_000;

const PAGE = 1_000;
/** A search may find little in each page that it looks through. */
const PAGES_AT_MOST = 20;

const COLUMNS = [
  "Asked at (East Africa Time)",
  "Finished at (East Africa Time)",
  "Status",
  "Amount (KES)",
  "Phone",
  "M-Pesa receipt",
  "Reference",
  "Description",
  "Result code",
  "Result",
  "Key",
  "Paid to",
  "Payout",
  "Payment id",
  "Checkout request id",
];

/**
 * The payments that fit the filter, newest first and at most `EXPORTED_AT_MOST`, as the pieces of a CSV
 * file. @throws NOT_FOUND with the first piece, for another merchant's key.
 */
export async function* exportPayments(
  deps: { db: Db },
  merchantId: MerchantId,
  filter: ListFilter,
): AsyncGenerator<string, undefined> {
  let piece = CSV_MARK + csvLine(COLUMNS);
  let cursor = filter.cursor;
  for (let read = 0, pages = 0; read < EXPORTED_AT_MOST && pages < PAGES_AT_MOST; pages++) {
    const limit = Math.min(PAGE, EXPORTED_AT_MOST - read);
    const page = await listMerchantPayments(deps, merchantId, { ...filter, cursor }, limit);
    yield piece + linesOf(page);
    piece = "";
    read += page.payments.length;
    if (page.nextCursor === null) return;
    cursor = page.nextCursor as typeof cursor; // a transaction id of ours
  }
}

function linesOf({ payments, keys }: MerchantPage): string {
  const names = new Map(keys.map(({ id, name }) => [id, name]));
  return payments
    .map(({ payment, payout }) =>
      csvLine([
        eastAfricaTime(payment.createdAt),
        payment.completedAt === null ? "" : eastAfricaTime(payment.completedAt),
        payment.status,
        payment.amount,
        localPhone(payment.phone), // its spaces keep it a text, and its 0
        payment.mpesaReceipt ?? "",
        payment.accountReference,
        payment.description,
        payment.resultCode ?? "",
        payment.resultDesc ?? "",
        names.get(payment.keyId) ?? "",
        describeDestination(storedDestination(payment.destination)),
        payout ? `${payout.status} ${payout.amount}` : "",
        payment.id,
        publicCheckoutId(payment),
      ]),
    )
    .join("");
}
