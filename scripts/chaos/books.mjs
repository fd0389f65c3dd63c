// The books after the dust has settled: what M-Pesa holds against what the gateway says.
import { isDeepStrictEqual } from "node:util";

const sum = (amounts) => amounts.reduce((total, amount) => total + amount, 0);

/**
 * @param mpesa the simulator's ledger
 * @param merchants `{name, callsGiven, creditsGiven, account, transactions, payouts, webhooks, texts}` each;
 *   of `texts`, `{sms, heard}`: the message as the gateway has it, and how often its phone got it
 * @param ledger the answer of `/operator/v1/ledger/verify`
 * @returns a sentence for each violation
 */
export function violations({ mpesa, merchants, ledger }) {
  const found = [];
  const must = (holds, sentence) => {
    if (!holds) found.push(sentence);
  };
  const transactions = merchants.flatMap((m) => m.transactions);
  const payouts = merchants.flatMap((m) => m.payouts);
  const collected = mpesa.entries.filter((e) => e.kind === "stk");
  const sent = mpesa.entries.filter((e) => e.kind === "b2c" || e.kind === "b2b");

  // Every payment that M-Pesa holds as paid to us is credited exactly once; nothing else is.
  const completed = transactions.filter((t) => t.status === "completed");
  const byReceipt = Map.groupBy(completed, (t) => t.mpesa_receipt);
  for (const entry of collected) {
    const credited = byReceipt.get(entry.receipt) ?? [];
    must(
      credited.length === 1,
      `${entry.receipt} (KES ${entry.amount}) is credited ${credited.length} times`,
    );
    must(
      credited.every((t) => t.amount === entry.amount),
      `${entry.receipt} is credited with another amount`,
    );
  }
  const receipts = new Set(collected.map((e) => e.receipt));
  for (const t of completed) {
    must(
      receipts.has(t.mpesa_receipt),
      `${t.id} is completed, and M-Pesa knows no receipt ${t.mpesa_receipt}`,
    );
  }

  // Every result is told at least once, and what is told is true.
  for (const merchant of merchants) {
    const told = Map.groupBy(merchant.webhooks, (w) => w.CheckoutRequestID);
    for (const t of merchant.transactions) {
      const codes = (told.get(t.checkout_request_id) ?? []).map((w) => w.ResultCode);
      if (t.status === "completed")
        must(codes.includes(0), `${t.id} is completed, and its merchant was not told`);
      if (t.status !== "completed") must(!codes.includes(0), `${t.id} is ${t.status}, and was told as paid`);
    }
  }

  // Payouts never exceed what they were for, and none is sent twice.
  const paid = payouts.filter((p) => p.status === "paid");
  const paidByReceipt = Map.groupBy(paid, (p) => p.receipt);
  for (const [receipt, same] of paidByReceipt)
    must(same.length === 1, `${receipt} pays ${same.length} payouts`);
  const unaccounted = sent.filter((e) => !paidByReceipt.has(e.receipt)).map((e) => e.amount);
  const open = payouts.filter((p) => p.status === "sent" || p.status === "queued").map((p) => p.amount);
  for (const amount of unaccounted) {
    const i = open.indexOf(amount);
    must(i >= 0, `M-Pesa paid out KES ${amount}, which no payout accounts for`);
    if (i >= 0) open.splice(i, 1);
  }
  const collectedFor = new Map(completed.map((t) => [t.id, t.amount]));
  for (const p of paid.filter((payout) => payout.transaction_id !== null)) {
    must(
      p.amount + p.fee <= (collectedFor.get(p.transaction_id) ?? 0),
      `${p.id} paid more than was collected`,
    );
  }

  // Limits add up: every push that was not refused took one call.
  for (const { name, callsGiven, account, transactions: own } of merchants) {
    const taken = own.filter((t) => !isRefused(t)).length;
    const left = account.active_key.limit_remaining;
    must(left === callsGiven - taken, `${name} has ${left} calls left of ${callsGiven}, and took ${taken}`);
    const stats = account.transaction_stats;
    must(stats.total === own.length, `${name}'s figures count ${stats.total} payments of ${own.length}`);
    must(
      stats.completed === own.filter((t) => t.status === "completed").length,
      `${name}'s figures count ${stats.completed} completed payments`,
    );
  }

  // SMS credits add up: taken once, given back only where the sending was refused. None is sent twice.
  for (const { name, creditsGiven, account, texts } of merchants) {
    const kept = texts.filter(({ sms }) => sms.status !== "failed");
    const left = account.account.sms_balance;
    const cost = sum(kept.map(({ sms }) => sms.cost));
    must(
      left === creditsGiven - cost,
      `${name} has ${left} credits left of ${creditsGiven}, and spent ${cost}`,
    );
    for (const { sms, heard } of texts) {
      const isUnclear = sms.status === "queued" && sms.failure_reason !== null;
      const expected = sms.status === "failed" ? heard === 0 : isUnclear ? heard <= 1 : heard === 1;
      must(expected, `the SMS ${sms.transaction_id} is ${sms.status}, and its phone got it ${heard} times`);
    }
  }

  // The ledger's equations and chain hold, and it agrees with M-Pesa's own account of ours.
  must(ledger.success === true, `the ledger does not hold: ${ledger.message}`);
  if (ledger.success) {
    const { utility, working } = mpesa.balances.shortcodes["600999"];
    const kept = utility + working - 2_000_000;
    must(
      ledger.balances.mpesa === kept + sum(unaccounted),
      `the ledger says that M-Pesa keeps KES ${ledger.balances.mpesa}; M-Pesa says ${kept}, KES ${sum(unaccounted)} unclear`,
    );
  }
  return found;
}

