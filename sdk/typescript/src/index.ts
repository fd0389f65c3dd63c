export { SmartPay } from "./client.ts";
export { ApiError, ConnectionError, RateLimitError, SmartPayError, WebhookError } from "./errors.ts";
export type { Settings } from "./transport.ts";
export type {
  Answer,
  CallOptions,
  Delivery,
  Destination,
  ErrorCode,
  FieldError,
  Http,
  Key,
  MoneyOptions,
  PaymentResult,
  Payout,
  Plan,
  PushOptions,
  SmsMessage,
  Statement,
  Transaction,
  Withdrawal,
} from "./types.ts";
export {
  type Delivered,
  type Payment,
  type PaymentEvent,
  readWebhook,
  type WebhookOptions,
} from "./webhook.ts";
