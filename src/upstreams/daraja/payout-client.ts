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

/** RSA with PKCS #1 v1.5, as Safaricom wants it; its certificates are used beyond their dates. */
const seal = (certificate: string, text: string) =>
  publicEncrypt({ key: certificate, padding: constants.RSA_PKCS1_PADDING }, Buffer.from(text)).toString(
    "base64",
  );

/** The initiator's password, sealed for Safaricom. */
export const securityCredential = ({ credential }: Initiator): string =>
  "ready" in credential ? credential.ready : seal(credential.certificate, credential.password);

/** What the smallest key makes that is still in use; shorter is one that was cut off. */
const SEALED_BYTES = 128;

/** Which secret of the initiator's cannot be worked with; undefined where a security credential can be made. */
export function credentialFault(initiator: Initiator): string | undefined {
  const { credential } = initiator;
  if ("ready" in credential) {
    const bytes = Buffer.from(credential.ready, "base64").length;
    return bytes < SEALED_BYTES
      ? `DARAJA_SECURITY_CREDENTIAL holds ${bytes} bytes, less than any sealed password: it was cut off`
      : undefined;
  }
  const { certificate, password } = credential;
  try {
    seal(certificate, "");
  } catch {
    const lines = certificate.trim().split("\n").length;
    return `DARAJA_CERTIFICATE is no whole certificate in PEM: ${lines} of its lines ${lines === 1 ? "is" : "are"} set`;
  }
  try {
    seal(certificate, password);
  } catch {
    return "DARAJA_INITIATOR_PASSWORD is too long to be sealed with DARAJA_CERTIFICATE";
  }
}

/** B2C, B2B, and Transaction Status for the payouts among them. */
export function payoutClient({ config, post }: DarajaHttp): DarajaPayoutPort {
  async function ask(path: string, body: (initiator: Initiator) => object): Promise<AcknowledgementOutcome> {
    const { initiator } = config;
    if (!initiator) return { kind: "not_sent", detail: "no initiator is configured", fault: "ours" };
    let payload: object;
    try {
      payload = body(initiator);
    } catch (error) {
      const detail = credentialFault(initiator) ?? `the request could not be made: ${error}`;
      return { kind: "not_sent", detail, fault: "ours" };
    }
    try {
      const answer = await post(path, payload, TIMEOUT_MS);
      if ("noToken" in answer) return { kind: "not_sent", detail: answer.noToken, fault: "unreachable" };
      if (isTokenRefusal(answer)) {
        return { kind: "not_sent", detail: "M-Pesa refused the access token", fault: "unreachable" };
      }
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
