import { sql } from "drizzle-orm";
import { check, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/**
 * Every table, in reading order. Times are milliseconds UTC, amounts whole shillings, phone numbers
 * 254… as text. Tables whose primary key is composite are WITHOUT ROWID: the key is the table, so that
 * a merchant's rows lie together in the order of their age and need no further index.
 */

export const merchants = sqliteTable("merchants", {
  /** The eight digits of the account number. */
  id: integer().primaryKey(),
  fullname: text().notNull(),
  email: text().notNull(),
  phone: text(),
  /** Who signed up for it; null for a merchant whom the operator made. */
  userId: text("user_id").unique(),
  createdAt: integer("created_at").notNull(),
});

/** A phone that a merchant has proved to own. The primary key grants one trial a number, ever. */
export const verifiedPhones = sqliteTable(
  "verified_phones",
  {
    phone: text().primaryKey(),
    merchantId: integer("merchant_id")
      .notNull()
      .references(() => merchants.id),
    verifiedAt: integer("verified_at").notNull(),
  },
  (t) => [index("verified_phones_merchant").on(t.merchantId)],
);

/** What a merchant has with us. `owed` is what reversals left uncovered; later credits pay it first. */
export const wallets = sqliteTable(
  "wallets",
  {
    merchantId: integer("merchant_id")
      .primaryKey()
      .references(() => merchants.id),
    balance: integer().notNull().default(0),
    held: integer().notNull().default(0),
    owed: integer().notNull().default(0),
    smsCredits: integer("sms_credits").notNull().default(0),
  },
  (t) => [
    check("wallets_balance", sql`${t.balance} >= 0`),
    check("wallets_held", sql`${t.held} >= 0`),
    check("wallets_owed", sql`${t.owed} >= 0`),
    check("wallets_sms_credits", sql`${t.smsCredits} >= 0`),
  ],
);

export const apiKeys = sqliteTable(
  "api_keys",
  {
    id: integer().primaryKey(),
    merchantId: integer("merchant_id")
      .notNull()
      .references(() => merchants.id),
    name: text().notNull(),
    /** The name in lower case: unique within a merchant while the key lives. */
    nameFolded: text("name_folded").notNull(),
    /** SHA-256 of the key, in hex. The key itself is stored nowhere. */
    hash: text().notNull(),
    /** `a3f8…d8f1`. */
    hint: text().notNull(),
    scope: text({ enum: ["full", "payments"] })
      .notNull()
      .default("full"),
    isDefault: integer("is_default", { mode: "boolean" }).notNull().default(false),
    /** JSON of a Destination. */
    destination: text().notNull().default('{"method":"wallet"}'),
    callbackUrl: text("callback_url").notNull().default(""),
    webhookSecret: text("webhook_secret").notNull(),
    previousWebhookSecret: text("previous_webhook_secret"),
    /** Until when the previous secret signs too. */
    previousWebhookSecretUntil: integer("previous_webhook_secret_until"),
    notifyEmail: text("notify_email").notNull().default(""),
    notifyPhone: text("notify_phone").notNull().default(""),
    /** The plan bought last; null before the first. */
    plan: text(),
    callsLeft: integer("calls_left").notNull().default(0),
    expiresAt: integer("expires_at"),
    suspendedAt: integer("suspended_at"),
    createdAt: integer("created_at").notNull(),
    lastUsedAt: integer("last_used_at"),
    deletedAt: integer("deleted_at"),
    /** The transaction that took a call last: the stamp by which a push's insert knows that it may. */
    lastTransaction: text("last_transaction"),
    /** Figures kept with each state change; pending is what is neither completed nor failed. */
    startedCount: integer("started_count").notNull().default(0),
    completedCount: integer("completed_count").notNull().default(0),
    failedCount: integer("failed_count").notNull().default(0),
  },
  (t) => [
    uniqueIndex("api_keys_hash").on(t.hash),
    uniqueIndex("api_keys_name").on(t.merchantId, t.nameFolded).where(sql`${t.deletedAt} is null`),
    uniqueIndex("api_keys_default")
      .on(t.merchantId)
      .where(sql`${t.isDefault} = 1 and ${t.deletedAt} is null`),
    index("api_keys_merchant").on(t.merchantId, t.id),
    check("api_keys_calls_left", sql`${t.callsLeft} >= 0`),
  ],
);

/** One row a payment, written before M-Pesa is asked. */
export const transactions = sqliteTable(
  "transactions",
  {
    merchantId: integer("merchant_id").notNull(),
    id: text().notNull(),
    keyId: integer("key_id").notNull(),
    phone: text().notNull(),
    amount: integer().notNull(),
    accountReference: text("account_reference").notNull(),
    description: text().notNull(),
    /** JSON of the Destination, and the callback URL, as they were when the payment began. */
    destination: text().notNull(),
    callbackUrl: text("callback_url").notNull(),
    /** The operator's routing when the payment began: it tells whose shortcode was asked to be paid. */
    routing: text({ enum: ["direct", "settle"] }).notNull(),
    /** JSON object of strings, or null. */
    metadata: text(),
    /** JSON of a Purchase: what the merchant buys from the operator. Null for a payment to the merchant. */
    purchase: text(),
    idempotencyKey: text("idempotency_key"),
    /** Hash of the request that used the idempotency key first. */
    requestHash: text("request_hash"),
    status: text({ enum: ["pending", "completed", "failed"] })
      .notNull()
      .default("pending"),
    /**
     * What M-Pesa answered to the push: `accepted`, `refused`, or `unclear` (no answer that tells).
     * Null while it is being asked, and for good if the process died there.
     */
    acknowledgement: text({ enum: ["accepted", "refused", "unclear"] }),
    /** M-Pesa's own ids; null until known. */
    checkoutRequestId: text("checkout_request_id"),
    merchantRequestId: text("merchant_request_id"),
    /** Text, since M-Pesa has codes like SFC_IC0003. */
    resultCode: text("result_code"),
    resultDesc: text("result_desc"),
    mpesaReceipt: text("mpesa_receipt"),
    /** How many STK Queries were sent. */
    queryCount: integer("query_count").notNull().default(0),
    /** The last failure that a query reported, and when: a second one that agrees makes it final. */
    queryFailureCode: text("query_failure_code"),
    queryFailureAt: integer("query_failure_at"),
    /** When the reconciliation looks at the payment next; null when there is nothing left to ask. */
    dueAt: integer("due_at"),
    createdAt: integer("created_at").notNull(),
    completedAt: integer("completed_at"),
    /** When the customer paid by M-Pesa's clock, where a callback told it. */
    paidAt: integer("paid_at"),
    /** When the operator recorded that Safaricom took the money back. */
    reversedAt: integer("reversed_at"),
  },
  (t) => [
    primaryKey({ columns: [t.merchantId, t.id] }),
    index("transactions_due").on(t.dueAt).where(sql`${t.dueAt} is not null`),
    // For what M-Pesa's statement shows as paid and we have no receipt of. Completion leaves it for nothing.
    index("transactions_without_receipt").on(t.phone, t.createdAt).where(sql`${t.mpesaReceipt} is null`),
    uniqueIndex("transactions_idempotency")
      .on(t.keyId, t.idempotencyKey)
      .where(sql`${t.idempotencyKey} is not null`),
    uniqueIndex("transactions_checkout")
      .on(t.checkoutRequestId)
      .where(sql`${t.checkoutRequestId} is not null`),
    uniqueIndex("transactions_receipt").on(t.mpesaReceipt).where(sql`${t.mpesaReceipt} is not null`),
    // For lists: a key's payments, and those that are pending or failed. Completed ones are most of a
    // merchant's, and found by walking its own. Each holds whatever its lists look at, so that the payments
    // that a page skips are not read.
    index("transactions_key").on(t.keyId, t.purchase, t.id).where(sql`${t.purchase} is null`),
    index("transactions_not_completed")
      .on(t.merchantId, t.status, t.purchase, t.id, t.keyId)
      .where(sql`${t.status} <> 'completed'`),
    check("transactions_amount", sql`${t.amount} between 1 and 300000`),
    check(
      "transactions_receipt_needs_completion",
      sql`${t.mpesaReceipt} is null or ${t.status} = 'completed'`,
    ),
  ],
);

/** Double entry, append-only: one row moves `amount` from the account `debit` to the account `credit`. */
export const ledgerEntries = sqliteTable(
  "ledger_entries",
  {
    seq: integer().primaryKey(),
    /** The payment, payout or ruling that the transfer belongs to; with `kind` it is unique. */
    reference: text().notNull(),
    kind: text().notNull(),
    merchantId: integer("merchant_id").notNull(),
    debit: text().notNull(),
    credit: text().notNull(),
    amount: integer().notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [
    uniqueIndex("ledger_entries_once").on(t.reference, t.kind),
    check("ledger_entries_amount", sql`${t.amount} > 0`),
    check("ledger_entries_two_accounts", sql`${t.debit} <> ${t.credit}`),
  ],
);

/** A link of the ledger's hash chain: the rows from one seq to another, sealed together with the link before. */
export const ledgerSeals = sqliteTable("ledger_seals", {
  id: integer().primaryKey(),
  fromSeq: integer("from_seq").notNull(),
  toSeq: integer("to_seq").notNull(),
  /** SHA-256 in hex over the previous hash and the rows. */
  hash: text().notNull(),
  previousHash: text("previous_hash").notNull(),
  sealedAt: integer("sealed_at").notNull(),
});

/** Money on its way out: what was collected for a phone, paybill, till or bank, or a withdrawal. */
export const payouts = sqliteTable(
  "payouts",
  {
    merchantId: integer("merchant_id").notNull(),
    id: text().notNull(),
    /** The payment that is paid out; null for a withdrawal. */
    transactionId: text("transaction_id"),
    channel: text({ enum: ["b2c", "b2b"] }).notNull(),
    /** JSON of the Destination. */
    destination: text().notNull(),
    /** Who is paid, as one text: while a payout to it is unclear, no other is sent there. */
    target: text().notNull(),
    /** What the payee gets; `amount` and `fee` together are held. */
    amount: integer().notNull(),
    fee: integer().notNull().default(0),
    /**
     * `queued`: nothing is under way. `sending`: M-Pesa was or is being asked, and has not acknowledged.
     * `sent`: acknowledged, the result is to come.
     */
    status: text({ enum: ["queued", "sending", "sent", "paid", "failed"] }).notNull(),
    /** Counts the ids under which it was sent. */
    attempt: integer().notNull().default(0),
    /** Ours for this attempt: B2C's idempotency key. */
    originatorId: text("originator_id"),
    /** M-Pesa's ids of this attempt, from its acknowledgement. */
    conversationId: text("conversation_id"),
    darajaOriginatorId: text("daraja_originator_id"),
    /** M-Pesa's, of whichever attempt was paid; that of an earlier one while a later one is under way. */
    receipt: text(),
    /** Why it waits, failed, or stayed in the wallet, for the merchant to read. */
    reason: text(),
    /** How often Transaction Status answered that there is no such transaction, and when first. */
    absentCount: integer("absent_count").notNull().default(0),
    absentSince: integer("absent_since"),
    statusQueryCount: integer("status_query_count").notNull().default(0),
    dueAt: integer("due_at"),
    createdAt: integer("created_at").notNull(),
    /** When it last waited for another to the same payee, or for a pause to end: what it is given to go out counts from here. */
    heldUpAt: integer("held_up_at"),
    sentAt: integer("sent_at"),
    finishedAt: integer("finished_at"),
  },
  (t) => [
    primaryKey({ columns: [t.merchantId, t.id] }),
    index("payouts_due").on(t.dueAt).where(sql`${t.dueAt} is not null`),
    index("payouts_unclear").on(t.target).where(sql`${t.status} = 'sending'`),
    uniqueIndex("payouts_receipt").on(t.receipt).where(sql`${t.receipt} is not null`),
    uniqueIndex("payouts_transaction").on(t.transactionId).where(sql`${t.transactionId} is not null`),
    check("payouts_amount", sql`${t.amount} > 0`),
    check("payouts_fee", sql`${t.fee} >= 0`),
  ],
);

/** Answers to requests with an Idempotency-Key, other than pushes, whose transaction holds theirs. */
export const idempotentAnswers = sqliteTable(
  "idempotent_answers",
  {
    /** `key:4` or `merchant:36413506`, and the endpoint. */
    scope: text().notNull(),
    idempotencyKey: text("idempotency_key").notNull(),
    requestHash: text("request_hash").notNull(),
    status: integer().notNull(),
    /** JSON of the answer's body. */
    answer: text().notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.scope, t.idempotencyKey] })],
);

