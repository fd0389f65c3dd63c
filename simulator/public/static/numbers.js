/** `0712 345 678` for 254712345678. */
export const spoken = (msisdn) => msisdn.replace(/^254(\d{3})(\d{3})(\d{3})$/, "0$1 $2 $3");

/** 07…, 01…, 254… and +254… as 2547…; undefined for what is no Kenyan mobile number. */
export function readNumber(text) {
  const subscriber = /^\+?(?:254|0)?([17]\d{8})$/.exec(text.replace(/[\s-]/g, ""));
  return subscriber ? `254${subscriber[1]}` : undefined;
}

const RECENT = "recent-phones";

export function recentNumbers() {
  try {
    return JSON.parse(localStorage.getItem(RECENT) ?? "[]");
  } catch {
    return [];
  }
}

export function rememberNumber(msisdn) {
  const others = recentNumbers().filter((number) => number !== msisdn);
  localStorage.setItem(RECENT, JSON.stringify([msisdn, ...others].slice(0, 4)));
}
