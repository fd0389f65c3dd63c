import { randomHex } from "../lib/ids.ts";
import { readMsisdn } from "../lib/msisdn.ts";

/** Africa's Talking's answer for one number; 100 to 102 mean that it was taken. */
export type Recipient = {
  statusCode: number;
  number: string;
  status: string;
  cost: string;
  messageId: string;
};

const PRICE = 0.8;

/** `KES 0.8000` */
const kes = (amount: number) => `KES ${amount.toFixed(4)}`;

function acceptedRecipient(msisdn: string): Recipient {
  return {
    statusCode: 101,
    number: `+${msisdn}`,
    status: "Success",
    cost: kes(PRICE),
    messageId: `ATXid_${randomHex(32)}`,
  };
}

export const isAccepted = ({ statusCode }: Recipient) => statusCode <= 102;

const refusedRecipient = (number: string, statusCode: number, status: string): Recipient => ({
  statusCode,
  number,
  status,
  cost: "0",
  messageId: "None",
});

/** What becomes of each number in `to`. */
export function decideRecipients(to: string, refuseAll: boolean): Recipient[] {
  return to.split(",").map((text) => {
    const number = text.trim();
    const msisdn = readMsisdn(number);
    if (!msisdn) return refusedRecipient(number, 403, "InvalidPhoneNumber");
    return refuseAll ? refusedRecipient(`+${msisdn}`, 502, "RejectedByGateway") : acceptedRecipient(msisdn);
  });
}

/** `Sent to 1/2 Total Cost: KES 0.8000` */
export function summary(recipients: Recipient[]): string {
  const sent = recipients.filter(isAccepted).length;
  return `Sent to ${sent}/${recipients.length} Total Cost: ${kes(sent * PRICE)}`;
}
