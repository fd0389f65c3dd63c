import type { Db } from "../../db/client.ts";
import { logEvent } from "../../http/log.ts";
import { type Clock, SECOND_MS } from "../../lib/clock.ts";
import type { DeliveryReport } from "../../upstreams/sms-gateway/port.ts";
import type { SmsMessage } from "./message.ts";
import { recordReport, recordReportByPhone } from "./store.ts";

/**
 * A report may overtake the answer that tells the id it names. By then a sending has ended or was given
 * up; locally, where pauses are shortened, a sending still has its five seconds.
 */
const LOOK_AGAIN_MS = 30 * SECOND_MS;
const LOOK_AGAIN_AT_LEAST_MS = 7 * SECOND_MS;

/**
 * Takes in a delivery report. Reports are unsigned, so they say what became of a message, and move no
 * credits. One that names no message of ours is looked at again a little later.
 */
export async function takeReport(
  deps: { db: Db; smsQueue: Pick<Queue<SmsMessage>, "send">; config: { scaled: (ms: number) => number } },
  report: DeliveryReport,
): Promise<void> {
  if (await recordReport(deps.db, report)) return;
  const pauseMs = Math.max(LOOK_AGAIN_AT_LEAST_MS, deps.config.scaled(LOOK_AGAIN_MS));
  const delaySeconds = Math.ceil(pauseMs / SECOND_MS);
  await deps.smsQueue.send({ kind: "report", report }, { delaySeconds });
}

/** The second look, and the last. */
export async function takeLateReport(deps: { db: Db; now: Clock }, report: DeliveryReport): Promise<void> {
  const isKnown =
    (await recordReport(deps.db, report)) || (await recordReportByPhone(deps.db, report, deps.now()));
  if (!isKnown) logEvent("sms_report_unknown", { provider_id: report.providerId });
}
