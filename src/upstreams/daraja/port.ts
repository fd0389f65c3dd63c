import type { Kes } from "../../lib/kes.ts";
import type { Msisdn } from "../../lib/msisdn.ts";

/** What the gateway asks of M-Pesa, in our words. */
export type StkPush = {
  phone: Msisdn;
  amount: Kes;
  /** Who is paid: our own shortcode or till, or with direct routing the merchant's. */
  payee: { kind: "paybill" | "till"; number: string };
  /** As it appears on the prompt; already cut to what M-Pesa takes, except a payee's account number. */
  accountReference: string;
  description: string;
  callbackUrl: string;
};

export type PushOutcome =
  | { kind: "accepted"; checkoutRequestId: string; merchantRequestId: string }
  /** M-Pesa said no: no prompt was sent. `ours`: for the operator's shortcode, passkey or app, so it says so to all. */
  | { kind: "refused"; code: string; message: string; fault: "payment" | "ours" }
  /** There was no access token, so nothing was sent. */
  | { kind: "not_sent"; detail: string }
  /** No answer that tells: a timeout, a reset, HTML, another 5xx. The prompt may be on the phone. */
  | { kind: "unclear"; detail: string };

/** The codes of a payment's result that are known, in order. M-Pesa sends others too. */
export const RESULT_CODES = [
  "0",
  "1",
  "2",
  "3",
  "4",
  "8",
  "17",
  "26",
  "1001",
  "1019",
  "1025",
  "1031",
  "1032",
  "1036",
  "1037",
  "2001",
  "2028",
  "8006",
  "9999",
] as const;

export type ResultCode = (typeof RESULT_CODES)[number];

/** What M-Pesa says became of a payment. Codes are text: some are not numbers. */
export type PaymentResult =
  | {
      kind: "paid";
      /** Undefined where the source does not tell: a query knows neither amount, receipt nor time. */
      amount: number | undefined;
      receipt: string | undefined;
      paidAt: number | undefined;
      desc: string;
    }
  | { kind: "failed"; code: string; desc: string };

export type QueryOutcome =
  | { kind: "answered"; result: PaymentResult }
  /** Still processing, unknown to it, noise, or silence: no reason to change anything. */
  | { kind: "no_answer"; detail: string };

export interface DarajaPort {
  stkPush(push: StkPush): Promise<PushOutcome>;
  stkQuery(checkoutRequestId: string): Promise<QueryOutcome>;
  /** Has an access token in memory before it is needed; never fails. */
  warmUp(): Promise<void>;
}

/** The body of an STK callback, in our words. */
export type StkCallback = {
  checkoutRequestId: string;
  merchantRequestId: string;
  result: PaymentResult;
};

/** Where M-Pesa tells what became of a request that it answers later. */
export type ResultUrls = { resultUrl: string; timeoutUrl: string };

export type B2cPayment = ResultUrls & {
  /** Ours: a second request with the same id is refused, so it is never paid twice. */
  originatorId: string;
  phone: Msisdn;
  amount: Kes;
  remarks: string;
};

export type B2bPayment = ResultUrls & {
  payee: { kind: "paybill"; number: string; account: string } | { kind: "till"; number: string };
  amount: Kes;
  remarks: string;
};

export type AcknowledgementOutcome =
  | { kind: "accepted"; conversationId: string; originatorId: string }
  /** M-Pesa has a request with this originator id already. */
  | { kind: "duplicate" }
  /**
   * Nothing is under way. The `fault` lies in the payment, which would be refused again; in ours, the
   * operator's settings; or M-Pesa is busy.
   */
  | { kind: "refused"; code: string; message: string; fault: "payment" | "ours" | "busy" }
  /** `ours`: the operator's settings allow no request to be made. */
  | { kind: "not_sent"; detail: string; fault: "ours" | "unreachable" }
  /** It may be under way. */
  | { kind: "unclear"; detail: string };

/** M-Pesa's later word about a payout, or about a question after one. */
export type PayoutResult = {
  conversationId: string;
  originatorId: string;
  /** "0" is a success: of the payout, or of the question. */
  code: string;
  desc: string;
  receipt: string | undefined;
  /** That of this very result; in the answer to a question the question's own. */
  transactionId: string | undefined;
  /** NaN where there is one that cannot be read. */
  amount: number | undefined;
  /** What is left on the accounts that payouts are made from, where it tells; whole shillings. */
  funds: { utility?: number; working?: number };
  /** Only in the answer to a question: Completed, Failed, … */
  transactionStatus: string | undefined;
};

export interface DarajaPayoutPort {
  b2c(payment: B2cPayment): Promise<AcknowledgementOutcome>;
  b2b(payment: B2bPayment): Promise<AcknowledgementOutcome>;
  /** Asks what became of a payout; the answer comes to the result URL. */
  transactionStatus(query: ResultUrls & { originatorId: string }): Promise<AcknowledgementOutcome>;
}

/** What M-Pesa's own statement says that a customer paid to the shortcode. */
export type StatementLine = {
  receipt: string;
  /** 254…, or with `*` for each digit that M-Pesa hides; empty where it tells none. */
  phone: string;
  amount: number;
  reference: string;
  paidAt: number;
};

export type StatementAnswer =
  | {
      kind: "told";
      lines: StatementLine[];
      /** How many rows the answer had, with those that cannot be read. */
      rows: number;
      /** Of each row that cannot be read, the members at fault. */
      leftOut: string[][];
    }
  /** M-Pesa gave no answer that tells. */
  | { kind: "no_answer"; detail: string };

export interface DarajaStatementPort {
  /** Pull Transactions: the payments of a period of the last 48 hours, from the row `offset` on. */
  pull(period: { from: number; to: number }, offset: number): Promise<StatementAnswer>;
}

/** What Daraja says of the passkey, when it is asked for a payment that there is not. */
export type PasskeyVerdict = { kind: "right" | "wrong" | "no_answer"; detail: string };

export interface DarajaHealthPort {
  /** Answers where the Durable Object that holds the access token does. */
  holder(): Promise<void>;
  /** Undefined where there is a token; it is asked for anew only where the last has ended. */
  tokenFault(): Promise<string | undefined>;
  /** Undefined where Daraja gives a new token for the credentials of now. */
  credentialsFault(): Promise<string | undefined>;
  passkey(): Promise<PasskeyVerdict>;
  /** Which secret of the initiator's cannot be worked with; found out without asking Daraja. */
  initiatorFault(): string | undefined;
  /** By how many milliseconds our clock is ahead of Daraja's; undefined where its answer has no time. */
  clockAheadMs(): Promise<number | undefined>;
}