/** One row an SMS, written with the credits that it takes. */
export const smsMessages = sqliteTable(
  "sms_messages",
  {
    merchantId: integer("merchant_id").notNull(),
    /** Nineteen digits, ordered by time: the text's transaction_id. */
    id: text().notNull(),
    keyId: integer("key_id"),
    phone: text().notNull(),
    message: text().notNull(),
    parts: integer().notNull(),
    cost: integer().notNull(),
    encoding: text({ enum: ["GSM-7", "UCS-2"] }).notNull(),
    /** `sending`: the SMS gateway was asked and has not answered; it is never asked again. */
    status: text({ enum: ["queued", "sending", "sent", "delivered", "failed"] }).notNull(),
    /** The SMS gateway's own id, by which its delivery report names the message. */
    providerId: text("provider_id"),
    failureReason: text("failure_reason"),
    dueAt: integer("due_at"),
    createdAt: integer("created_at").notNull(),
    sentAt: integer("sent_at"),
  },
  (t) => [
    primaryKey({ columns: [t.merchantId, t.id] }),
    index("sms_messages_due").on(t.dueAt).where(sql`${t.dueAt} is not null`),
    uniqueIndex("sms_messages_provider").on(t.providerId).where(sql`${t.providerId} is not null`),
    // Finds whose report it may be that names an id we were never told.
    index("sms_messages_unclear").on(t.phone).where(sql`${t.status} = 'sending'`),
    check("sms_messages_cost", sql`${t.cost} > 0`),
  ],
);

