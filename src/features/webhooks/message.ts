/** Asks for an attempt of a delivery that is due at `dueAt`; void once it was moved from there. */
export type WebhookMessage = { merchantId: number; id: string; dueAt: number };
