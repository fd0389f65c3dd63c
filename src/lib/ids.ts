import { randomHex } from "./hash.ts";

declare const transactionId: unique symbol;
declare const merchantId: unique symbol;
declare const keyId: unique symbol;

/**
 * `tx_` and 32 hex characters: 12 of the time in ms, so that ids sort by age, and 20 random ones.
 * Hex, because Daraja refuses callback URLs in which other alphabets would sooner or later spell a
 * forbidden word.
 */
export type TransactionId = string & { readonly [transactionId]: true };

/** The eight digits of the merchant's account number, SP36413506 without the SP. */
export type MerchantId = number & { readonly [merchantId]: true };

export type KeyId = number & { readonly [keyId]: true };

export const timeOrderedHex = (now: number) => now.toString(16).padStart(12, "0") + randomHex(10);

declare const payoutId: unique symbol;

/** `po_` and 32 hex characters: those of the payment that is paid out, or new ones for a withdrawal. */
export type PayoutId = string & { readonly [payoutId]: true };

export const payoutIdOf = (payment: TransactionId) => `po_${payment.slice("tx_".length)}` as PayoutId;
export const newPayoutId = (now: number) => `po_${timeOrderedHex(now)}` as PayoutId;
export const isPayoutId = (text: string): text is PayoutId => /^po_[0-9a-f]{32}$/.test(text);
export const storedPayoutId = (value: string) => value as PayoutId;

export const newTransactionId = (now: number) => `tx_${timeOrderedHex(now)}` as TransactionId;

/** Sorts before the id of every payment begun at this time or later, and behind all others. */
export const transactionIdsFrom = (ms: number) => `tx_${Math.max(0, ms).toString(16).padStart(12, "0")}`;

export const isTransactionId = (text: string): text is TransactionId => /^tx_[0-9a-f]{32}$/.test(text);

/**
 * Ids for messages that are sent together: 13 digits of the time in ms and 6 that begin at random and
 * count on, so that they sort by age. The caller draws again if one is taken.
 */
export function newSmsIds(now: number, count: number): string[] {
  const first = (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) % (1_000_000 - count);
  return Array.from({ length: count }, (_, i) => `${now}${String(first + i).padStart(6, "0")}`);
}

export const isSmsId = (text: string) => /^\d{19}$/.test(text);

/** A random account number; the caller inserts it and draws again if it is taken. */
export const newMerchantId = () =>
  (10_000_000 + ((crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) % 90_000_000)) as MerchantId;

export const accountNumber = (merchant: MerchantId) => `SP${merchant}`;

/** `SP36413506`, in capitals or not. */
export function parseAccountNumber(text: string): MerchantId | undefined {
  const [, digits = ""] = /^SP(\d{8})$/i.exec(text) ?? [];
  return parseMerchantId(digits);
}

export function parseMerchantId(digits: string): MerchantId | undefined {
  return /^\d{8}$/.test(digits) ? (Number(digits) as MerchantId) : undefined;
}

export function parseKeyId(text: string): KeyId | undefined {
  return /^[1-9]\d{0,9}$/.test(text) ? (Number(text) as KeyId) : undefined;
}

/** For ids that come from our own rows. */
export const storedMerchantId = (value: number) => value as MerchantId;
export const storedKeyId = (value: number) => value as KeyId;
export const storedTransactionId = (value: string) => value as TransactionId;
