/** What STK's ResultDesc says for each ResultCode. Other codes exist; their words are not known. */
const DESCRIPTIONS: Record<number, string> = {
  0: "The service request is processed successfully.",
  1: "The balance is insufficient for the transaction.",
  2: "Declined due to limit rule.",
  3: "Declined due to limit rule: greater than the maximum transaction amount.",
  4: "Declined due to limit rule: would exceed daily transfer limit.",
  8: "Declined due to limit rule: would exceed the maximum balance.",
  17: "Rule limited.",
  26: "System busy. Traffic blocking condition in place.",
  1001: "Unable to lock subscriber, a transaction is already in process for the current subscriber",
  1019: "Transaction has expired.",
  1025: "An error occurred while sending a push request.",
  1031: "Request cancelled by user.",
  1032: "Request cancelled by user.",
  1036: "SMSC ACK timeout.",
  1037: "No response from user.",
  2001: "The initiator information is invalid.",
  2028: "The request is not permitted according to product assignment.",
  4999: "The transaction is still under processing",
  8006: "The security credential is locked.",
  9999: "An error occurred while sending a push request.",
};

export const describe = (code: number) => DESCRIPTIONS[code] ?? "The transaction could not be completed.";

/** STK Query words one outcome differently from the callback, for the same payment. */
export const describeInQuery = (code: number) =>
  code === 1037 ? "DS timeout user cannot be reached." : describe(code);
