/**
 * Every `error_code` of the API, with its HTTP status and default sentence.
 * The first part is the text's table, the second what the contract adds. Statuses, tests and
 * documentation derive from this table.
 */
export const ERRORS = {
  MISSING_AUTH: {
    status: 401,
    message: "Send your API key in the header 'Authorization: Bearer YOUR_API_KEY'.",
  },
  INVALID_API_KEY: {
    status: 401,
    message: "This API key is not known, not active, or not 64 hex characters.",
  },
  KEY_SUSPENDED: {
    status: 403,
    message: "This API key is suspended because of fraud activity. Contact support.",
  },
  KEY_INACTIVE: {
    status: 403,
    message: "This API key has no active subscription. Buy or renew a plan first.",
  },
  LIMIT_REACHED: { status: 403, message: "The calls of this key's plan are used up. Buy a plan to go on." },
  MISSING_FIELDS: { status: 400, message: "Required fields are missing." },
  INVALID_PHONE: {
    status: 400,
    message: "The phone number is not valid. Use 2547XXXXXXXX, 2541XXXXXXXX, 07XXXXXXXX or 01XXXXXXXX.",
  },
  INVALID_AMOUNT: {
    status: 400,
    message: "The amount must be a whole number of shillings from 1 to 300,000.",
  },
  DUPLICATE_NAME: { status: 409, message: "You already have an account with this name." },
  CANNOT_DELETE_DEFAULT: { status: 400, message: "Set another key as default before deleting this one." },
  IP_RATE_LIMIT: { status: 429, message: "Too many requests from this address. Slow down and try again." },
  RATE_LIMIT_MINUTE: { status: 429, message: "This key's limit of requests a minute is reached." },
  RATE_LIMIT_DAY: { status: 429, message: "This key's limit of requests a day is reached." },
  PHONE_RATE_LIMIT: {
    status: 429,
    message: "This number was already sent the allowed prompts. Wait 5 minutes before trying it again.",
  },
  FRAUD_BLOCK_FAILURE_RATE: { status: 403, message: "Blocked: too many of this key's payments fail." },
  FRAUD_BLOCK_PHONE_DIVERSITY: {
    status: 403,
    message: "Blocked: this key pushes to too many random phones.",
  },
  FRAUD_BLOCK_BURST: { status: 429, message: "Blocked: a burst of payments, most of which fail." },
  FRAUD_BLOCK_CANCEL_RATE: {
    status: 403,
    message: "Blocked: too many customers cancel this key's payments.",
  },
  PAYMENT_FAILURE: { status: 500, message: "M-Pesa refused the payment request. No prompt was sent." },
  NOT_FOUND: { status: 404, message: "This resource or endpoint does not exist." },

  INVALID_JSON: {
    status: 400,
    message: "The body must be a JSON object, sent with 'Content-Type: application/json'.",
  },
  INVALID_FIELD: { status: 400, message: "A field is not valid." },
  PAYLOAD_TOO_LARGE: { status: 413, message: "The body is larger than 64 KB." },
  INVALID_DESTINATION: { status: 400, message: "The payment destination is not valid." },
  INVALID_CALLBACK_URL: {
    status: 400,
    message: "The callback URL must be https, on port 443 of a public host name, without credentials.",
  },
  TOO_MANY_KEYS: { status: 409, message: "You already have 100 keys. Delete one first." },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    message: "This Idempotency-Key was used with another body. Use a new one for a new request.",
  },
  IDEMPOTENCY_IN_PROGRESS: {
    status: 409,
    message: "The first request with this Idempotency-Key is still running. Try again in a second.",
  },
  INSUFFICIENT_SMS_CREDITS: { status: 402, message: "You do not have enough SMS credits." },
  INSUFFICIENT_BALANCE: { status: 402, message: "Your wallet does not hold this amount." },
  FORBIDDEN_SCOPE: { status: 403, message: "This key's scope does not allow this call." },
  /** Only the pages for people have the next two. */
  TOO_MANY_TRIES: { status: 429, message: "Too many tries. Wait a little, then try again." },
  CROSS_SITE_REQUEST: {
    status: 403,
    message: "This form was not sent from our own page. Open the page again and send it from there.",
  },
  /** Only the operator's API has the next three. */
  ERASURE_REFUSED: { status: 409, message: "This merchant's data cannot be erased now." },
  LEDGER_BROKEN: { status: 409, message: "The ledger does not hold." },
  RULING_CONFLICT: { status: 409, message: "This ruling cannot be made, or is decided already." },
  INTERNAL_ERROR: {
    status: 500,
    message: "Something went wrong on our side. Quote the request id to support.",
  },
  SERVICE_UNAVAILABLE: {
    status: 503,
    message: "The service cannot take this request now. Try again shortly.",
  },
} as const satisfies Record<string, { status: number; message: string }>;

export type ErrorCode = keyof typeof ERRORS;

export type FieldError = { field: string; message: string };

/** Thrown by verbs and doors alike; `http/on-error.ts` turns it into the text's failure envelope. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly fields: FieldError[];
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ErrorCode,
    options: { message?: string; fields?: FieldError[]; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(options.message ?? ERRORS[code].message, { cause: options.cause });
    this.code = code;
    this.fields = options.fields ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get status() {
    return ERRORS[this.code].status;
  }
}
