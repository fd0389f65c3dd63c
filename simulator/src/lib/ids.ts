import { eastAfrica } from "./clock.ts";

const ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/** Random characters out of an alphabet. */
export function randomText(length: number, alphabet = ALPHANUMERIC): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => alphabet[byte % alphabet.length]).join("");
}

export const randomHex = (length: number) => randomText(length, "0123456789abcdef");
const randomDigits = (length: number) => randomText(length, "0123456789");

/** `2654-4b64-97ff-b827b542881d3130`: the form of MerchantRequestID and of an error's requestId. */
export function merchantRequestId(): string {
  const groups = [4, 4, 4, 12].map((length) => randomHex(length));
  return `${groups.join("-")}${randomDigits(4)}`;
}

/** `ws_CO_` + ddMMyyyyHHmmss in Nairobi + milliseconds + the subscriber's nine digits. */
export function checkoutRequestId(time: number, msisdn: string): string {
  const t = eastAfrica(time);
  return `ws_CO_${t.day}${t.month}${t.year}${t.hour}${t.minute}${t.second}${t.millisecond}${msisdn.slice(-9)}`;
}

/** Letters for the year (2018 = M), the month (January = A) and the day (1-9, then A = 10), then seven more. */
export function receiptNumber(time: number): string {
  return `${receiptPrefix(time)}${randomText(7)}`;
}

/** The receipt of a transaction that M-Pesa's core declined. */
export const failedReceiptNumber = (time: number) => `${receiptPrefix(time)}0000000`;

function receiptPrefix(time: number): string {
  const t = eastAfrica(time);
  const letter = (offset: number) => String.fromCharCode("A".charCodeAt(0) + offset);
  const day = Number(t.day);
  return letter(Number(t.year) - 2006) + letter(Number(t.month) - 1) + (day < 10 ? day : letter(day - 10));
}

/** `AG_20261124_<20 hex>`, of every asynchronous request. */
export function conversationId(time: number): string {
  const t = eastAfrica(time);
  return `AG_${t.year}${t.month}${t.day}_${randomHex(20)}`;
}
