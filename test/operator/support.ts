import { env } from "cloudflare:test";
import { newMerchant, newPhone, request, rows } from "../support/gateway.ts";
import { broken, type Network } from "../support/network.ts";
import { collect, consume, merchantPaidTo, PAYING, type Payout } from "../support/payouts.ts";

/** A call with the operator's token. */
export const asOperator = (path: string, body?: object, over: object = {}) =>
  request(`/operator/v1${path}`, {
    headers: { Authorization: `Bearer ${env.OPERATOR_TOKEN}` },
    body,
    env: { ...PAYING, ...over },
  });

export const act = (path: string, over: object = {}) => asOperator(path, {}, over);

export type Audited = { actor: string; action: string; subject: string; reason: string; detail: string };
export const audited = (subject: string) =>
  rows<Audited>(
    "SELECT actor, action, subject, reason, detail FROM audit_log WHERE subject = ? ORDER BY id",
    subject,
  );

/** A push whose answer was lost, eleven minutes ago. */
export async function unclearPayment(network: Network, with_: { callbackUrl?: string } = {}) {
  const merchant = await newMerchant(with_);
  network.push = broken("TimeoutError");
  const body = { phone: newPhone(), amount: 150 };
  const pushed = await request("/v1/stk/push", { key: merchant.key, body, env: PAYING });
  const id: string = pushed.body.transaction_id;
  await rows("UPDATE transactions SET created_at = created_at - 660000 WHERE id = ?", id);
  const url = network.pushes.find(({ CallBackURL }) => CallBackURL?.includes(id))?.CallBackURL ?? "";
  return { merchant, id, url };
}

/** A B2B payout whose acknowledgement and result were both lost, a quarter of an hour ago. */
export async function lostPayout(network: Network, destination: object = PAYBILL): Promise<Payout> {
  const merchant = await merchantPaidTo(destination);
  const id = (await collect(network, merchant)).replace("tx_", "po_");
  network.b2b = broken("TimeoutError");
  const payout = { merchant, id, target: "" };
  await consume([payout]);
  await rows("UPDATE payouts SET sent_at = sent_at - 900000 WHERE id = ?", id);
  return payout;
}

export const PAYBILL = { method: "paybill", paybill_number: "888880", account_number: "SHOP-1" };

export const ruleOn = (subject: string, ruling: object) =>
  asOperator("/rulings", { subject, reason: "M-Pesa's portal says so.", ...ruling });
