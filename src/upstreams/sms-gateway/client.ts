import type { Config } from "../../env.ts";
import { SECOND_MS } from "../../lib/clock.ts";
import type { Outgoing } from "../outgoing.ts";
import type { SmsPort } from "./port.ts";
import { translateSending } from "./translate.ts";

/** Leaves room to record the outcome within the 30 s that the runtime grants work after an answer. */
const TIMEOUT_MS = 15 * SECOND_MS;

/** Africa's Talking over HTTP. `scaled` shortens the timeout locally, to five seconds at the least. */
export function smsGatewayClient(deps: {
  config: NonNullable<Config["sms"]>;
  scaled: (ms: number) => number;
  outgoing: Outgoing;
}): SmsPort {
  const { baseUrl, username, apiKey, senderId } = deps.config;
  return {
    async send({ phone, message }) {
      const form = new URLSearchParams({
        username,
        to: `+${phone}`,
        message,
        bulkSMSMode: "1",
        // Answers once the message is taken, not once the network has it: fewer answers come too late.
        enqueue: "1",
        ...(senderId ? { from: senderId } : {}),
      });
      try {
        return await deps.outgoing(async () => {
          const response = await fetch(`${baseUrl}/version1/messaging`, {
            method: "POST",
            headers: {
              apiKey,
              Accept: "application/json", // its default is XML
              "Content-Type": "application/x-www-form-urlencoded",
            },
            body: form.toString(),
            redirect: "manual",
            signal: AbortSignal.timeout(Math.max(5 * SECOND_MS, deps.scaled(TIMEOUT_MS))),
          });
          return translateSending({ status: response.status, text: await response.text() });
        });
      } catch (error) {
        return { kind: "unclear", detail: String(error) };
      }
    },
  };
}
