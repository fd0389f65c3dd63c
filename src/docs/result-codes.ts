import type { ResultCode } from "../upstreams/daraja/port.ts";
import type { Help } from "./error-help.ts";

type ResultHelp = Help & { meaning: string };

const BUSY = {
  english: "M-Pesa is busy. You have not been charged. Please try again in a few minutes.",
  swahili: "M-Pesa ina shughuli nyingi. Hujakatwa pesa. Tafadhali jaribu tena baada ya dakika chache.",
};
const CANCELLED = {
  cause: "The customer pressed Cancel.",
  remedy: "Offer to try again; do not do it unasked.",
  english: "You cancelled the payment. You have not been charged.",
  swahili: "Umeghairi malipo. Hujakatwa pesa.",
};
const UNREACHED = {
  cause: "The phone is off or without network, or nobody answered the prompt.",
  remedy: "Ask the customer to have the phone on, then try again.",
  english: "We could not reach your phone. Check that it is on, and try again.",
  swahili: "Hatukuweza kufikia simu yako. Hakikisha imewashwa, kisha jaribu tena.",
};
const LIMIT = {
  english: "This amount goes beyond a limit of M-Pesa. Please pay less, or tomorrow.",
  swahili: "Kiasi hiki kinazidi kikomo cha M-Pesa. Tafadhali lipa kidogo, au kesho.",
};

/** What M-Pesa says of a payment, and what to tell whoever wanted to pay. */
export const RESULT_HELP: Record<ResultCode, ResultHelp> = {
  "0": {
    meaning: "Success — payment accepted",
    cause: "The customer typed the PIN, and the money has moved.",
    remedy: "Credit the order, once, by the CheckoutRequestID.",
    english: "Thank you. Your payment was received.",
    swahili: "Asante. Malipo yako yamepokelewa.",
  },
  "1": {
    meaning: "Insufficient balance",
    cause: "The customer has too little money, Fuliza included.",
    remedy: "Offer to try again after a top-up.",
    english: "Your M-Pesa balance is not enough. Top up and try again.",
    swahili: "Salio lako la M-Pesa halitoshi. Ongeza pesa ujaribu tena.",
  },
  "2": {
    meaning: "Below the minimum amount",
    cause: "M-Pesa does not take so little.",
    remedy: "Ask for more.",
    english: "This amount is too small for M-Pesa.",
    swahili: "Kiasi hiki ni kidogo mno kwa M-Pesa.",
  },
  "3": {
    meaning: "Above the maximum amount",
    cause: "M-Pesa takes at most KES 250,000 at a time.",
    remedy: "Split the payment.",
    ...LIMIT,
  },
  "4": {
    meaning: "Above the customer's daily limit",
    cause: "A customer can move KES 500,000 a day.",
    remedy: "Try again tomorrow.",
    ...LIMIT,
  },
  "8": {
    meaning: "Above the receiver's maximum balance",
    cause: "The receiving account would hold more than it may.",
    remedy: "Write to support.",
    ...BUSY,
  },
  "17": {
    meaning: "Rule limited",
    cause: "The same customer paid the same amount within two minutes.",
    remedy: "Wait two minutes before you ask again.",
    ...BUSY,
  },
  "26": {
    meaning: "System busy",
    cause: "M-Pesa has too much traffic.",
    remedy: "Wait a few minutes.",
    ...BUSY,
  },
  "1001": {
    meaning: "Unable to lock subscriber — another transaction in progress",
    cause: "The customer's phone is busy with another M-Pesa session.",
    remedy: "Wait a minute before you ask again.",
    english: "Another M-Pesa request is open on your phone. Finish it, then try again.",
    swahili: "Kuna ombi lingine la M-Pesa kwenye simu yako. Limalize, kisha jaribu tena.",
  },
  "1019": {
    meaning: "Transaction has expired",
    cause: "The PIN came too late, or not at all.",
    remedy: "Ask again when the customer has the phone at hand.",
    english: "The request has expired. Please try again.",
    swahili: "Muda wa ombi umeisha. Tafadhali jaribu tena.",
  },
  "1025": {
    meaning: "Error while sending the prompt",
    cause: "M-Pesa could not send it.",
    remedy: "Ask again after a minute.",
    ...BUSY,
  },
  "1031": { meaning: "Cancelled by user", ...CANCELLED },
  "1032": { meaning: "Cancelled by user", ...CANCELLED },
  "1036": { meaning: "The phone did not take the prompt", ...UNREACHED },
  "1037": { meaning: "DS timeout — user cannot be reached", ...UNREACHED },
  "2001": {
    meaning: "Initiator information is invalid",
    cause: "The customer typed a wrong PIN.",
    remedy: "Offer to try again.",
    english: "The M-Pesa PIN was wrong. Please try again.",
    swahili: "PIN ya M-Pesa si sahihi. Tafadhali jaribu tena.",
  },
  "2028": {
    meaning: "Not permitted by product assignment",
    cause: "M-Pesa does not let this shortcode pay that destination.",
    remedy: "Check the key's destination, then write to support.",
    ...BUSY,
  },
  "8006": {
    meaning: "PIN locked",
    cause: "The customer typed too many wrong PINs.",
    remedy: "Safaricom alone can unlock it.",
    english: "Your M-Pesa PIN is locked. Please call Safaricom on 100 or 234.",
    swahili: "PIN yako ya M-Pesa imefungwa. Tafadhali piga simu Safaricom 100 au 234.",
  },
  "9999": {
    meaning: "General error while sending push",
    cause:
      "M-Pesa failed, said something that is no number (it stands in ResultDesc), or said nothing within 24 hours.",
    remedy:
      "If M-Pesa failed, ask again. If it said nothing within 24 hours, look at your own M-Pesa statement first, or ask support: the customer may have paid. Where it is proved, a second webhook says so.",
    english: "M-Pesa could not complete the payment. If money was deducted, we will confirm it.",
    swahili: "M-Pesa haikuweza kukamilisha malipo. Ikiwa pesa zilikatwa, tutathibitisha.",
  },
};
