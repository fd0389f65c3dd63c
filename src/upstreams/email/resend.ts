import { SECOND_MS } from "../../lib/clock.ts";
import type { Outgoing } from "../outgoing.ts";
import type { EmailPort } from "./port.ts";

const TIMEOUT_MS = 10 * SECOND_MS;

/** An HTTP API of Resend's shape: `POST /emails`. */
export function resendEmail(config: {
  baseUrl: string;
  apiKey: string;
  from: string;
  outgoing: Outgoing;
}): EmailPort {
  return {
    async send({ to, subject, text, id }) {
      await config.outgoing(async () => {
        const response = await fetch(`${config.baseUrl}/emails`, {
          method: "POST",
          headers: {
            Authorization: `Bearer ${config.apiKey}`,
            "Content-Type": "application/json",
            "Idempotency-Key": id,
          },
          body: JSON.stringify({ from: config.from, to: [to], subject, text }),
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        await response.body?.cancel();
        if (!response.ok) throw new Error(`the email service answered ${response.status}`);
      });
    },
  };
}
