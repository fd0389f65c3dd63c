import type { ApiKey } from "../../lib/api-key.ts";
import { eastAfricaTime, eastAfricaTimeOrNull } from "../../lib/clock.ts";
import { callsRemaining, isActive } from "../subscriptions/rules.ts";
import { storedDestination } from "./destination.ts";
import type { StoredKey } from "./store.ts";

const beginning = (key: StoredKey, now: number) => ({
  id: key.id,
  name: key.name,
  is_default: key.isDefault,
  active: isActive(key, now),
  limit: callsRemaining(key, now),
});

/** The form in which a merchant sees a key, in the text's order. */
export const presentKey = (key: StoredKey, now: number) => ({
  ...beginning(key, now),
  fraud_suspended: key.suspendedAt !== null,
  ...presentDestination(key),
  ...presentNotifications(key),
  created_at: eastAfricaTime(key.createdAt),
  last_used_at: eastAfricaTimeOrNull(key.lastUsedAt),
});

/** The only form that shows the key itself: the answer to create and to regenerate. */
export const presentNewKey = (key: StoredKey, apiKey: ApiKey, now: number) => ({
  ...beginning(key, now),
  api_key: apiKey,
  ...presentDestination(key),
  created_at: eastAfricaTime(key.createdAt),
});

export const presentDestination = (key: StoredKey) => ({
  destination: storedDestination(key.destination),
  callbackurl: key.callbackUrl,
});

export const presentNotifications = (key: StoredKey) => ({
  notify_email: key.notifyEmail,
  notify_phone: key.notifyPhone,
});

/** `previous_valid_until`: how long the secret before the last rotation signs too; null if it does not. */
export const presentWebhookSecret = (key: StoredKey, now: number) => {
  const until = key.previousWebhookSecretUntil;
  const isPreviousValid = until !== null && until > now;
  return {
    webhook_secret: key.webhookSecret,
    previous_valid_until: isPreviousValid ? eastAfricaTime(until) : null,
  };
};