/** Emails and SMS that tell a merchant or the operator of something, each once: written with what they tell. */
export const notices = sqliteTable(
  "notices",
  {
    /** Names the occasion, such as `payout_failed:po_…`: a second notice of it is not written. */
    id: text().primaryKey(),
    merchantId: integer("merchant_id"),
    channel: text({ enum: ["email", "sms"] }).notNull(),
    recipient: text().notNull(),
    subject: text().notNull(),
    body: text().notNull(),
    /** `skipped`: an SMS that the merchant had no credits for, or nothing to send it by. */
    status: text({ enum: ["queued", "sent", "skipped", "failed"] })
      .notNull()
      .default("queued"),
    attemptCount: integer("attempt_count").notNull().default(0),
    dueAt: integer("due_at"),
    createdAt: integer("created_at").notNull(),
    sentAt: integer("sent_at"),
  },
  (t) => [
    index("notices_due").on(t.dueAt).where(sql`${t.dueAt} is not null`),
    index("notices_failed").on(t.createdAt).where(sql`${t.status} = 'failed'`),
  ],
);

/** Every body that reached a callback URL with the right token, as it came. */
export const inboundCallbacks = sqliteTable(
  "inbound_callbacks",
  {
    /** The payment or payout that the URL names. */
    reference: text().notNull(),
    id: text().notNull(),
    merchantId: integer("merchant_id").notNull(),
    /** Which URL it came to: `stk`, or a payout's kind and attempt, such as `result:2`. */
    source: text().notNull().default("stk"),
    body: text().notNull(),
    /** What became of it, in our words; null if it was stored without being judged. */
    verdict: text(),
    /** 1 while an operator should look at it. */
    open: integer({ mode: "boolean" }).notNull().default(false),
    receivedAt: integer("received_at").notNull(),
    /** Of one that was not processed: when it is tried again; null until its first try. */
    dueAt: integer("due_at"),
  },
  (t) => [
    primaryKey({ columns: [t.reference, t.id] }),
    index("inbound_callbacks_open").on(t.receivedAt).where(sql`${t.open} = 1`),
    index("inbound_callbacks_again")
      .on(t.dueAt, t.receivedAt)
      .where(sql`${t.open} = 1 and ${t.verdict} = 'not_processed'`),
  ],
);

