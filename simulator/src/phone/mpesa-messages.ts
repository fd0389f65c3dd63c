import type { Prompt } from "../daraja/stk/prompts.ts";
import { messageTime } from "../lib/clock.ts";

type Paid = Pick<Prompt, "amount" | "account_reference" | "payee_kind"> & {
  receipt: string;
  payee: string;
  balance: number;
  at: number;
};

type Declined = Pick<Prompt, "amount" | "result_code"> & { payee: string; balance: number };

/** `Ksh1,250.00` */
const ksh = (amount: number) => `Ksh${amount.toLocaleString("en-US")}.00`;

/** The confirmation that a paying customer gets from MPESA. */
export function paidMessage({
  receipt,
  amount,
  payee,
  payee_kind,
  account_reference,
  balance,
  at,
}: Paid): string {
  const to =
    payee_kind === "till" ? `paid to ${payee}.` : `sent to ${payee} for account ${account_reference}`;
  return (
    `${receipt} Confirmed. ${ksh(amount)} ${to} on ${messageTime(at)}. ` +
    `New M-PESA balance is ${ksh(balance)}. Transaction cost, ${ksh(0)}.`
  );
}

/** What MPESA writes to a customer whose payment failed after the PIN; a cancelled one gets nothing. */
export function declinedMessage({ result_code, amount, payee, balance }: Declined): string | undefined {
  switch (result_code) {
    case 1:
      return (
        `Failed. You do not have enough money in your M-PESA account to pay ${ksh(amount)} to ${payee}. ` +
        `Your M-PESA balance is ${ksh(balance)}.`
      );
    case 4:
      return `Failed. This payment would take you over the daily limit of ${ksh(500_000)}.`;
    case 2001:
      return "Failed. You have entered the wrong PIN. Your M-PESA account has not been charged.";
    default:
      return undefined;
  }
}

/** The message to a customer who was paid by a business. */
export function receivedMessage(receipt: string, amount: number, payer: string, balance: number, at: number) {
  return (
    `${receipt} Confirmed. You have received ${ksh(amount)} from ${payer} on ${messageTime(at)}. ` +
    `New M-PESA balance is ${ksh(balance)}.`
  );
}
