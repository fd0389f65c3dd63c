import { callbackToken } from "../../lib/callback-token.ts";
import { isTransactionId, parseMerchantId } from "../../lib/ids.ts";
import type { PaymentRef } from "./store.ts";

/** What the token of a payment's callback URL is for. */
export const callbackOccasion = ({ merchantId, id }: PaymentRef) => ["stk", merchantId, id] as const;

/** The payment that such a URL's path names; undefined where it can be none of ours. */
export function namedPayment({ merchant, id }: { merchant: string; id: string }): PaymentRef | undefined {
  const merchantId = parseMerchantId(merchant);
  return merchantId !== undefined && isTransactionId(id) ? { merchantId, id } : undefined;
}

/** The URL that M-Pesa calls with this payment's result; nobody else can guess it. */
export async function callbackUrl(baseUrl: string, secret: string, payment: PaymentRef): Promise<string> {
  const token = await callbackToken(secret, ...callbackOccasion(payment));
  return `${baseUrl}/cb/stk/${payment.merchantId}/${payment.id}/${token}`;
}
