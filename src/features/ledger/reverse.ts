import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { storedMerchantId } from "../../lib/ids.ts";
import type { Act } from "../audit/store.ts";
import { readForReversal, storeReversal } from "./reversal-store.ts";
import { clawbackPostings } from "./rules.ts";

const MAX_ROUNDS = 5;

/** What reversing the payment of a receipt would do now. @throws NOT_FOUND, INVALID_FIELD */
async function readReversible(db: Db, receipt: string) {
  const { payment, collection, wallet } = await readForReversal(db, receipt);
  if (!payment || !collection || !wallet) {
    throw new ApiError("NOT_FOUND", { message: "No payment that we collected has this receipt." });
  }
  if (payment.reversedAt !== null) {
    throw new ApiError("INVALID_FIELD", {
      message: "This payment's reversal is recorded already.",
      fields: [{ field: "receipt", message: "is of a payment that was reversed already" }],
    });
  }
  const { amount } = collection;
  const taken = Math.min(wallet.balance, amount);
  const reversal = { transaction_id: payment.id, amount, taken, owed: amount - taken };
  return { payment, wallet, reversal };
}

/** What recording a reversal would do now; changes nothing. @throws NOT_FOUND, INVALID_FIELD */
export const previewReversal = ({ db }: { db: Db }, receipt: string) => readReversible(db, receipt);

export type Reversal = { transaction_id: string; amount: number; taken: number; owed: number };

/**
 * Records that Safaricom reversed a payment: the wallet pays it back, and what it cannot cover is owed.
 * A payment is reversed once; one whose money never was on our books is not ours to reverse.
 * @throws NOT_FOUND, INVALID_FIELD
 */
export async function recordReversal(
  deps: { db: Db; now: Clock },
  receipt: string,
  act: Act,
): Promise<Reversal> {
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const { payment, wallet, reversal } = await readReversible(deps.db, receipt);
    const merchantId = storedMerchantId(payment.merchantId);
    const reference = payment.id;
    const postings = clawbackPostings(merchantId, "reversal", reversal.amount, wallet.balance);
    const now = deps.now();
    const audit = {
      ...act,
      at: now,
      action: "reversal.record",
      subject: reference,
      detail: { receipt, ...reversal },
    };
    const transfers = { reference, merchantId, postings, now };
    if (!(await storeReversal(deps.db, transfers, wallet.balance, audit))) continue;
    return reversal;
  }
  throw new Error(`the wallet kept changing while the reversal of ${receipt} was recorded`);
}
