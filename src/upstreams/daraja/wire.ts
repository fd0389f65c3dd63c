import { z } from "zod";

/** Daraja's JSON as it comes: numbers and strings mixed, members missing. */

const textOrNumber = z.union([z.string(), z.number()]).transform(String);

/** `expires_in` is usually the string "3599", in newer samples a number. */
export const tokenAnswer = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number() });

export const pushAnswer = z.object({
  MerchantRequestID: z.string().min(1),
  CheckoutRequestID: z.string().min(1),
  ResponseCode: textOrNumber,
});

export const errorAnswer = z.object({
  errorCode: textOrNumber,
  errorMessage: z.string().default(""),
});

export const queryAnswer = z.object({
  ResponseCode: textOrNumber,
  CheckoutRequestID: z.string().optional(),
  ResultCode: textOrNumber,
  ResultDesc: z.string().default(""),
});

/** `CallbackMetadata` is absent on failure; an item such as Balance may have no Value. */
export const stkCallbackBody = z.object({
  Body: z.object({
    stkCallback: z.object({
      MerchantRequestID: textOrNumber,
      CheckoutRequestID: textOrNumber,
      ResultCode: textOrNumber,
      ResultDesc: z.string().default(""),
      CallbackMetadata: z
        .object({
          Item: z.array(z.object({ Name: z.string(), Value: z.union([z.string(), z.number()]).nullish() })),
        })
        .nullish(),
    }),
  }),
});

/** Without ids it acknowledges nothing that could be asked for. */
export const acknowledgement = z.object({
  ConversationID: textOrNumber.pipe(z.string().min(1)),
  OriginatorConversationID: textOrNumber.pipe(z.string().min(1)),
  ResponseCode: textOrNumber,
});

const parameter = z.object({ Key: z.string(), Value: z.unknown().optional() });

/** `ResultParameter` may be one bare object; codes are numbers here and strings there, or text. */
export const resultBody = z.object({
  Result: z.object({
    ResultCode: textOrNumber,
    ResultDesc: z.string().default(""),
    OriginatorConversationID: textOrNumber.default(""),
    ConversationID: textOrNumber.default(""),
    TransactionID: textOrNumber.optional(),
    ResultParameters: z
      .object({ ResultParameter: z.union([z.array(parameter), parameter]).optional() })
      .nullish(),
  }),
});

/** 1000 is a list, 1001 an empty one. `Response` is a list within a list; each of its rows is read by itself. */
export const pullAnswer = z.object({
  ResponseCode: textOrNumber,
  ResponseMessage: z.string().default(""),
  Response: z.array(z.unknown()).nullish(),
});

/** A row without a phone is one all the same: its receipt may be a payment's. */
export const pullRow = z.object({
  transactionId: z.string().min(1),
  trxDate: z
    .string()
    .transform((text) => Date.parse(text))
    .pipe(z.number()),
  msisdn: textOrNumber.nullish(),
  billreference: textOrNumber.nullish(),
  amount: z
    .union([z.string().min(1), z.number()])
    .transform(Number)
    .pipe(z.number().positive()),
});
