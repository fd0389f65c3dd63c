/** 07…, 01…, 254… and +254… as 2547XXXXXXXX or 2541XXXXXXXX, or undefined for anything else. */
export function readMsisdn(text: string): string | undefined {
  const digits = text.replace(/[\s-]/g, "").replace(/^\+/, "");
  const subscriber = /^(?:254|0)?([17]\d{8})$/.exec(digits)?.[1];
  return subscriber && `254${subscriber}`;
}

/** The one form in which Daraja takes a phone number. */
export const isDarajaMsisdn = (text: string) => /^254[17]\d{8}$/.test(text);
