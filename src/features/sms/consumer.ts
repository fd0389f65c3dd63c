import { z } from "zod";
import type { Clock } from "../../lib/clock.ts";
import { parseMsisdn } from "../../lib/msisdn.ts";
import { type DispatchDeps, dispatch } from "./dispatch.ts";
import { takeLateReport } from "./report.ts";

const result = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("delivered") }),
  z.object({ kind: z.literal("failed"), reason: z.string() }),
]);

const message = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("send"), merchantId: z.int(), id: z.string() }),
  z.object({
    kind: z.literal("report"),
    report: z.object({ providerId: z.string(), phone: z.unknown().transform(parseMsisdn), result }),
  }),
]);

/** The queue's door: a message to send, or a delivery report to look at again. */
export async function consumeSms(deps: DispatchDeps & { now: Clock }, body: unknown): Promise<void> {
  const read = message.parse(body);
  return read.kind === "send" ? dispatch(deps, read) : takeLateReport(deps, read.report);
}
