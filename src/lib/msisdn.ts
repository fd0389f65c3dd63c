declare const msisdn: unique symbol;

/** A Kenyan mobile number in its one stored form: 2547XXXXXXXX or 2541XXXXXXXX. */
export type Msisdn = string & { readonly [msisdn]: true };

/**
 * Reads 2547XXXXXXXX, 2541XXXXXXXX, 07XXXXXXXX and 01XXXXXXXX, with an optional +, spaces and hyphens,
 * from a string or a number (a number loses its leading zero, so only the 254 form fits one).
 * Prefixes are not checked further: numbers are ported between networks, M-Pesa itself refuses.
 */
export function parseMsisdn(input: unknown): Msisdn | undefined {
  if (typeof input !== "string" && typeof input !== "number") return undefined;
  const text = String(input).trim();
  if (!/^\+?\d[\d -]*$/.test(text) || text.length > 32) return undefined;
  const digits = text.replace(/[+ -]/g, "");
  const international =
    /^0[17]\d{8}$/.test(digits) && !text.startsWith("+") ? `254${digits.slice(1)}` : digits;
  return /^254[17]\d{8}$/.test(international) ? (international as Msisdn) : undefined; // just checked
}

/** For numbers that were parsed when they were stored. */
export const storedMsisdn = (value: string) => value as Msisdn;

/** 254712345678 → 2547•••••678, for logs. */
export const maskMsisdn = (value: string) => `${value.slice(0, 4)}•••••${value.slice(-3)}`;

/** 0712 345 678, as Kenyans write it. Anything but a whole number stays as it is. */
export const localPhone = (msisdn: string) => msisdn.replace(/^254(\d{3})(\d{3})(\d{3})$/, "0$1 $2 $3");
