// A payment of KES 1 through the whole gateway, by a merchant of its own.
import { setTimeout as sleep } from "node:timers/promises";

const PATIENCE_MS = 180_000;

/** `--payee 247247:0123456789` is a paybill and its account, `--payee 123456` a till. */
export function destinationOf(payee) {
  if (payee === undefined) return { method: "wallet" };
  const [number, account] = payee.split(":");
  return account === undefined
    ? { method: "till", till_number: number }
    : { method: "paybill", paybill_number: number, account_number: account };
}

/** Pushes KES 1 to the phone and waits for its end. @returns a finding */
export async function pushOne({ gateway, operatorToken, phone, payee }) {
  const name = payee === undefined ? "push" : "direct";
  const call = async (method, path, token, body) => {
    const response = await fetch(gateway + path, {
      method,
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
    });
    return response.json();
  };
  const fault = (detail) => ({ name, ok: false, detail });

  const merchant = { fullname: "Doctor", email: "doctor@example.com", plan: "Trial" };
  const made = await call("POST", "/operator/v1/merchants", operatorToken, merchant);
  if (!made.success) return fault(`no merchant could be made for it: ${made.message}`);
  const { id, api_key: key } = made.key;
  const set = await call("PUT", `/v1/keys/${id}/destination`, key, destinationOf(payee));
  if (!set.success) return fault(`the payee was refused: ${set.message}`);

  const started = await call("POST", "/v1/stk/push", key, { phone, amount: 1, account_reference: "DOCTOR" });
  if (!started.success) return fault(started.message);
  for (let waited = 0; waited < PATIENCE_MS; waited += 1_000) {
    const { transaction } = await call("GET", `/v1/transactions/${started.transaction_id}`, key);
    if (transaction?.status === "completed") {
      const receipt = transaction.mpesa_receipt ?? "to come with M-Pesa's statement";
      const to = payee === undefined ? "your shortcode" : payee;
      return { name, ok: true, detail: `KES 1 was paid to ${to}, receipt ${receipt}` };
    }
    if (transaction?.status === "failed") {
      return fault(`M-Pesa ended it with ${transaction.result_code}: ${transaction.result_desc}`);
    }
    await sleep(1_000);
  }
  return { name, ok: null, detail: "it has not ended after three minutes; look it up with its key" };
}
