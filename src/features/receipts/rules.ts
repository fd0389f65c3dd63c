import { eastAfricaTime } from "../../lib/clock.ts";
import { accountNumber, storedMerchantId } from "../../lib/ids.ts";
import type { NewNotice } from "../notices/store.ts";

/** A completed payment, as its merchant is told of it. */
export type PaidPayment = {
  id: string;
  merchantId: number;
  keyId: number;
  amount: number;
  phone: string;
  accountReference: string;
  /** Null where M-Pesa has not told it. */
  receipt: string | null;
  paidAt: number;
};

/** Who wants to be told, as the key has it; an empty text wants nothing. */
export type Recipients = { name: string; notifyEmail: string; notifyPhone: string };

/** The notices of one completed payment: an email, an SMS, both or none, each once. */
export function receiptNotices(payment: PaidPayment, to: Recipients, now: number): NewNotice[] {
  const { merchantId } = payment;
  const common = { merchantId, createdAt: now, dueAt: now };
  const id = (channel: string) => `payment_completed:${payment.id}:${channel}`;
  const notices: NewNotice[] = [];
  if (to.notifyEmail !== "") {
    const text = receiptEmail(payment, to.name);
    notices.push({ ...common, ...text, id: id("email"), channel: "email", recipient: to.notifyEmail });
  }
  if (to.notifyPhone !== "") {
    const text = { subject: "", body: receiptSms(payment) };
    notices.push({ ...common, ...text, id: id("sms"), channel: "sms", recipient: to.notifyPhone });
  }
  return notices;
}

const shillings = (amount: number) => `KES ${amount.toLocaleString("en-US")}`;

export function receiptEmail(payment: PaidPayment, keyName: string): { subject: string; body: string } {
  const { amount, phone, accountReference, receipt, paidAt, id, keyId } = payment;
  const account = accountNumber(storedMerchantId(payment.merchantId));
  return {
    subject: `Payment received: ${shillings(amount)} from ${phone}, ${accountReference}`,
    body: [
      `${shillings(amount)} was paid to "${keyName}" (${account}).`,
      "",
      `From: ${phone}`,
      `Reference: ${accountReference}`,
      ...(receipt === null ? [] : [`M-PESA receipt: ${receipt}`]),
      `Time: ${eastAfricaTime(paidAt)} EAT`,
      `Transaction: ${id}`,
      "",
      `You get this because this address is the notify_email of key ${keyId}.`,
      "",
    ].join("\n"),
  };
}

/** One credit's worth. */
const SMS_CHARACTERS = 160;

/** Fits one SMS: what is too long of the reference is cut off. */
export function receiptSms({ amount, phone, accountReference, receipt, paidAt }: PaidPayment): string {
  const minute = eastAfricaTime(paidAt).slice(0, 16);
  const beginning = `SmartPay: ${shillings(amount)} received from ${phone}, ref `;
  const end = `.${receipt === null ? "" : ` M-PESA ${receipt}.`} ${minute} EAT`;
  const room = SMS_CHARACTERS - beginning.length - end.length;
  return beginning + [...accountReference].slice(0, room).join("") + end;
}
