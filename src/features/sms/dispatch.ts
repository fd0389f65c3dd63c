import type { Db } from "../../db/client.ts";
import type { Config } from "../../env.ts";
import { logEvent } from "../../http/log.ts";
import { type Clock, eastAfricaDay } from "../../lib/clock.ts";
import { storedMsisdn } from "../../lib/msisdn.ts";
import type { SmsPort } from "../../upstreams/sms-gateway/port.ts";
import { type NotifyDeps, tellOperator } from "../notices/notify.ts";
import { SENDING_ENDS_MS } from "./rules.ts";
import { claimSending, recordAccepted, recordRefused, recordUnclear, type SmsRef } from "./store.ts";

export type DispatchDeps = NotifyDeps & {
  db: Db;
  now: Clock;
  config: Pick<Config, "scaled">;
  /** Undefined where no SMS gateway is configured: what is queued then waits. */
  sms: SmsPort | undefined;
};

/**
 * Hands a stored message to the SMS gateway, once: it is marked before the gateway is asked, and whoever
 * finds it marked leaves it alone. A sending that dies in between counts as unclear.
 */
export async function dispatch(deps: DispatchDeps, ref: SmsRef): Promise<void> {
  if (!deps.sms) return;
  const sms = await claimSending(deps.db, ref, deps.now() + deps.config.scaled(SENDING_ENDS_MS));
  if (!sms) return;
  const outcome = await deps.sms.send({ phone: storedMsisdn(sms.phone), message: sms.message });
  switch (outcome.kind) {
    case "accepted":
      return recordAccepted(deps.db, sms, outcome.providerId, deps.now());
    case "refused":
      logEvent("sms_refused", { sms: sms.id, detail: outcome.detail });
      await recordRefused(deps.db, sms, outcome.reason);
      if (outcome.isOperators) await tellRefused(deps, outcome.detail);
      return;
    case "unclear":
      logEvent("sms_unclear", { sms: sms.id, detail: outcome.detail });
      return recordUnclear(deps.db, sms);
  }
}

/** Once a day, since every message of that day meets the same. */
const tellRefused = (deps: DispatchDeps, detail: string) =>
  tellOperator(deps, {
    id: `sms_refused:${eastAfricaDay(deps.now())}`,
    subject: "The SMS gateway refuses to send",
    body:
      `It answered "${detail}", which is about its account with us, not about a recipient.\n` +
      "Until that is settled, messages fail and their credits are given back.\n",
  });
