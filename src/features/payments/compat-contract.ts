import { z } from "zod";
import { plainText } from "../../http/validate.ts";
import { DESCRIPTION_LENGTH, pushRequest, REFERENCE_LENGTH } from "./contract.ts";
import { DEFAULT_DESCRIPTION, DEFAULT_REFERENCE } from "./rules.ts";

const reference = plainText(REFERENCE_LENGTH.stored).nullish();
const description = plainText(DESCRIPTION_LENGTH.stored).nullish();

/**
 * `POST /v1/initiatestk` and `/v1/stkpush`: also with the names of earlier days. Comes to the same
 * request as `pushRequest`, member for member, so that an idempotency key is good for either path.
 */
export const olderPushRequest = z
  .object({
    ...pushRequest.shape,
    account_reference: reference,
    accountReference: reference,
    description,
    transactionDesc: description,
  })
  .transform(
    ({ phone, amount, account_reference, accountReference, description, transactionDesc, ...rest }) => ({
      phone,
      amount,
      account_reference: account_reference?.trim() || accountReference?.trim() || DEFAULT_REFERENCE,
      description: description?.trim() || transactionDesc?.trim() || DEFAULT_DESCRIPTION,
      ...rest,
    }),
  );

/** `POST /v1/transactionstatus`. */
export const olderStatusRequest = z.object({
  CheckoutRequestID: z
    .string()
    .trim()
    .min(1, "must not be empty")
    .max(100, "must have at most 100 characters"),
});
