/** What ResultDesc says for the results of a business's own requests. */
const DESCRIPTIONS: Record<string, string> = {
  "0": "The service request is processed successfully.",
  "1": "The balance is insufficient for the transaction.",
  "2": "Declined due to limit rule: less than the minimum transaction amount.",
  "3": "Declined due to limit rule: greater than the maximum transaction amount.",
  "17": "Rule limited.",
  "21": "The initiator is not allowed to initiate this request.",
  "2001": "The initiator information is invalid.",
  "2033": "The transaction receipt number does not exist.",
  R000001: "The transaction has already been reversed.",
  R000002: "The OriginalTransactionID is invalid.",
  SFC_IC0003: "Receiver party is invalid.",
};

export const describe = (code: string) => DESCRIPTIONS[code] ?? "The request could not be completed.";
