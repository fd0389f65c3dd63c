import type { Recipient } from "./recipients.ts";

/** The default form of the answer, for clients that do not ask for JSON. */
export function asXml({ Message, Recipients }: { Message: string; Recipients: Recipient[] }): string {
  const recipients = Recipients.map(
    (recipient) => `<Recipient>${elements(Object.entries(recipient))}</Recipient>`,
  ).join("");
  return (
    `<?xml version="1.0" encoding="UTF-8"?><AfricasTalkingResponse><SMSMessageData>` +
    `${elements([["Message", Message]])}<Recipients>${recipients}</Recipients>` +
    `</SMSMessageData></AfricasTalkingResponse>`
  );
}

const elements = (fields: [string, string | number][]) =>
  fields.map(([name, value]) => `<${name}>${escaped(String(value))}</${name}>`).join("");

const escaped = (text: string) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
