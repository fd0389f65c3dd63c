import { eastAfricaTimeOrNull } from "../../lib/clock.ts";
import { accountNumber, storedMerchantId } from "../../lib/ids.ts";
import type { StoredKey } from "../keys/store.ts";
import { isPlanName, PLANS } from "../subscriptions/plans.ts";
import { callsRemaining, isActive } from "../subscriptions/rules.ts";
import type { Account } from "./store.ts";

/** The text's answer; the figures are of all the merchant's keys, the subscription is the calling key's. */
export function presentAccount(key: StoredKey, account: Account, now: number) {
  const { merchant, wallet, isVerified, figures } = account;
  const { started, completed, failed } = figures;
  return {
    account: {
      account_number: accountNumber(storedMerchantId(merchant.id)),
      fullname: merchant.fullname,
      verified: isVerified,
      wallet_balance: wallet.balance,
      sms_balance: wallet.smsCredits,
    },
    active_key: {
      id: key.id,
      name: key.name,
      plan: key.plan,
      limit_remaining: callsRemaining(key, now),
      fraud_suspended: key.suspendedAt !== null,
    },
    subscription: presentSubscription(key, now),
    transaction_stats: { total: started, completed, pending: started - completed - failed, failed },
  };
}

/** `none` before the first plan. `api_calls` is what the plan bought last comes with. */
function presentSubscription(key: StoredKey, now: number) {
  const { plan, expiresAt } = key;
  const hadNone = expiresAt === null;
  return {
    plan,
    status: hadNone ? "none" : isActive(key, now) ? "active" : "expired",
    expires_at: eastAfricaTimeOrNull(expiresAt),
    api_calls: plan !== null && isPlanName(plan) ? PLANS[plan].calls : 0,
  };
}
