import type { Limits } from "../../env.ts";
import { endOfEastAfricaDay, MINUTE_MS, SECOND_MS } from "../../lib/clock.ts";
import type { FraudCode } from "../fraud/rules.ts";

/** A key's calls in the current minute and in the current day of East Africa. */
export type KeyWindows = { minuteEnds: number; minuteCount: number; dayEnds: number; dayCount: number };

export type WindowState = { limit: number; remaining: number; resetSeconds: number };

export type GateAnswer = {
  verdict: "admitted" | "minute_full" | "day_full" | "disowned";
  /** Only of a push: the fraud rule that blocks it. */
  fraud?: FraudCode | undefined;
  minute: WindowState;
  day: WindowState;
};

/**
 * The text's "60 req / min" and "10,000 req / day" for a key: fixed windows, the day in East Africa Time.
 * Only an admitted call counts, and one that the minute denies is not counted by the day.
 */
export function admitCall(
  stored: KeyWindows | undefined,
  now: number,
  limits: Pick<Limits, "key_minute" | "key_day">,
): { windows: KeyWindows; answer: GateAnswer } {
  const fresh = { minuteEnds: 0, minuteCount: 0, dayEnds: 0, dayCount: 0 };
  const windows = { ...(stored ?? fresh) };
  const minuteEnds = (Math.floor(now / MINUTE_MS) + 1) * MINUTE_MS;
  if (windows.minuteEnds !== minuteEnds) Object.assign(windows, { minuteEnds, minuteCount: 0 });
  const dayEnds = endOfEastAfricaDay(now);
  if (windows.dayEnds !== dayEnds) Object.assign(windows, { dayEnds, dayCount: 0 });

  let verdict: GateAnswer["verdict"] = "admitted";
  if (windows.minuteCount >= limits.key_minute) verdict = "minute_full";
  else if (windows.dayCount >= limits.key_day) verdict = "day_full";
  if (verdict === "admitted") {
    windows.minuteCount++;
    windows.dayCount++;
  }
  return {
    windows,
    answer: {
      verdict,
      minute: windowState(limits.key_minute, windows.minuteCount, minuteEnds - now),
      day: windowState(limits.key_day, windows.dayCount, dayEnds - now),
    },
  };
}

function windowState(limit: number, count: number, resetMs: number): WindowState {
  return { limit, remaining: Math.max(0, limit - count), resetSeconds: Math.ceil(resetMs / SECOND_MS) };
}

/**
 * One push's claim on a phone. Copies of one request claim under one name and share a slot.
 * `used` once its intent is stored; until then its holder is about to use or to release it.
 */
export type PhoneClaim = { name: string; at: number; used: boolean };

export type PhoneVerdict =
  | { kind: "free" }
  /** Claims that are still undecided fill the window: the answer is known when they are. */
  | { kind: "wait"; untilMs: number }
  | { kind: "full"; retryAfterSeconds: number };

/** An undecided claim this old counts as used: whoever made it may have died after the push was stored. */
export const CLAIM_UNDECIDED_MS = 10 * SECOND_MS;

/**
 * The text's "3 pushes per 5 min" for a phone: in *any* five minutes, over all keys and merchants.
 * Nobody is refused for a claim that may yet be released, so parallel pushes are neither one too
 * many nor one too few.
 */
export function judgePhone(
  claims: PhoneClaim[],
  name: string,
  now: number,
  limits: { pushes: number; windowMs: number },
): PhoneVerdict {
  const slots = new Map<string, { at: number; used: boolean }>();
  for (const claim of claims) {
    if (claim.at <= now - limits.windowMs) continue;
    const slot = slots.get(claim.name);
    const used = claim.used || claim.at <= now - CLAIM_UNDECIDED_MS || slot?.used === true;
    slots.set(claim.name, { at: Math.min(claim.at, slot?.at ?? claim.at), used });
  }
  if (slots.has(name) || slots.size < limits.pushes) return { kind: "free" };
  const taken = [...slots.values()];
  const used = taken.filter((slot) => slot.used).sort((a, b) => a.at - b.at);
  const leavesNext = used[used.length - limits.pushes];
  if (leavesNext) {
    const waitMs = leavesNext.at + limits.windowMs - now;
    return { kind: "full", retryAfterSeconds: Math.max(1, Math.ceil(waitMs / SECOND_MS)) };
  }
  const undecided = taken.filter((slot) => !slot.used).map((slot) => slot.at + CLAIM_UNDECIDED_MS);
  return { kind: "wait", untilMs: Math.min(...undecided) };
}
