import type { Db } from "../../db/client.ts";
import type { Config } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import { logFault } from "../../http/log.ts";
import { type Clock, HOUR_MS } from "../../lib/clock.ts";
import { storedMerchantId, storedTransactionId } from "../../lib/ids.ts";
import { storedKes } from "../../lib/kes.ts";
import { storedMsisdn } from "../../lib/msisdn.ts";
import type { DarajaPort, PushOutcome, StkPush } from "../../upstreams/daraja/port.ts";
import { storedDestination } from "../keys/destination.ts";
import { type NotifyDeps, tellOperator } from "../notices/notify.ts";
import { isCollected } from "../payouts/rules.ts";
import { callbackUrl } from "./callback-url.ts";
import { DESCRIPTION_LENGTH, REFERENCE_LENGTH } from "./contract.ts";
import { DEFAULT_DESCRIPTION, DEFAULT_REFERENCE, forPrompt, GIVE_UP_MS, publicCheckoutId } from "./rules.ts";
import { recordAccepted, recordRefused, recordUnclear, type StoredTransaction } from "./store.ts";

export type SendDeps = NotifyDeps & {
  db: Db;
  config: Pick<Config, "appSecret" | "publicBaseUrl" | "daraja" | "scaled">;
  now: Clock;
  daraja: DarajaPort;
  background: (work: Promise<unknown>) => void;
};

/** `accepted` false: M-Pesa's answer was unclear, and the ids are provisional. */
export type PushAnswer = {
  accepted: boolean;
  replayed: boolean;
  transactionId: string;
  checkoutRequestId: string;
  merchantRequestId: string;
};

/** The first answer again. A first request that died before its answer counts as unclear from now on. */
export async function replay(deps: SendDeps, payment: StoredTransaction): Promise<PushAnswer> {
  const current = payment.acknowledgement
    ? payment
    : await recordUnclear(deps.db, payment, payment.createdAt + deps.config.scaled(GIVE_UP_MS));
  return answerFrom(current, true);
}

const answerFrom = (payment: StoredTransaction, replayed: boolean): PushAnswer => ({
  accepted: payment.acknowledgement === "accepted",
  replayed,
  transactionId: payment.id,
  checkoutRequestId: publicCheckoutId(payment),
  merchantRequestId: payment.acknowledgement === "accepted" ? (payment.merchantRequestId ?? "") : "",
});

/**
 * Asks M-Pesa for the prompt of a stored payment, once, and records what it answered before anybody is
 * told. `releasePhone` is called where no prompt can have been sent.
 * @throws PAYMENT_FAILURE where M-Pesa refused, SERVICE_UNAVAILABLE where it could not be asked
 */
export async function send(
  deps: SendDeps,
  payment: StoredTransaction,
  releasePhone: () => void,
): Promise<PushAnswer> {
  const outcome = await deps.daraja.stkPush(await toStkPush(deps.config, payment));
  const giveUpAt = payment.createdAt + deps.config.scaled(GIVE_UP_MS);
  switch (outcome.kind) {
    case "accepted":
      try {
        await recordAccepted(deps.db, payment, outcome);
        return answerFrom({ ...payment, ...outcome, acknowledgement: "accepted" }, false);
      } catch (error) {
        // M-Pesa's id is lost to us, and our own needs no stored row: the callback will settle it.
        logFault(`record of ${payment.id}`, error);
        return answerFrom(payment, false);
      }
    case "unclear":
      return answerFrom(await recordUnclear(deps.db, payment, giveUpAt).catch(() => payment), false);
    case "refused":
    case "not_sent": {
      const current = await recordRefusal(deps, payment, outcome);
      // A callback was quicker and proved that the prompt was sent after all.
      if (current?.acknowledgement === "accepted") return answerFrom(current, false);
      releasePhone();
      if (outcome.kind === "refused" && outcome.fault === "ours") deps.background(tellRefused(deps, outcome));
      throw refusalError(outcome);
    }
  }
}

/** Once an hour: what M-Pesa says of the operator's settings it says to every payment. */
const tellRefused = (deps: SendDeps, { code, message }: { code: string; message: string }) =>
  tellOperator(deps, {
    id: `pushes_refused:${code}:${Math.floor(deps.now() / HOUR_MS)}`,
    subject: "M-Pesa refuses payments because of your settings",
    body: `M-Pesa refused to send a prompt: ${code} ${message}\n\nThat is no fault of the payment: other prompts are refused too until it is mended. Check the shortcode, the passkey, and whether M-Pesa Express is on your Daraja app (npm run doctor asks for each). Merchants are told PAYMENT_FAILURE, and no customer got a prompt.`,
  });

type Refusal = Exclude<PushOutcome, { kind: "accepted" | "unclear" }>;

function refusalError(refusal: Refusal): ApiError {
  if (refusal.kind === "refused") {
    return new ApiError("PAYMENT_FAILURE", {
      message: `M-Pesa refused the payment request, and no prompt was sent: ${refusal.code} ${refusal.message}`,
    });
  }
  return new ApiError("SERVICE_UNAVAILABLE", {
    message: "M-Pesa cannot be reached now. No prompt was sent; try again shortly.",
    retryAfterSeconds: 5,
    cause: new Error(refusal.detail),
  });
}

/** If this cannot be recorded the payment stays pending, which promises nothing, and ends with the day. */
async function recordRefusal(deps: SendDeps, payment: StoredTransaction, refusal: Refusal) {
  const told =
    refusal.kind === "refused"
      ? { code: refusal.code, message: refusal.message }
      : { code: "no_token", message: "M-Pesa could not be reached." };
  try {
    return await recordRefused(deps.db, payment, { ...told, now: deps.now() });
  } catch (error) {
    logFault(`refusal of ${payment.id}`, error);
    return undefined;
  }
}

async function toStkPush(config: SendDeps["config"], payment: StoredTransaction): Promise<StkPush> {
  const ref = { merchantId: storedMerchantId(payment.merchantId), id: storedTransactionId(payment.id) };
  const length = DESCRIPTION_LENGTH.onPrompt;
  return {
    phone: storedMsisdn(payment.phone),
    amount: storedKes(payment.amount),
    ...payeeOf(payment, config.daraja),
    description: forPrompt(payment.description, length, DEFAULT_DESCRIPTION.slice(0, length)),
    callbackUrl: await callbackUrl(config.publicBaseUrl, config.appSecret, ref),
  };
}

/**
 * Whose number the prompt asks to pay. With direct routing the merchant's own, and its account number
 * stands unaltered in the reference's place; everything else is collected on the operator's shortcode.
 */
function payeeOf(
  payment: StoredTransaction,
  { shortcode, till }: SendDeps["config"]["daraja"],
): Pick<StkPush, "payee" | "accountReference"> {
  const destination = storedDestination(payment.destination);
  const accountReference = forPrompt(payment.accountReference, REFERENCE_LENGTH.onPrompt, DEFAULT_REFERENCE);
  if (!isCollected(destination, payment.routing)) {
    switch (destination.method) {
      case "paybill": {
        const { paybill_number: number, account_number } = destination;
        return { payee: { kind: "paybill", number }, accountReference: account_number };
      }
      case "bankpaybill": {
        const { bank_code: number, bank_account } = destination;
        return { payee: { kind: "paybill", number }, accountReference: bank_account };
      }
      case "till":
        return { payee: { kind: "till", number: destination.till_number }, accountReference };
    }
  }
  return {
    payee: till ? { kind: "till", number: till } : { kind: "paybill", number: shortcode },
    accountReference,
  };
}
