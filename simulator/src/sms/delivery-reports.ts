import { schedule } from "../jobs/queue.ts";
import { SECOND } from "../lib/clock.ts";
import type { World } from "../world.ts";
import type { Recipient } from "./recipients.ts";

const SAFARICOM = "63902";

/** Reports a message as delivered a second later, form-encoded and unsigned, where someone wants to know. */
export function scheduleDeliveryReport(world: World, { messageId, number }: Recipient): void {
  const url = world.config.smsDeliveryReportUrl;
  if (!url) return;
  const report = new URLSearchParams({
    id: messageId,
    status: "Success",
    phoneNumber: number,
    networkCode: SAFARICOM,
    retryCount: "0",
  });
  schedule(world, SECOND, {
    kind: "deliver",
    delivery: {
      url,
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: report.toString(),
    },
  });
}
