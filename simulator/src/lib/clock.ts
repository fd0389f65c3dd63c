const EAST_AFRICA_OFFSET_MS = 3 * 60 * 60 * 1000;

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The parts of a moment in East Africa Time (UTC+3, no daylight saving), each padded to its width. */
export function eastAfrica(time: number) {
  const iso = new Date(time + EAST_AFRICA_OFFSET_MS).toISOString();
  return {
    iso,
    year: iso.slice(0, 4),
    month: iso.slice(5, 7),
    day: iso.slice(8, 10),
    hour: iso.slice(11, 13),
    minute: iso.slice(14, 16),
    second: iso.slice(17, 19),
    millisecond: iso.slice(20, 23),
  };
}

/** `2026-11-24T09:30:00.123+03:00`, for the control API. */
export const isoTime = (time: number) => eastAfrica(time).iso.replace("Z", "+03:00");

/** `20261124093000`, Daraja's Timestamp and TransactionDate. */
export function compactTime(time: number): string {
  const t = eastAfrica(time);
  return `${t.year}${t.month}${t.day}${t.hour}${t.minute}${t.second}`;
}

/** `24.11.2026 09:30:00`, as B2C results write it. */
export function dottedTime(time: number): string {
  const t = eastAfrica(time);
  return `${t.day}.${t.month}.${t.year} ${t.hour}:${t.minute}:${t.second}`;
}

/** Reads `2026-11-24 09:30:00` as East Africa Time. */
export function readSpacedTime(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text)) return undefined;
  const time = Date.parse(`${text.replace(" ", "T")}+03:00`);
  return Number.isNaN(time) ? undefined : time;
}

/** `24/11/26 at 9:30 AM`, as M-PESA's text messages write it. */
export function messageTime(time: number): string {
  const t = eastAfrica(time);
  const hour = Number(t.hour);
  const date = `${Number(t.day)}/${Number(t.month)}/${t.year.slice(2)}`;
  return `${date} at ${hour % 12 || 12}:${t.minute} ${hour < 12 ? "AM" : "PM"}`;
}

/** Midnight in Nairobi before this time. */
export const startOfDay = (time: number) =>
  Math.floor((time + EAST_AFRICA_OFFSET_MS) / DAY) * DAY - EAST_AFRICA_OFFSET_MS;
