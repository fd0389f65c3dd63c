// Stored payments by the hundred thousand, as the gateway itself would have left them.

const CHUNK = 50_000;
const PENDING = 20;
/** However many there are, the pending ones are some minutes old. */
const PENDING_APART_MS = 20_000;
const FAILED_EVERY = 10;

/**
 * Stores payments of one key up to `count`, over the two years before now: nine of ten completed, the
 * others failed, and the last few pending and not yet due. Their ids begin with the time, as all do.
 */
export async function seedTransactions(database, { merchantId, keyId, count, onProgress = () => undefined }) {
  const now = Date.now();
  const stepMs = Math.floor((730 * 86_400_000) / count);
  const statement = database.prepare(`
    WITH RECURSIVE n(i) AS (SELECT CAST(?1 AS INTEGER) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2),
    t AS (SELECT i, ?3 - (?4 - i) * CASE WHEN i >= ?4 - ${PENDING} THEN ${PENDING_APART_MS} ELSE ?5 END AS at, lower(hex(randomblob(10))) AS random,
                 CASE WHEN i >= ?4 - ${PENDING} THEN 'pending'
                      WHEN i % ${FAILED_EVERY} = 0 THEN 'failed' ELSE 'completed' END AS status FROM n)
    INSERT INTO transactions (merchant_id, id, key_id, phone, amount, account_reference, description,
      destination, callback_url, routing, status, acknowledgement, checkout_request_id, merchant_request_id,
      result_code, result_desc, mpesa_receipt, query_count, due_at, created_at, completed_at, paid_at)
    SELECT ?6, 'tx_' || printf('%012x', at) || random, ?7, '2547' || printf('%08d', i * 37 % 100000000),
      1 + i % 5000, 'ORDER_' || i, 'SmartPay Payment', '{"method":"wallet"}', 'https://duka.example/callback',
      'direct', status, 'accepted', 'ws_CO_' || printf('%014d', i) || random, '29115-34620561-' || i,
      CASE status WHEN 'completed' THEN '0' WHEN 'failed' THEN '1032' END,
      CASE status WHEN 'completed' THEN 'The service request is processed successfully.'
                  WHEN 'failed' THEN 'Request cancelled by user' END,
      CASE status WHEN 'completed' THEN 'S' || printf('%09d', i) END, 0,
      CASE status WHEN 'pending' THEN ?3 + 3600000000 END, at,
      CASE WHEN status <> 'pending' THEN at + 9000 END, CASE status WHEN 'completed' THEN at + 8000 END
    FROM t`);
  for (let from = 0; from < count; from += CHUNK) {
    const to = Math.min(from + CHUNK, count);
    await statement.bind(from, to, now, count, stepMs, merchantId, keyId).run();
    onProgress(to);
  }
  const failed = Math.ceil((count - PENDING) / FAILED_EVERY);
  await database
    .prepare(
      `UPDATE api_keys SET started_count = started_count + ?1, failed_count = failed_count + ?2,
              completed_count = completed_count + ?1 - ?2 - ${PENDING} WHERE id = ?3`,
    )
    .bind(count, failed, keyId)
    .run();
}
