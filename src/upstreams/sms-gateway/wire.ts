import { z } from "zod";

/** Africa's Talking's words as they come. */

/** `Recipients` is empty where the whole request was refused; `Message` then names the reason. */
export const messagingAnswer = z.object({
  SMSMessageData: z.object({
    Message: z.string().default(""),
    Recipients: z.array(
      z.object({
        statusCode: z.coerce.number(),
        status: z.string().default(""),
        messageId: z.string().nullish(),
      }),
    ),
  }),
});

export type Messaging = z.output<typeof messagingAnswer>["SMSMessageData"];

/** `failureReason` comes with Rejected and Failed alone. */
export const reportBody = z.object({
  id: z.string().min(1),
  status: z.string(),
  phoneNumber: z.coerce.string().nullish(),
  failureReason: z.string().nullish(),
});