/** M-Pesa said no to the push itself; its codes there are no numbers. */
const isRefused = (t) =>
  t.status === "failed" && !/^\d+$/.test(t.result_code ?? "") && !/^SFC/.test(t.result_code);

/** What is still open that M-Pesa, or time, could answer for: a sentence each. */
export function stillOpen({ mpesa, merchants }) {
  const receipts = new Set(merchants.flatMap((m) => m.transactions.map((t) => t.mpesa_receipt)));
  const unproved = mpesa.entries
    .filter((e) => e.kind === "stk" && !receipts.has(e.receipt))
    .map((e) => `${e.receipt} (KES ${e.amount}) is nobody's yet`);
  const ofMerchant = ({ payouts, transactions, webhooks, texts }) => {
    // A B2B payout whose acknowledgement and result were both lost has no id to ask by: it waits for the
    // operator, and later ones to the same payee wait behind it.
    const waitsForRuling = payouts.some((p) => p.status === "sent" && p.destination.method !== "phone");
    const isAskable = (p) =>
      p.status === "queued" || (p.status === "sent" && p.destination.method === "phone");
    const told = new Set(webhooks.filter((w) => w.ResultCode === 0).map((w) => w.CheckoutRequestID));
    return [
      ...payouts
        .filter((p) => !waitsForRuling && isAskable(p))
        .map((p) => `${p.id} is ${p.status}: ${p.reason ?? "no reason"}`),
      ...transactions
        .filter((t) => t.status === "completed" && !told.has(t.checkout_request_id))
        .map((t) => `${t.id} is completed, and its merchant is not told yet`),
      ...texts
        .filter(({ sms }) => sms.status === "queued" && sms.failure_reason === null)
        .map(({ sms }) => `the SMS ${sms.transaction_id} is queued`),
    ];
  };
  return [...unproved, ...merchants.flatMap(ofMerchant)];
}

/**
 * Reads until nothing is open and nothing moved from one reading to the next, or time is up. A merchant's figures,
 * its payments and payouts, the ledger and M-Pesa's account are read one after the other: what is paid meanwhile
 * would stand as sent in the one and be booked in the other.
 */
export async function booksAtRest(read, { until }) {
  let books = await read();
  while (Date.now() < until) {
    const again = await read();
    if (stillOpen(books).length === 0 && isDeepStrictEqual(moving(books), moving(again))) break;
    books = again;
  }
  return books;
}

const moving = ({ merchants, ledger, mpesa }) => ({ merchants, booked: ledger.balances, mpesa });
