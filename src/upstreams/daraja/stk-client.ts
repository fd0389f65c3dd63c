import type { DarajaConfig } from "../../env.ts";
import { darajaTimestamp, SECOND_MS } from "../../lib/clock.ts";
import type { DarajaHttp } from "./http.ts";
import type { DarajaPort, PushOutcome, QueryOutcome, StkPush } from "./port.ts";
import { isTokenRefusal, TOKEN_REFUSED, translatePush, translateQuery } from "./translate.ts";

/**
 * Shorter than the 30 s that the runtime leaves a request whose client is gone, so that a push still
 * records what became of it.
 */
const PUSH_TIMEOUT_MS = 20 * SECOND_MS;
const QUERY_TIMEOUT_MS = 10 * SECOND_MS;

/** What proves to Daraja whose shortcode it is, at this time. */
export function stkPassword({ shortcode, passkey }: DarajaConfig, now: number) {
  const timestamp = darajaTimestamp(now);
  return {
    BusinessShortCode: shortcode,
    Password: btoa(shortcode + passkey + timestamp),
    Timestamp: timestamp,
  };
}

/** STK Push and STK Query. */
export function stkClient({ config, now, post, token }: DarajaHttp): DarajaPort {
  const credentials = () => stkPassword(config, now());

  return {
    async stkPush(push: StkPush): Promise<PushOutcome> {
      const body = {
        ...credentials(),
        TransactionType: push.payee.kind === "till" ? "CustomerBuyGoodsOnline" : "CustomerPayBillOnline",
        Amount: push.amount,
        PartyA: push.phone,
        PartyB: push.payee.number,
        PhoneNumber: push.phone,
        CallBackURL: push.callbackUrl,
        AccountReference: push.accountReference,
        TransactionDesc: push.description,
      };
      try {
        const answer = await post("/mpesa/stkpush/v1/processrequest", body, PUSH_TIMEOUT_MS);
        if ("noToken" in answer) return { kind: "not_sent", detail: answer.noToken };
        return isTokenRefusal(answer)
          ? { kind: "refused", code: "404.001.03", message: TOKEN_REFUSED, fault: "ours" }
          : translatePush(answer);
      } catch (error) {
        return { kind: "unclear", detail: String(error) };
      }
    },

    async stkQuery(checkoutRequestId: string): Promise<QueryOutcome> {
      const body = { ...credentials(), CheckoutRequestID: checkoutRequestId };
      try {
        const answer = await post("/mpesa/stkpushquery/v1/query", body, QUERY_TIMEOUT_MS);
        if ("noToken" in answer) return { kind: "no_answer", detail: answer.noToken };
        return translateQuery(answer);
      } catch (error) {
        return { kind: "no_answer", detail: String(error) };
      }
    },

    async warmUp(): Promise<void> {
      await token().catch(() => undefined); // the push itself will say so
    },
  };
}
