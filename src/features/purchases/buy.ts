import { ApiError } from "../../errors.ts";
import { logFault } from "../../http/log.ts";
import { sha256Hex } from "../../lib/hash.ts";
import { newTransactionId, storedMerchantId } from "../../lib/ids.ts";
import type { Msisdn } from "../../lib/msisdn.ts";
import type { StoredKey } from "../keys/store.ts";
import type { LimitsPort } from "../limits/port.ts";
import { findPrior, storePurchase } from "../payments/purchase-store.ts";
import { assertReplay, FIRST_QUERY_MS } from "../payments/rules.ts";
import { type PushAnswer, replay, type SendDeps, send } from "../payments/send.ts";
import { phoneRefusal } from "../payments/start.ts";
import { findPayment, type PaymentRef, undoIntent } from "../payments/store.ts";
import { type Purchase, purchaseName } from "../subscriptions/purchase.ts";

export type BuyDeps = SendDeps & {
  limits: Pick<LimitsPort, "claimPhone" | "usePhone" | "releasePhone">;
  background: (work: Promise<unknown>) => void;
};

/** Whole shillings, and what the payer reads on the prompt. */
export type Offer = { purchase: Purchase; price: number; reference: string; forKeyId: number };

/**
 * Sells a plan or SMS credits: an STK Push to the operator's own shortcode, by the same pipeline as
 * every payment. What was bought is given in the batch that settles it, once.
 * @throws NOT_FOUND for a key that is not the merchant's, PHONE_RATE_LIMIT, what `send` throws
 */
export async function buy(
  deps: BuyDeps,
  key: StoredKey,
  phone: Msisdn,
  offer: Offer,
  idempotencyKey: string | null,
): Promise<PushAnswer> {
  const { scaled } = deps.config;
  const now = deps.now();
  const id = newTransactionId(now);
  const name = idempotencyKey === null ? null : purchaseName(offer.purchase.kind, idempotencyKey);
  const hash = await sha256Hex(JSON.stringify({ phone, ...offer }));
  const claimant = { name: name === null ? id : `${key.id}:${name}`, holder: id };

  const refused = phoneRefusal(await deps.limits.claimPhone(phone, claimant));
  if (refused) {
    const prior = await findPrior(deps.db, key.id, name);
    if (prior) return replay(deps, assertReplay(prior, { hash, now, scaled }));
    throw refused;
  }
  const release = () => deps.background(deps.limits.releasePhone(phone, claimant));
  try {
    const { stored, prior } = await storePurchase(deps.db, {
      id,
      keyId: key.id,
      merchantId: key.merchantId,
      phone,
      amount: offer.price,
      accountReference: offer.reference,
      description: offer.reference,
      purchase: JSON.stringify(offer.purchase),
      forKeyId: offer.forKeyId,
      idempotencyKey: name,
      requestHash: hash,
      now,
      dueAt: now + scaled(FIRST_QUERY_MS),
    }).catch((error) => {
      deps.background(takeBackIfStored(deps, { merchantId: storedMerchantId(key.merchantId), id }));
      throw error;
    });
    if (stored) {
      const using = deps.limits.usePhone(phone, claimant);
      deps.background(using);
      return await send(deps, stored, () => deps.background(using.finally(release)));
    }
    release();
    if (prior) return await replay(deps, assertReplay(prior, { hash, now, scaled }));
  } catch (error) {
    if (!(error instanceof ApiError)) release();
    throw error;
  }
  throw new ApiError("NOT_FOUND");
}

/** The purchase may or may not be stored, and nothing was sent. What cannot be taken back ends with the day. */
async function takeBackIfStored(deps: BuyDeps, ref: PaymentRef): Promise<void> {
  try {
    const stored = await findPayment(deps.db, ref);
    if (stored) await undoIntent(deps.db, stored);
  } catch (fault) {
    logFault(`undo of ${ref.id}`, fault);
  }
}
