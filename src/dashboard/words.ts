import { RESULT_HELP } from "../docs/result-codes.ts";
import type { FieldError } from "../errors.ts";

/** A field's error as a sentence: the API says what follows upon the field's name, as in `must be 5 to 7 digits`. */
export function sentenceOf({ field, message }: FieldError): string {
  if (!/^[a-z]/.test(message)) return message;
  return `The ${field.replaceAll("_", " ")} ${message}.`;
}

const BUSY_PHONE = RESULT_HELP["1001"];

/** What to do where M-Pesa refused a prompt since another one is open on the phone; undefined for all else. */
export const phoneIsBusy = (said: string) =>
  /unable to lock subscriber/i.test(said)
    ? `No prompt was sent. ${BUSY_PHONE.cause} ${BUSY_PHONE.remedy}`
    : undefined;
