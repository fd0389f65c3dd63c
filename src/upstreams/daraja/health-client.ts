import { SECOND_MS } from "../../lib/clock.ts";
import type { DarajaHttp } from "./http.ts";
import { credentialFault } from "./payout-client.ts";
import type { DarajaHealthPort, PasskeyVerdict } from "./port.ts";
import { stkPassword } from "./stk-client.ts";
import { passkeyVerdict } from "./translate.ts";

const TIMEOUT_MS = 10 * SECOND_MS;

/** In Daraja's form, and no payment's. */
const NO_PAYMENT = "ws_CO_00000000000000000000000000";

/** What tells whether Daraja can be worked with, without a payment. */
export function healthClient({ config, now, outgoing, post, token, object }: DarajaHttp): DarajaHealthPort {
  const fault = (asked: Promise<unknown>) => asked.then(() => undefined).catch((error) => String(error));

  return {
    async holder(): Promise<void> {
      await object().ping();
    },

    tokenFault: () => fault(token()),

    async credentialsFault(): Promise<string | undefined> {
      const current = await token().catch(() => undefined);
      // Given as refused, so that the credentials of now are used, not a token that outlived them.
      return fault(token(current?.value));
    },

    async passkey(): Promise<PasskeyVerdict> {
      const body = { ...stkPassword(config, now()), CheckoutRequestID: NO_PAYMENT };
      try {
        const answer = await post("/mpesa/stkpushquery/v1/query", body, TIMEOUT_MS);
        return "noToken" in answer
          ? { kind: "no_answer", detail: "there is no access token to ask with" }
          : passkeyVerdict(answer);
      } catch (error) {
        return { kind: "no_answer", detail: String(error) };
      }
    },

    initiatorFault: () => config.initiator && credentialFault(config.initiator),

    async clockAheadMs(): Promise<number | undefined> {
      const response = await outgoing(async () => {
        const signal = AbortSignal.timeout(TIMEOUT_MS);
        const answer = await fetch(`${config.baseUrl}/oauth/v1/generate`, { redirect: "manual", signal });
        await answer.body?.cancel();
        return answer;
      });
      const theirs = Date.parse(response.headers.get("Date") ?? "");
      return Number.isNaN(theirs) ? undefined : now() - theirs;
    },
  };
}
