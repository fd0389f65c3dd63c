import type { Config } from "../../env.ts";
import { DAY_MS, eastAfricaDay } from "../../lib/clock.ts";
import { type NotifyDeps, tellOperator } from "../notices/notify.ts";

/** Safaricom ends an initiator's password after so long; then no payout goes out. */
const PASSWORD_LIFE_MS = 90 * DAY_MS;
/** The operator is told so many days before, once each. */
const WARNING_DAYS = [3, 14];

/** Tells the operator that the initiator's password is about to end. */
export async function warnOfInitiator(
  deps: NotifyDeps & { config: NotifyDeps["config"] & Pick<Config, "daraja"> },
): Promise<void> {
  const setAt = deps.config.daraja.initiator?.passwordSetAt;
  if (setAt === undefined) return;
  const endsAt = setAt + PASSWORD_LIFE_MS;
  const days = WARNING_DAYS.find((d) => deps.now() >= endsAt - d * DAY_MS);
  if (days === undefined) return;
  const end = eastAfricaDay(endsAt);
  await tellOperator(deps, {
    id: `initiator_password:${end}:${days}`,
    subject: `The M-Pesa initiator's password ends on ${end}`,
    body: `Safaricom ends the password of the initiator on ${end}. From then on every payout fails. Set a new one on the portal, then DARAJA_INITIATOR_PASSWORD (or DARAJA_SECURITY_CREDENTIAL) and DARAJA_INITIATOR_PASSWORD_SET_ON here.\n`,
  });
}