/** What M-Pesa's own statement says customers paid to the shortcode, a row a receipt. */
export const statementLines = sqliteTable(
  "statement_lines",
  {
    receipt: text().primaryKey(),
    phone: text().notNull(),
    amount: integer().notNull(),
    reference: text().notNull(),
    paidAt: integer("paid_at").notNull(),
    /** The payment that it proves; null until one is found. */
    transactionId: text("transaction_id"),
    merchantId: integer("merchant_id"),
    pulledAt: integer("pulled_at").notNull(),
  },
  (t) => [
    index("statement_lines_day").on(t.paidAt),
    index("statement_lines_unmatched").on(t.paidAt).where(sql`${t.transactionId} is null`),
    index("statement_lines_transaction").on(t.transactionId).where(sql`${t.transactionId} is not null`),
  ],
);

/** How far each recurring piece of work has come. One row a piece. */
export const progress = sqliteTable("progress", {
  work: text().primaryKey(),
  /** Milliseconds UTC up to which it is done. */
  doneTo: integer("done_to").notNull(),
  /** When it may run next: moving it takes the work for one run. */
  dueAt: integer("due_at").notNull(),
});

/** A day's figures of one merchant, or of the operator (merchant 0), and each difference by name. */
export const statements = sqliteTable(
  "statements",
  {
    merchantId: integer("merchant_id").notNull(),
    /** `2026-11-24`, the day in East Africa. */
    day: text().notNull(),
    /** JSON of a Statement. */
    body: text().notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.merchantId, t.day] })],
);

