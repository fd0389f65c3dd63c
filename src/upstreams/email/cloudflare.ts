import type { EmailPort } from "./port.ts";

/** Cloudflare's `send_email` binding, for deployments without another email service. */
export function cloudflareEmail(config: { binding: SendEmail; from: string }): EmailPort {
  return {
    async send({ to, subject, text }) {
      await config.binding.send({ from: config.from, to, subject, text });
    },
  };
}
