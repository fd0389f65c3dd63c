const zone = "Africa/Nairobi";

/** `9:30`, as a phone in Kenya shows it. */
export const clockTime = (date) => format(date, { hour: "numeric", minute: "2-digit", hour12: false });

/** `Tuesday, 24 November` */
export const longDate = (date) => format(date, { weekday: "long", day: "numeric", month: "long" });

/** `9:30` for today, `24 Nov` for another day. */
export function shortTime(date) {
  const day = { day: "numeric", month: "short", year: "numeric" };
  const today = format(date, day) === format(new Date(), day);
  return today ? clockTime(date) : format(date, { day: "numeric", month: "short" });
}

/** `24 Nov, 9:30` */
export const dayAndTime = (date) => `${format(date, { day: "numeric", month: "short" })}, ${clockTime(date)}`;

function format(date, parts) {
  return new Intl.DateTimeFormat("en-KE", { timeZone: zone, ...parts }).format(date);
}
