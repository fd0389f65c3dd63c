/** Milliseconds since 1970, UTC. Passed in, so that tests can set it. */
export type Clock = () => number;

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** East Africa Time is UTC+3 all year round. */
export const EAT_OFFSET_MS = 3 * HOUR_MS;

const eatIso = (ms: number) => new Date(ms + EAT_OFFSET_MS).toISOString();

/** `2025-06-03 14:22:11`, East Africa Time: the form of every time in an answer. */
export const eastAfricaTime = (ms: number) => eatIso(ms).slice(0, 19).replace("T", " ");

export const eastAfricaTimeOrNull = (ms: number | null) => (ms === null ? null : eastAfricaTime(ms));

/** `20250603142211`, East Africa Time: the form Daraja uses. */
export const darajaTimestamp = (ms: number) => eatIso(ms).slice(0, 19).replace(/\D/g, "");

/** The moment that a time in Daraja's form names, or undefined for what is none. */
export function parseDarajaTimestamp(text: string): number | undefined {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text) ?? [];
  const ms = Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}+03:00`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** `2025-06-03`, the day in East Africa. */
export const eastAfricaDay = (ms: number) => eatIso(ms).slice(0, 10);

/** When the current day ends in East Africa. */
export const endOfEastAfricaDay = (ms: number) =>
  Math.floor((ms + EAT_OFFSET_MS) / DAY_MS + 1) * DAY_MS - EAT_OFFSET_MS;

/** The day, minute or second of East Africa that a text names (`2025-06-03`, `2025-06-03 14:22:11`), if it does. */
export function eastAfricaSpan(text: string): { from: number; until: number } | undefined {
  const [, day, minute, second] = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(?::(\d\d))?)?$/.exec(text) ?? [];
  const from = Date.parse(`${day}T${minute ?? "00:00"}:${second ?? "00"}+03:00`);
  // Date.parse reads the 30th of February as a day of March.
  if (Number.isNaN(from) || !eastAfricaTime(from).startsWith(text.replace("T", " "))) return undefined;
  return { from, until: from + (second ? SECOND_MS : minute ? MINUTE_MS : DAY_MS) };
}