/** One row a webhook to a merchant, written with the result that it tells. */
export const webhookDeliveries = sqliteTable(
  "webhook_deliveries",
  {
    merchantId: integer("merchant_id").notNull(),
    /** Also the `webhook-id` header, the same on every attempt. */
    id: text().notNull(),
    keyId: integer("key_id").notNull(),
    /** Null for a test event. */
    transactionId: text("transaction_id"),
    url: text().notNull(),
    body: text().notNull(),
    status: text({ enum: ["pending", "delivered", "failed"] })
      .notNull()
      .default("pending"),
    attemptCount: integer("attempt_count").notNull().default(0),
    /** How many of them a replay found: the retries count from there. Null before the first replay. */
    attemptsBeforeReplay: integer("attempts_before_replay"),
    /** JSON array of Attempt: the last 20. */
    attempts: text().notNull().default("[]"),
    /** When the sweep takes it up if nobody else has; null when there is nothing left to do. */
    dueAt: integer("due_at"),
    createdAt: integer("created_at").notNull(),
    deliveredAt: integer("delivered_at"),
  },
  (t) => [
    primaryKey({ columns: [t.merchantId, t.id] }),
    index("webhook_deliveries_due").on(t.dueAt).where(sql`${t.dueAt} is not null`),
    // For lists and replays of the few that failed: what is delivered at once pays for neither.
    index("webhook_deliveries_failed_list")
      .on(t.merchantId, t.id, t.keyId)
      .where(sql`${t.status} = 'failed'`),
    index("webhook_deliveries_failed")
      .on(t.merchantId, t.createdAt, t.id, t.keyId)
      .where(sql`${t.status} = 'failed'`),
    // The operator's list of them, of all merchants.
    index("webhook_deliveries_given_up").on(t.createdAt).where(sql`${t.status} = 'failed'`),
  ],
);

/** Whoever signs in: a merchant, or an operator. The next four tables are better-auth's, by its names of columns. */
export const users = sqliteTable("users", {
  id: text().primaryKey(),
  name: text().notNull(),
  email: text().notNull().unique(),
  emailVerified: integer("email_verified", { mode: "boolean" }).notNull().default(false),
  image: text(),
  /** Never taken from a form. */
  role: text({ enum: ["merchant", "operator"] })
    .notNull()
    .default("merchant"),
  /** As it was typed at sign-up; it proves nothing until it is verified. */
  phone: text(),
  twoFactorEnabled: integer("two_factor_enabled", { mode: "boolean" }).notNull().default(false),
  createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  updatedAt: integer("updated_at", { mode: "timestamp_ms" }).notNull(),
});

