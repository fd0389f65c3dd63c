import type { Msisdn } from "../../lib/msisdn.ts";

export type SmsOutcome =
  /** The gateway took it; its own id, where it gave one, is what delivery reports name. */
  | { kind: "accepted"; providerId: string | null }
  /**
   * The gateway's answer says that it will not send. `reason` is for the merchant, `detail` for the
   * operator, to whom alone it is of use where no message would go: a wrong key, an empty account.
   */
  | { kind: "refused"; reason: string; detail: string; isOperators: boolean }
  /** No answer that tells: a timeout, a reset, HTML, a 5xx. The message may be on the phone. */
  | { kind: "unclear"; detail: string };

export interface SmsPort {
  /** Asks once. Never fails: what goes wrong is an outcome. */
  send(sms: { phone: Msisdn; message: string }): Promise<SmsOutcome>;
}

/** What the gateway says became of a message later. */
export type DeliveryReport = {
  providerId: string;
  /** Undefined where it is no Kenyan mobile number. */
  phone: Msisdn | undefined;
  result: { kind: "delivered" } | { kind: "failed"; reason: string };
};
