import type { ErrorCode } from "../errors.ts";

/** `english` and `swahili` are sentences that a merchant can show to the customer who pays. */
export type Help = { cause: string; remedy: string; english: string; swahili: string };

const OURS = {
  english: "Something went wrong on our side. You have not been charged. Please try again later.",
  swahili: "Kuna hitilafu upande wetu. Hujakatwa pesa. Tafadhali jaribu tena baadaye.",
};
const LATER = {
  english: "We are busy right now. Please try again in a minute.",
  swahili: "Tuna shughuli nyingi kwa sasa. Tafadhali jaribu tena baada ya dakika moja.",
};
const PAUSED = {
  english: "Payments by M-Pesa are paused for now. Please pay in another way.",
  swahili: "Malipo ya M-Pesa yamesitishwa kwa sasa. Tafadhali lipa kwa njia nyingine.",
};

export const ERROR_HELP: Record<ErrorCode, Help> = {
  MISSING_AUTH: {
    cause:
      "The request has neither an Authorization nor an X-API-Key header. Some proxies drop Authorization.",
    remedy: "Send 'Authorization: Bearer' and your key with every request.",
    ...OURS,
  },
  INVALID_API_KEY: {
    cause:
      "The key is unknown, was regenerated or deleted, is not 64 hex characters, or two headers disagree.",
    remedy: "Copy the key again, without spaces. If it is lost, regenerate it with another full key.",
    ...OURS,
  },
  KEY_SUSPENDED: {
    cause: "The fraud rules blocked this key five times within 24 hours.",
    remedy: "Stop sending, find out why so many payments fail, and write to support to have it lifted.",
    ...PAUSED,
  },
  KEY_INACTIVE: {
    cause: "The key has no subscription, or it has expired. A new key has none.",
    remedy: "Buy a plan by POST /v1/keys/{id}/subscription, then try again.",
    ...PAUSED,
  },
  LIMIT_REACHED: {
    cause: "The calls of the key's plan are used up.",
    remedy: "Buy a plan: its calls are added to the key at once.",
    ...PAUSED,
  },
  MISSING_FIELDS: {
    cause: "A required field, or the Idempotency-Key of a withdrawal, is absent or null.",
    remedy:
      "Look into 'errors': each entry names a field. Correct the request; repeating it changes nothing.",
    ...OURS,
  },
  INVALID_PHONE: {
    cause:
      "The number is not a Kenyan mobile number. For a withdrawal: it is not one of your verified phones.",
    remedy: "Ask for a number such as 0712345678 or 0110345678.",
    english: "Please check the phone number. Use one such as 0712345678.",
    swahili: "Tafadhali hakikisha nambari ya simu. Tumia kama 0712345678.",
  },
  INVALID_AMOUNT: {
    cause: "The amount is out of range, has cents, or is not a number.",
    remedy: "Send whole shillings. M-Pesa itself declines what is over 250,000.",
    english: "Please enter a whole amount in shillings.",
    swahili: "Tafadhali weka kiasi kamili cha shilingi.",
  },
  DUPLICATE_NAME: {
    cause: "Another of your accounts has this name, in whatever case.",
    remedy: "Choose another name, or delete the other account first.",
    ...OURS,
  },
  CANNOT_DELETE_DEFAULT: {
    cause: "You tried to delete your default account.",
    remedy: "POST /v1/keys/{id}/set-default on another account first.",
    ...OURS,
  },
  IP_RATE_LIMIT: {
    cause: "Your server's address sent too many requests within a minute.",
    remedy: "Wait as long as Retry-After says, then send more slowly. Use webhooks instead of polling.",
    ...LATER,
  },
  RATE_LIMIT_MINUTE: {
    cause: "The key sent too many requests within a minute.",
    remedy: "Wait as long as Retry-After says. X-RateLimit-Remaining tells you in time.",
    ...LATER,
  },
  RATE_LIMIT_DAY: {
    cause: "The key sent too many requests today, East Africa Time.",
    remedy: "Wait until midnight, or use another of your keys. X-RateLimit-Day-Remaining tells you in time.",
    ...PAUSED,
  },
  PHONE_RATE_LIMIT: {
    cause: "This phone was already sent as many prompts as are allowed within 5 minutes, by you or others.",
    remedy: "Wait as long as Retry-After says before you try the same number again.",
    english: "You have been asked several times already. Please try again in 5 minutes.",
    swahili: "Umeshaombwa mara kadhaa. Tafadhali jaribu tena baada ya dakika 5.",
  },
  FRAUD_BLOCK_FAILURE_RATE: {
    cause: "In the last hour most of this key's payments failed.",
    remedy: "Check that customers expect the prompt, and that amounts are right. The block lifts by itself.",
    ...PAUSED,
  },
  FRAUD_BLOCK_PHONE_DIVERSITY: {
    cause: "In a few minutes this key asked many different phones, and hardly any paid.",
    remedy: "Send prompts only to people who asked to pay. The block lifts by itself.",
    ...PAUSED,
  },
  FRAUD_BLOCK_BURST: {
    cause: "Very many prompts in one minute, while half or more of the payments fail.",
    remedy: "Send fewer at a time, and wait as long as Retry-After says.",
    ...LATER,
  },
  FRAUD_BLOCK_CANCEL_RATE: {
    cause: "In the last hour most customers cancelled.",
    remedy: "Show who asks for how much before you send the prompt. The block lifts by itself.",
    ...PAUSED,
  },
  PAYMENT_FAILURE: {
    cause:
      "M-Pesa refused the request; the message says why. No prompt was sent, and the call is not counted.",
    remedy: "Try again after a while. If it stays so, quote the request id to support.",
    english: "M-Pesa could not start this payment. You have not been charged. Please try again.",
    swahili: "M-Pesa haikuweza kuanzisha malipo haya. Hujakatwa pesa. Tafadhali jaribu tena.",
  },
  NOT_FOUND: {
    cause: "The path or method does not exist, or the id is not one of yours.",
    remedy: "Compare path and id with the reference.",
    ...OURS,
  },
  INVALID_JSON: {
    cause: "The body is not a JSON object, or was sent without 'Content-Type: application/json'.",
    remedy: "Encode the body with your language's JSON function, and send the header.",
    ...OURS,
  },
  INVALID_FIELD: {
    cause: "A field or header has a value that it cannot have; 'errors' says which and why.",
    remedy: "Correct the field. Repeating the request changes nothing.",
    ...OURS,
  },
  PAYLOAD_TOO_LARGE: {
    cause: "The body is larger than 64 KB.",
    remedy: "Send less; keep data of your own on your side and refer to it in metadata.",
    ...OURS,
  },
  INVALID_DESTINATION: {
    cause: "The method is unknown, a number is malformed, or a field belongs to another method.",
    remedy: "Compare with the table of methods and the table of banks.",
    ...OURS,
  },
  INVALID_CALLBACK_URL: {
    cause: "The URL is not https on port 443 of a public host, or the key has none to send a test to.",
    remedy: "Use an address that the internet can reach. Only on your own machine will http://localhost do.",
    ...OURS,
  },
  TOO_MANY_KEYS: {
    cause: "You have as many keys as an account can have.",
    remedy: "Delete those that you no longer use.",
    ...OURS,
  },
  IDEMPOTENCY_KEY_REUSED: {
    cause: "The same Idempotency-Key came with another body.",
    remedy: "Use a new key for a new payment, and the very same body when you repeat one.",
    ...OURS,
  },
  IDEMPOTENCY_IN_PROGRESS: {
    cause: "Your first request with this Idempotency-Key has not ended yet.",
    remedy: "Send the same request again after a second.",
    english: "Your payment is under way. Please look at your phone.",
    swahili: "Malipo yako yanaendelea. Tafadhali angalia simu yako.",
  },
  INSUFFICIENT_SMS_CREDITS: {
    cause: "The message costs more credits than you have. Nothing was sent.",
    remedy: "Buy credits by POST /v1/sms/credits.",
    ...OURS,
  },
  INSUFFICIENT_BALANCE: {
    cause: "Your wallet does not hold the amount and its fee.",
    remedy: "Look at wallet_balance in GET /v1/account, and withdraw less.",
    english: "The balance is not enough for this amount.",
    swahili: "Salio halitoshi kwa kiasi hiki.",
  },
  FORBIDDEN_SCOPE: {
    cause:
      "The key's scope is 'payments': it may push, send SMS, and read what it did itself, the plans and the SMS balance.",
    remedy: "Use a key of scope 'full' for this call.",
    ...OURS,
  },
  TOO_MANY_TRIES: {
    cause: "Somebody signed in, or asked for codes or emails, more often than people do.",
    remedy: "Wait as long as Retry-After says. This comes from the dashboard's forms alone.",
    ...LATER,
  },
  CROSS_SITE_REQUEST: {
    cause: "A form of the dashboard was sent from another site.",
    remedy: "Use the dashboard's own page; programs use the API with a key.",
    ...OURS,
  },
  ERASURE_REFUSED: {
    cause: "The merchant has money here or something under way. Merchants never get this code.",
    remedy: "Operators: pay the wallet out, wait for what the message names, and ask again.",
    ...PAUSED,
  },
  LEDGER_BROKEN: {
    cause: "The operator's check of the books found a contradiction. Merchants never get this code.",
    remedy: "Operators: stop payouts, and look at what the message names.",
    ...PAUSED,
  },
  RULING_CONFLICT: {
    cause: "The rules do not allow this ruling, or it is decided already. Merchants never get this code.",
    remedy: "Operators: read what the message says, and look at the payment or payout again.",
    ...PAUSED,
  },
  INTERNAL_ERROR: {
    cause: "A fault of the gateway's own.",
    remedy:
      "Repeat the request with the same Idempotency-Key. If it stays so, quote the request id to support.",
    ...OURS,
  },
  SERVICE_UNAVAILABLE: {
    cause: "The storage or M-Pesa cannot be reached now. No prompt was sent.",
    remedy: "Wait as long as Retry-After says, and repeat the request with the same Idempotency-Key.",
    ...LATER,
  },
};