export const sessions = sqliteTable(
  "sessions",
  {
    id: text().primaryKey(),
    token: text().notNull().unique(),
    userId: text("user_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    ipAddress: text("ip_address"),
    userAgent: text("user_agent"),
    expiresAt: integer("expires_at", { mode: "timestamp_ms" }).notNull(),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
    updatedAt: integer("updated_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [index("sessions_user").on(t.userId)],
);

/** How a user proves who they are: the password's hash. The other columns are for ways that are not offered. */
export const credentials = sqliteTable(
  "credentials",
  {
    id: text().primaryKey(),
    accountId: text("account_id").notNull(),
    providerId: text("provider_id").notNull(),
    userId: text("user_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    password: text(),
    accessToken: text("access_token"),
    refreshToken: text("refresh_token"),
    idToken: text("id_token"),
    accessTokenExpiresAt: integer("access_token_expires_at", { mode: "timestamp_ms" }),
    refreshTokenExpiresAt: integer("refresh_token_expires_at", { mode: "timestamp_ms" }),
    scope: text(),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
    updatedAt: integer("updated_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [index("credentials_user").on(t.userId)],
);

/** Links and second steps that wait to be used once. */
export const verifications = sqliteTable(
  "verifications",
  {
    id: text().primaryKey(),
    identifier: text().notNull(),
    value: text().notNull(),
    expiresAt: integer("expires_at", { mode: "timestamp_ms" }).notNull(),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
    updatedAt: integer("updated_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [index("verifications_identifier").on(t.identifier)],
);

export const twoFactors = sqliteTable(
  "two_factors",
  {
    id: text().primaryKey(),
    userId: text("user_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    /** Sealed with a key made of APP_SECRET, as are the backup codes. */
    secret: text().notNull(),
    backupCodes: text("backup_codes").notNull(),
    verified: integer({ mode: "boolean" }).notNull().default(true),
    failedVerificationCount: integer("failed_verification_count").notNull().default(0),
    lockedUntil: integer("locked_until", { mode: "timestamp_ms" }),
  },
  (t) => [index("two_factors_user").on(t.userId)],
);

/** The address that a user asked to have, until its link is used; a newer request takes its place. */
export const emailChanges = sqliteTable("email_changes", {
  userId: text("user_id")
    .primaryKey()
    .references(() => users.id, { onDelete: "cascade" }),
  email: text().notNull(),
  /** SHA-256 of the link's token, in hex. */
  tokenHash: text("token_hash").notNull(),
  expiresAt: integer("expires_at").notNull(),
});

/** The code that was sent by SMS to the phone that a merchant says is theirs; a new one replaces it. */
export const phoneCodes = sqliteTable("phone_codes", {
  merchantId: integer("merchant_id")
    .primaryKey()
    .references(() => merchants.id),
  phone: text().notNull(),
  /** HMAC of phone and code. */
  codeHash: text("code_hash").notNull(),
  attemptCount: integer("attempt_count").notNull().default(0),
  expiresAt: integer("expires_at").notNull(),
});

/** How often something was tried in a window that began at its first try: sign-ins, codes, emails. */
export const throttles = sqliteTable(
  "throttles",
  {
    /** What is counted, and for whom: `sign_in:` and a hash of the email, for instance. */
    scope: text().primaryKey(),
    count: integer().notNull(),
    endsAt: integer("ends_at").notNull(),
  },
  (t) => [index("throttles_end").on(t.endsAt)],
);

/**
 * What operators did, append-only: triggers refuse every update and delete. A row is written in the batch
 * of the action that it records, and only with it.
 */
export const auditLog = sqliteTable(
  "audit_log",
  {
    id: integer().primaryKey(),
    at: integer().notNull(),
    /** An operator's user id, or `token` for whoever held OPERATOR_TOKEN. */
    actor: text().notNull(),
    /** What was done, such as `key.suspend`. */
    action: text().notNull(),
    /** On what, such as `key:4`, `tx_…` or `po_…`. */
    subject: text().notNull(),
    reason: text().notNull(),
    /** JSON object of what else tells what was done. */
    detail: text().notNull(),
    /** Names what may be done once only: a second time the row is not written, nor anything with it. */
    once: text().unique(),
  },
  (t) => [index("audit_log_subject").on(t.subject, t.id)],
);

/** An operator's word on what M-Pesa left unclear: first proposed, then applied, once. */
export const rulings = sqliteTable(
  "rulings",
  {
    /** Ordered by time. */
    id: text().primaryKey(),
    /** What is ruled on: a payment's or payout's id, or `cb:`, its reference and its id. */
    subject: text().notNull(),
    kind: text({ enum: ["payment", "payout", "callback"] }).notNull(),
    merchantId: integer("merchant_id").notNull(),
    /** The payment or payout; of a callback the one whose URL it came to. */
    reference: text().notNull(),
    callbackId: text("callback_id"),
    decision: text({ enum: ["paid", "not_paid", "attach", "dismiss"] }).notNull(),
    /** M-Pesa's receipt that proves it, for `paid`. */
    receipt: text(),
    /** The payment that a callback is attached to, and its merchant. */
    attachTo: text("attach_to"),
    attachToMerchantId: integer("attach_to_merchant_id"),
    /** The payout's attempt that is ruled on: a later one is another matter. */
    attempt: integer(),
    reason: text().notNull(),
    /** `void`: it was overtaken, and changed nothing. */
    status: text({ enum: ["proposed", "applied", "withdrawn", "void"] }).notNull(),
    /** What came of it, in our words. */
    outcome: text(),
    proposedBy: text("proposed_by").notNull(),
    proposedAt: integer("proposed_at").notNull(),
    decidedBy: text("decided_by"),
    decidedAt: integer("decided_at"),
  },
  (t) => [uniqueIndex("rulings_proposed").on(t.subject).where(sql`${t.status} = 'proposed'`)],
);

/** Queue messages whose consumer failed every time. What each is about is swept all the same, but for callbacks. */
export const deadLetters = sqliteTable(
  "dead_letters",
  {
    /** The message's own id. */
    id: text().primaryKey(),
    /** Which consumer it was for, as its body tells. */
    kind: text({ enum: ["callback", "webhook", "payout", "sms", "notice", "unknown"] }).notNull(),
    /** What it is about: a delivery's, payout's, message's or notice's id. */
    subject: text().notNull(),
    body: text().notNull(),
    diedAt: integer("died_at").notNull(),
    replayedAt: integer("replayed_at"),
  },
  (t) => [index("dead_letters_open").on(t.diedAt).where(sql`${t.replayedAt} is null`)],
);

/** What is wrong now, a row a kind: the operator is told when it begins, and again only after it ended. */
export const alerts = sqliteTable("alerts", {
  kind: text().primaryKey(),
  detail: text().notNull(),
  since: integer().notNull(),
  lastSeenAt: integer("last_seen_at").notNull(),
});

/**
 * Figures a minute, kept for a week: M-Pesa's calls as each isolate counted them, and once a minute the
 * payments' counts since the beginning.
 */
export const minuteFigures = sqliteTable(
  "minute_figures",
  {
    /** When the minute begins. */
    minute: integer().notNull(),
    /** Such as `daraja:stkpush`, `settled:query` or `total:started`. */
    name: text().notNull(),
    count: integer().notNull(),
    failed: integer().notNull().default(0),
    totalMs: integer("total_ms").notNull().default(0),
    maxMs: integer("max_ms").notNull().default(0),
  },
  (t) => [primaryKey({ columns: [t.minute, t.name] })],
);

/** What M-Pesa last told of the accounts that payouts are made from. Whole shillings. */
export const floatBalances = sqliteTable("float_balances", {
  /** `utility` pays B2C, `working` B2B. */
  account: text({ enum: ["utility", "working"] }).primaryKey(),
  amount: integer().notNull(),
  reportedAt: integer("reported_at").notNull(),
});
