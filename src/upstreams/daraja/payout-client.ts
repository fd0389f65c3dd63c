import { Buffer } from "node:buffer";
import { constants, publicEncrypt } from "node:crypto";
import type { Initiator } from "../../env.ts";
import { SECOND_MS } from "../../lib/clock.ts";
import type { DarajaHttp } from "./http.ts";
import type { AcknowledgementOutcome, DarajaPayoutPort } from "./port.ts";
import { isTokenRefusal, translateAcknowledgement } from "./translate.ts";

const TIMEOUT_MS = 20 * SECOND_MS;
/** Daraja's kinds of identifier. */
const SHORTCODE = "4";
const TILL = "2";

/** The initiator's password, sealed for Safaricom: RSA with PKCS #1 v1.5. Its certificates are used beyond their dates. */
export function securityCredential({ credential }: Initiator): string {
  if ("ready" in credential) return credential.ready;
  const key = { key: credential.certificate, padding: constants.RSA_PKCS1_PADDING };
  return publicEncrypt(key, Buffer.from(credential.password)).toString("base64");
}

/** B2C, B2B, and Transaction Status for the payouts among them. */
export function payoutClient({ config, post }: DarajaHttp): DarajaPayoutPort {
  async function ask(path: string, body: (initiator: Initiator) => object): Promise<AcknowledgementOutcome> {
    const { initiator } = config;
    if (!initiator) return { kind: "not_sent", detail: "no initiator is configured" };
    let payload: object;
    try {
      payload = body(initiator);
    } catch (error) {
      return { kind: "not_sent", detail: `the security credential could not be made: ${error}` };
    }
    try {
      const answer = await post(path, payload, TIMEOUT_MS);
      if ("noToken" in answer) return { kind: "not_sent", detail: answer.noToken };
      if (isTokenRefusal(answer)) return { kind: "not_sent", detail: "M-Pesa refused the access token" };
      return translateAcknowledgement(answer);
    } catch (error) {
      return { kind: "unclear", detail: String(error) };
    }
  }

  return {
    b2c: (payment) =>
      ask("/mpesa/b2c/v3/paymentrequest", (initiator) => ({
        OriginatorConversationID: payment.originatorId,
        InitiatorName: initiator.name,
        SecurityCredential: securityCredential(initiator),
        CommandID: "BusinessPayment",
        Amount: payment.amount,
        PartyA: config.shortcode,
        PartyB: payment.phone,
        Remarks: payment.remarks,
        QueueTimeOutURL: payment.timeoutUrl,
        ResultURL: payment.resultUrl,
        Occassion: payment.remarks,
      })),

    b2b: (payment) => {
      const { payee } = payment;
      const isTill = payee.kind === "till";
      return ask("/mpesa/b2b/v1/paymentrequest", (initiator) => ({
        Initiator: initiator.name,
        SecurityCredential: securityCredential(initiator),
        CommandID: isTill ? "BusinessBuyGoods" : "BusinessPayBill",
        SenderIdentifierType: SHORTCODE,
        // Spelt as Daraja spells it; production wants 2 for a till, and no reference there.
        RecieverIdentifierType: isTill ? TILL : SHORTCODE,
        Amount: payment.amount,
        PartyA: config.shortcode,
        PartyB: payee.number,
        ...(payee.kind === "paybill" ? { AccountReference: payee.account } : {}),
        Remarks: payment.remarks,
        QueueTimeOutURL: payment.timeoutUrl,
        ResultURL: payment.resultUrl,
        Occassion: payment.remarks,
      }));
    },

    /** Exactly one id: with an empty TransactionID beside it the acknowledgement comes back empty. */
    transactionStatus: (query) =>
      ask("/mpesa/transactionstatus/v1/query", (initiator) => ({
        Initiator: initiator.name,
        SecurityCredential: securityCredential(initiator),
        CommandID: "TransactionStatusQuery",
        OriginalConversationID: query.originatorId,
        PartyA: config.shortcode,
        IdentifierType: SHORTCODE,
        Remarks: "Payout status",
        Occasion: "Payout status",
        QueueTimeOutURL: query.timeoutUrl,
        ResultURL: query.resultUrl,
      })),
  };
}
