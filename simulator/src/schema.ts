/** Every table of the simulated world. Times are milliseconds since 1970, amounts whole shillings. */
const TABLES = {
  tokens: `(id INTEGER PRIMARY KEY CHECK (id = 1), value TEXT NOT NULL, expires_at INTEGER NOT NULL)`,

  prompts: `(
    checkout_request_id TEXT PRIMARY KEY,
    merchant_request_id TEXT NOT NULL,
    msisdn TEXT NOT NULL,
    shortcode TEXT NOT NULL,
    payee TEXT NOT NULL,
    payee_kind TEXT NOT NULL CHECK (payee_kind IN ('paybill', 'till')),
    amount INTEGER NOT NULL,
    account_reference TEXT NOT NULL,
    callback_url TEXT NOT NULL,
    shown INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    result_code INTEGER,
    receipt TEXT,
    finished_at INTEGER
  )`,

  payouts: `(
    conversation_id TEXT PRIMARY KEY,
    originator_conversation_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    payer TEXT NOT NULL,
    payee TEXT NOT NULL,
    payee_kind TEXT NOT NULL CHECK (payee_kind IN ('phone', 'paybill', 'till')),
    amount INTEGER NOT NULL,
    account_reference TEXT NOT NULL,
    result_url TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    result_code TEXT,
    receipt TEXT,
    finished_at INTEGER
  )`,

  ledger: `(
    receipt TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('stk', 'b2c', 'b2b', 'reversal')),
    payer TEXT NOT NULL,
    payee TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    account_reference TEXT NOT NULL,
    reference TEXT NOT NULL,
    at INTEGER NOT NULL
  )`,

  balances: `(
    party TEXT NOT NULL, account TEXT NOT NULL, amount INTEGER NOT NULL, PRIMARY KEY (party, account)
  )`,

  requests: `(
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, body TEXT NOT NULL
  )`,

  messages: `(
    id TEXT PRIMARY KEY, msisdn TEXT NOT NULL, sender TEXT NOT NULL, text TEXT NOT NULL, at INTEGER NOT NULL
  )`,

  emails: `(
    id TEXT PRIMARY KEY,
    address TEXT NOT NULL,
    sender TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    html TEXT NOT NULL,
    at INTEGER NOT NULL
  )`,

  faults: `(
    product TEXT NOT NULL,
    name TEXT NOT NULL,
    probability REAL NOT NULL,
    remaining INTEGER,
    value INTEGER,
    fired INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (product, name)
  )`,

  dice: `(id INTEGER PRIMARY KEY CHECK (id = 1), state INTEGER NOT NULL)`,

  pull_urls: `(shortcode TEXT PRIMARY KEY, callback_url TEXT NOT NULL)`,

  jobs: `(id INTEGER PRIMARY KEY, due_at INTEGER NOT NULL, job TEXT NOT NULL)`,
};

const INDEXES = [
  "prompts_by_phone ON prompts (msisdn, result_code)",
  "prompts_by_receipt ON prompts (receipt)",
  "messages_by_phone ON messages (msisdn, at)",
  "emails_by_address ON emails (address, at)",
  "payouts_by_payee ON payouts (payee, amount)",
  "ledger_by_time ON ledger (at)",
  "ledger_by_payer ON ledger (payer, at)",
  "jobs_by_time ON jobs (due_at)",
];

export function createTables(sql: SqlStorage): void {
  for (const [name, columns] of Object.entries(TABLES)) {
    sql.exec(`CREATE TABLE IF NOT EXISTS ${name} ${columns}`);
  }
  for (const index of INDEXES) sql.exec(`CREATE INDEX IF NOT EXISTS ${index}`);
}

export function emptyTables(sql: SqlStorage): void {
  for (const name of Object.keys(TABLES)) sql.exec(`DELETE FROM ${name}`);
}
