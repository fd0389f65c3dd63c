import { ApiError } from "../../errors.ts";
import type { Msisdn } from "../../lib/msisdn.ts";
import type { StoredKey } from "../keys/store.ts";
import type { PushAnswer } from "../payments/send.ts";
import { type BuyDeps, buy } from "./buy.ts";

/** M-Pesa's own limit of one payment by a customer, in shillings. */
const PAYMENT_MAXIMUM = 250_000;

/** Sells the key's merchant SMS credits. @throws INVALID_FIELD for too many at once, and what `buy` throws */
export async function buySmsCredits(
  deps: BuyDeps & { config: { smsCreditPrice: number } },
  key: StoredKey,
  { credits, phone }: { credits: number; phone: Msisdn },
  idempotencyKey: string | null,
): Promise<PushAnswer> {
  const price = credits * deps.config.smsCreditPrice;
  if (price > PAYMENT_MAXIMUM) {
    throw new ApiError("INVALID_FIELD", {
      message: "M-Pesa takes at most KES 250,000 at a time.",
      fields: [{ field: "credits", message: "cost more than KES 250,000 together" }],
    });
  }
  const purchase = { kind: "sms_credits", credits } as const;
  return buy(
    deps,
    key,
    phone,
    { purchase, price, reference: "SMS credits", forKeyId: key.id },
    idempotencyKey,
  );
}
