import { type AlertDeps, raiseAlerts } from "./alerts.ts";
import { keepFigures, type RecordDeps } from "./record.ts";

/** Each minute: the figures first, then what they say. */
export async function watch(deps: AlertDeps & RecordDeps): Promise<void> {
  await keepFigures(deps);
  await raiseAlerts(deps);
}
