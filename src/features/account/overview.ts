import type { Db } from "../../db/client.ts";
import { type Clock, DAY_MS, eastAfricaDay, endOfEastAfricaDay } from "../../lib/clock.ts";
import type { MerchantId } from "../../lib/ids.ts";
import type { StoredKey } from "../keys/store.ts";
import { PLANS, type PlanName } from "../subscriptions/plans.ts";
import { readOverview } from "./overview-store.ts";

const CHART_DAYS = 30;
const WEBHOOKS_LOOKED_AT_MS = 7 * DAY_MS;
const FEW_SMS_CREDITS = 10;
const ENDS_SOON_MS = 3 * DAY_MS;

/** What a merchant should look at, each with what it concerns. */
export type Attention =
  | { kind: "phone_not_verified" }
  | { kind: "webhooks_failing"; count: number }
  | { kind: "key_suspended"; key: StoredKey }
  | { kind: "limit_low"; key: StoredKey }
  | { kind: "plan_ending"; key: StoredKey }
  | { kind: "no_plan"; key: StoredKey }
  | { kind: "sms_credits_low"; credits: number }
  | { kind: "owed"; amount: number };

/** What the home page tells: all takings, wherever the money landed, by the day on which they were asked for. */
export async function readHome(deps: { db: Db; now: Clock }, merchantId: MerchantId) {
  const now = deps.now();
  const today = endOfEastAfricaDay(now) - DAY_MS;
  const read = await readOverview(deps.db, merchantId, {
    today,
    since: today - (CHART_DAYS - 1) * DAY_MS,
    failedSince: now - WEBHOOKS_LOOKED_AT_MS,
  });
  const takings = new Map(read.days.map(({ day, amount }) => [day, amount]));
  const days = Array.from({ length: CHART_DAYS }, (_, i) => {
    const day = eastAfricaDay(today - (CHART_DAYS - 1 - i) * DAY_MS);
    return { day, amount: takings.get(day) ?? 0 };
  });
  const figures = read.figures ?? { started: 0, completed: 0, failed: 0 };
  const finished = figures.completed + figures.failed;
  return {
    today: read.today ?? { takings: 0, completed: 0, failed: 0, pending: 0 },
    successRate: finished === 0 ? undefined : figures.completed / finished,
    days,
    wallet: read.wallet,
    recent: read.recent,
    keys: read.keys,
    attention: attentionOf(read, now),
  };
}

export type Home = Awaited<ReturnType<typeof readHome>>;

function attentionOf(read: Awaited<ReturnType<typeof readOverview>>, now: number): Attention[] {
  const { keys, wallet, failedDeliveries, isVerified } = read;
  const attention: Attention[] = isVerified ? [] : [{ kind: "phone_not_verified" }];
  if (failedDeliveries > 0) attention.push({ kind: "webhooks_failing", count: failedDeliveries });
  for (const key of keys) {
    if (key.suspendedAt !== null) attention.push({ kind: "key_suspended", key });
    else if (key.plan === null || key.expiresAt === null || key.expiresAt <= now) {
      if (key.isDefault && isVerified) attention.push({ kind: "no_plan", key });
    } else if (key.callsLeft <= Math.floor(PLANS[key.plan as PlanName].calls / 10)) {
      attention.push({ kind: "limit_low", key }); // plans are written from the table
    } else if (key.expiresAt <= now + ENDS_SOON_MS) attention.push({ kind: "plan_ending", key });
  }
  const notifies = keys.some(({ notifyPhone }) => notifyPhone !== "");
  if (wallet && notifies && wallet.smsCredits < FEW_SMS_CREDITS) {
    attention.push({ kind: "sms_credits_low", credits: wallet.smsCredits });
  }
  if (wallet && wallet.owed > 0) attention.push({ kind: "owed", amount: wallet.owed });
  return attention;
}
