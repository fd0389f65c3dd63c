import type { DeliveryReport } from "../../upstreams/sms-gateway/port.ts";

export type SmsMessage =
  /** Asks for a stored SMS to be sent. */
  | { kind: "send"; merchantId: number; id: string }
  /** A delivery report that named no message of ours when it came: it may have overtaken the answer. */
  | { kind: "report"; report: DeliveryReport };
