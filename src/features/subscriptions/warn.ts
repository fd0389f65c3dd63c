import type { Room } from "../../db/room.ts";
import { DAY_MS, eastAfricaTime } from "../../lib/clock.ts";
import { type NotifyDeps, notify } from "../notices/notify.ts";
import { PLANS } from "./plans.ts";
import { endsBetween, isLow, readUnwarned, type Warning } from "./store.ts";

const ENDING_MS = 3 * DAY_MS;
/** What ended longer ago is no news. */
const ENDED_MS = 3 * DAY_MS;
const AT_MOST = 100;

type Unwarned = Awaited<ReturnType<typeof readUnwarned>>[number];

/** Tells merchants, once for each period, that a key has 10 % of its calls left, 3 days left, or none. */
export async function warnOfSubscriptions(deps: NotifyDeps & Room): Promise<void> {
  const now = deps.now();
  const low = await Promise.all(
    Object.entries(PLANS).map(([plan, { calls }]) =>
      readUnwarned(deps.db, "plan_low", isLow(plan, calls, now), AT_MOST),
    ),
  );
  for (const key of low.flat()) await tell(deps, "plan_low", key);
  const ending = await readUnwarned(deps.db, "plan_ending", endsBetween(now, now + ENDING_MS), AT_MOST);
  for (const key of ending) await tell(deps, "plan_ending", key);
  const ended = await readUnwarned(deps.db, "plan_ended", endsBetween(now - ENDED_MS, now), AT_MOST);
  for (const key of ended) await tell(deps, "plan_ended", key);
}

async function tell(deps: NotifyDeps & Room, warning: Warning, key: Unwarned): Promise<void> {
  if (!deps.hasRoom()) return;
  const { subject, body } = wording(warning, key);
  await notify(deps, {
    id: key.noticeId,
    merchantId: key.merchantId,
    channel: "email",
    recipient: key.email,
    subject,
    body: `${body}\n\nRenew it in your dashboard, or by the API: POST /v1/keys/{id}/subscription.\n`,
  });
}

function wording(warning: Warning, { name, plan, callsLeft, expiresAt }: Unwarned) {
  const end = eastAfricaTime(expiresAt ?? 0);
  switch (warning) {
    case "plan_low":
      return {
        subject: `SmartPay: ${callsLeft} calls left on "${name}"`,
        body: `The ${plan} plan of your API account "${name}" has ${callsLeft} calls left. At none, no prompts can be sent.`,
      };
    case "plan_ending":
      return {
        subject: `SmartPay: the plan of "${name}" ends soon`,
        body: `The ${plan} plan of your API account "${name}" ends on ${end} EAT. Calls that are left then lapse.`,
      };
    case "plan_ended":
      return {
        subject: `SmartPay: the plan of "${name}" has ended`,
        body: `The ${plan} plan of your API account "${name}" ended on ${end} EAT. Until it is renewed no prompts can be sent.`,
      };
  }
}
