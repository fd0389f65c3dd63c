import type { FieldError } from "../../errors.ts";
import { BANKS, OWN_WALLET_BANK_CODE } from "./banks.ts";

/**
 * Where a key's money goes. Copied onto each payment when it starts.
 * Numbers of shortcodes and accounts are text, and never altered.
 */
export type Destination =
  | { method: "wallet" }
  | { method: "phone"; phone: string }
  | { method: "paybill"; paybill_number: string; account_number: string }
  | { method: "till"; till_number: string }
  | { method: "bankpaybill"; bank_code: string; bank_account: string };

export type Method = Destination["method"];

/** For destinations that were checked when they were stored. */
export const storedDestination = (json: string) => JSON.parse(json) as Destination;

/** The text's methods, with the fields that each requires. */
export const METHOD_FIELDS = {
  wallet: [],
  phone: ["phone"],
  paybill: ["paybill_number", "account_number"],
  till: ["till_number"],
  bankpaybill: ["bank_code", "bank_account"],
} as const satisfies Record<Method, readonly string[]>;

export const isMethod = (text: unknown): text is Method =>
  typeof text === "string" && Object.hasOwn(METHOD_FIELDS, text);

/** "SMARTPAY WALLET" among the banks is the merchant's wallet here, and handled as one. */
export const isWallet = (d: Destination) =>
  d.method === "wallet" || (d.method === "bankpaybill" && d.bank_code === OWN_WALLET_BANK_CODE);

/**
 * What is wrong with a destination whose fields are well formed, and with which of them; or undefined.
 * @param own the operator's shortcodes, and the merchant's account number.
 */
export function destinationFault(
  d: Destination,
  own: { shortcodes: string[]; accountNumber: string },
): { message: string; fields: FieldError[] } | undefined {
  const fault = (field: string, rule: string, message: string) => ({
    message,
    fields: [{ field, message: rule }],
  });
  const ownNumber = (field: string, shortcode: string) =>
    [...own.shortcodes, OWN_WALLET_BANK_CODE].includes(shortcode)
      ? fault(
          field,
          "is the gateway's own number",
          "This is the gateway's own number. Use the method 'wallet' to be paid here.",
        )
      : undefined;
  switch (d.method) {
    case "paybill":
      return ownNumber("paybill_number", d.paybill_number);
    case "till":
      return ownNumber("till_number", d.till_number);
    case "bankpaybill":
      if (!BANKS.has(d.bank_code)) {
        const message = "This bank_code is not in the table of supported banks.";
        return fault("bank_code", "must be a code from the table of supported banks", message);
      }
      if (d.bank_code !== OWN_WALLET_BANK_CODE || d.bank_account === own.accountNumber) return undefined;
      return fault(
        "bank_account",
        `must be your own account number ${own.accountNumber}`,
        `With the bank_code of the SmartPay wallet, bank_account must be your own account number ${own.accountNumber}.`,
      );
    default:
      return undefined;
  }
}

const KINDS: Record<Method, string> = {
  wallet: "your SmartPay wallet",
  phone: "an M-Pesa number",
  paybill: "a paybill",
  till: "a till",
  bankpaybill: "a bank account",
};

/** Where the money goes, in words that follow "to"; of an erased merchant's the kind alone is left. */
export function describeDestination(d: Destination): string {
  if (METHOD_FIELDS[d.method].some((field) => !(field in d))) return KINDS[d.method];
  switch (d.method) {
    case "wallet":
      return KINDS.wallet;
    case "phone":
      return `the M-Pesa number ${d.phone}`;
    case "paybill":
      return `paybill ${d.paybill_number}, account ${d.account_number}`;
    case "till":
      return `till ${d.till_number}`;
    case "bankpaybill":
      return isWallet(d)
        ? "your SmartPay wallet"
        : `${BANKS.get(d.bank_code) ?? "bank"} (paybill ${d.bank_code}), account ${d.bank_account}`;
  }
}
