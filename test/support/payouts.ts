import { createExecutionContext, createMessageBatch, env, waitOnExecutionContext } from "cloudflare:test";
import { createDeps } from "../../src/deps.ts";
import { handleQueue } from "../../src/queues.ts";
import {
  callBack,
  type Merchant,
  newMerchant,
  newPhone,
  newReceipt,
  paid,
  request,
  rows,
} from "./gateway.ts";
import { type Network, said } from "./network.ts";

/** A queue that loses everything: tests move payouts by the consumer and the cron themselves. */
const loses = { send: async () => undefined };

/** With these the gateway can pay out, and has an operator to tell. */
export const PAYING = {
  DARAJA_INITIATOR: "smartpay",
  DARAJA_SECURITY_CREDENTIAL: "c2VhbGVk",
  OPERATOR_EMAIL: "ops@smartpay.co.ke",
  PAYOUT_QUEUE: loses as unknown as typeof env.PAYOUT_QUEUE, // nothing else of it is used
  NOTICE_QUEUE: loses as unknown as typeof env.NOTICE_QUEUE,
  LIMITS: '{"key_minute":100000}',
};

export type Payout = { merchant: Merchant; id: string; target: string };

/** A merchant whose key sends its money there. */
export async function merchantPaidTo(destination: object): Promise<Merchant> {
  const merchant = await newMerchant();
  const set = await request(`/v1/keys/${merchant.keyId}/destination`, {
    key: merchant.key,
    method: "PUT",
    body: destination,
    env: PAYING,
  });
  if (set.status !== 200) throw new Error(JSON.stringify(set.body));
  return merchant;
}

/** A customer's payment to the merchant, completed; answers its id. */
export async function collect(
  network: Network,
  merchant: Merchant,
  amount = 150,
  over: object = {},
): Promise<string> {
  const settings = { ...PAYING, ROUTING: "settle", ...over };
  const body = { phone: newPhone(), amount };
  const { body: ids } = await request("/v1/stk/push", { key: merchant.key, body, env: settings });
  const pushed = network.pushes.find(({ CallBackURL }) => CallBackURL?.includes(ids.transaction_id));
  await callBack(pushed?.CallBackURL ?? "", paid(ids, { amount }), settings);
  return ids.transaction_id;
}

/** A payout that was collected for the destination and is queued. */
export async function queuedPayout(
  network: Network,
  destination: object = { method: "phone", phone: newPhone() },
  { amount = 150, over = {} }: { amount?: number; over?: object } = {},
): Promise<Payout> {
  const merchant = await merchantPaidTo(destination);
  const id = (await collect(network, merchant, amount, over)).replace("tx_", "po_");
  const [row] = await rows<{ target: string }>("SELECT target FROM payouts WHERE id = ?", id);
  return { merchant, id, target: row?.target ?? "" };
}

/** The queue's consumer gets one message for each. */
export async function consume(payouts: Payout[], over: object = {}): Promise<void> {
  const ctx = createExecutionContext();
  const messages = payouts.map(({ merchant: { merchantId }, id }) => ({
    id: crypto.randomUUID(),
    timestamp: new Date(),
    attempts: 1,
    body: { merchantId, id },
  }));
  await handleQueue(
    createMessageBatch("smartpay-payouts", messages),
    createDeps({ ...env, ...PAYING, ...over }, ctx),
  );
  await waitOnExecutionContext(ctx);
}

export type Row = {
  status: string;
  attempt: number;
  amount: number;
  fee: number;
  receipt: string | null;
  reason: string | null;
  originator_id: string | null;
  conversation_id: string | null;
  due_at: number | null;
};

export async function payoutRow({ id }: Pick<Payout, "id">): Promise<Row> {
  const [row] = await rows<Row>("SELECT * FROM payouts WHERE id = ?", id);
  if (!row) throw new Error(`there is no payout ${id}`);
  return row;
}

export const wallet = async ({ merchantId }: Merchant) =>
  (await rows("SELECT balance, held, owed FROM wallets WHERE merchant_id = ?", merchantId))[0];

export const ledgerOf = (...references: string[]) =>
  rows<{ kind: string; debit: string; credit: string; amount: number }>(
    `SELECT kind, debit, credit, amount FROM ledger_entries
     WHERE reference IN (${references.map(() => "?").join()}) ORDER BY seq`,
    ...references,
  );

export const keptCallbacks = ({ id }: Pick<Payout, "id">) =>
  rows<{ verdict: string; open: number; body: string }>(
    "SELECT verdict, open, body FROM inbound_callbacks WHERE reference = ? ORDER BY received_at, verdict",
    id,
  );

export const toldOperator = ({ id }: Pick<Payout, "id">) =>
  rows<{ id: string; body: string }>(
    "SELECT id, body FROM notices WHERE merchant_id IS NULL AND body LIKE ? ORDER BY id",
    `%${id}%`,
  );

