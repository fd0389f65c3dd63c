import type { Config } from "../../env.ts";
import { DAY_MS, MINUTE_MS } from "../../lib/clock.ts";
import { type NotifyDeps, tellOperator } from "../notices/notify.ts";
import { readFigures } from "./figures.ts";
import { ALERT_KINDS, alertsIn, askedInARow } from "./rules.ts";
import { endAlerts, keepAlert, readSettledSince } from "./store.ts";

export type AlertDeps = NotifyDeps & {
  config: NotifyDeps["config"] & Pick<Config, "scaled" | "floatAlertBelow" | "publicBaseUrl">;
};

/** An alert is over when it was not seen for so long: one that comes and goes is one occasion. */
const OVER_AFTER_MS = 15 * MINUTE_MS;

const SUBJECTS: Record<string, string> = {
  float_low_utility: "The M-Pesa float of the Utility account is low",
  float_low_working: "The M-Pesa float of the Working account is low",
  callbacks_missing: "M-Pesa's callbacks do not arrive",
  callbacks_stuck: "Callbacks of M-Pesa's cannot be worked on",
  pending_old: "Payments have been pending for too long",
  webhooks_piling: "Webhooks pile up",
  ledger_unverified: "The ledger has not been verified",
  ledger_broken: "The ledger does not hold",
};

export const alertSubject = (kind: string) => SUBJECTS[kind] ?? kind;

/** Looks at what the operator has to know, and tells what is new of it by email, once an occasion. */
export async function raiseAlerts(deps: AlertDeps): Promise<void> {
  const now = deps.now();
  const { scaled, floatAlertBelow: floatBelow } = deps.config;
  const figures = await readFigures(deps);
  const inARow = figures.isCalledBack ? 0 : askedInARow(await readSettledSince(deps.db, now - DAY_MS));
  const found = alertsIn({ ...figures, askedInARow: inARow }, { now, floatBelow, scaled });
  for (const { kind, detail } of found) await raiseAlert(deps, kind, detail);
  const kinds = found.map(({ kind }) => kind);
  await endAlerts(deps.db, [...ALERT_KINDS], kinds, now - scaled(OVER_AFTER_MS));
}

/** The notice's id names the occasion by its beginning, so that a run that died before it is made up for. */
export async function raiseAlert(deps: AlertDeps, kind: string, detail: string): Promise<void> {
  const since = await keepAlert(deps.db, kind, detail, deps.now());
  await tellOperator(deps, {
    id: `alert:${kind}:${since}`,
    subject: alertSubject(kind),
    body: `${detail}\n\nLook at ${deps.config.publicBaseUrl}/operator\n`,
  });
}