/** What M-Pesa was last asked to pay, wherever it goes. */
export const lastPaymentRequest = (network: Network) => said(network.to("/paymentrequest").at(-1));

export const answerTo = (url: string | undefined, body: unknown, over: object = {}) =>
  callBack(url ?? "", body, { ...PAYING, ...over });

type Ids = { ConversationID?: string; OriginatorConversationID?: string };
type Of = Ids & { amount?: number | string; receipt?: string };

const envelope = (code: number | string, desc: string, ids: Ids, rest: object = {}) => ({
  Result: {
    ResultType: 0,
    ResultCode: code,
    ResultDesc: desc,
    OriginatorConversationID: ids.OriginatorConversationID ?? "",
    ConversationID: ids.ConversationID ?? "",
    TransactionID: "",
    ReferenceData: { ReferenceItem: { Key: "QueueTimeoutURL", Value: "https://internal.safaricom.co.ke" } },
    ...rest,
  },
});

/** B2C's success. */
export function b2cPaid({ amount = 150, receipt = newReceipt(), ...ids }: Of = {}) {
  const parameters = [
    { Key: "TransactionAmount", Value: amount },
    { Key: "TransactionReceipt", Value: receipt },
    { Key: "ReceiverPartyPublicName", Value: "254712345678 - JOHN KAMAU" },
    { Key: "B2CUtilityAccountAvailableFunds", Value: 10_116 },
    { Key: "B2CWorkingAccountAvailableFunds", Value: 0 },
  ];
  const done = "The service request is processed successfully.";
  return envelope(0, done, ids, {
    TransactionID: receipt,
    ResultParameters: { ResultParameter: parameters },
  });
}

/** B2B's success: text where B2C has numbers, and the receipt beside the parameters. */
export function b2bPaid({ amount = 150, receipt = newReceipt(), ...ids }: Of = {}) {
  const parameters = [
    { Key: "Amount", Value: `${amount}.00` },
    { Key: "TransCompletedTime", Value: "20261124093015" },
    { Key: "DebitPartyCharges" },
    { Key: "Currency", Value: "KES" },
  ];
  const done = "The service request is processed successfully";
  return envelope("0", done, ids, {
    TransactionID: receipt,
    ResultParameters: { ResultParameter: parameters },
  });
}

export const payoutFailed = (code: number | string, desc = "It was declined.", ids: Ids = {}) =>
  envelope(code, desc, ids, { TransactionID: "UKO0000000" });

/** Transaction Status's answer: the ids outside are the question's own. */
export function status(
  word: string,
  { amount = 150, receipt = newReceipt() }: { amount?: number; receipt?: string | null } = {},
) {
  const parameters = [
    { Key: "DebitPartyName", Value: "600999 - SmartPay" },
    { Key: "DebitPartyName", Value: "600999 - SmartPay" },
    ...(receipt === null ? [] : [{ Key: "ReceiptNo", Value: receipt }]),
    { Key: "TransactionStatus", Value: word },
    { Key: "Amount", Value: amount },
    { Key: "TransactionReason" },
  ];
  return envelope(
    0,
    "The service request is processed successfully.",
    {
      ConversationID: "AG_20261124_of_the_question",
      OriginatorConversationID: "of-the-question",
    },
    { TransactionID: "UKOQUERY01", ResultParameters: { ResultParameter: parameters } },
  );
}

export const noSuchTransaction = () =>
  envelope(2033, "The transaction receipt number does not exist.", { ConversationID: "AG_q" });

/** Makes a merchant owe, as a reversal beyond its wallet would. */
export async function owe({ merchantId }: { merchantId: number }, amount: number) {
  await rows("UPDATE wallets SET owed = ? WHERE merchant_id = ?", amount, merchantId);
  await rows(
    `INSERT INTO ledger_entries (reference, kind, merchant_id, debit, credit, amount, created_at)
     VALUES (?, 'reversal_owed', ?, ?, 'mpesa', ?, 0)`,
    crypto.randomUUID(),
    merchantId,
    `owed:${merchantId}`,
    amount,
  );
}

/** Takes money out of the wallet, as a payout that was paid would. */
export async function spend({ merchantId }: { merchantId: number }, amount: number) {
  await rows("UPDATE wallets SET balance = balance - ? WHERE merchant_id = ?", amount, merchantId);
  await rows(
    `INSERT INTO ledger_entries (reference, kind, merchant_id, debit, credit, amount, created_at)
     VALUES (?, 'reversal', ?, ?, 'mpesa', ?, 0)`,
    crypto.randomUUID(),
    merchantId,
    `wallet:${merchantId}`,
    amount,
  );
}
