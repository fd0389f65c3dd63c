import { z } from "zod";
import { fail, plainText } from "../../http/validate.ts";
import { parseMsisdn } from "../../lib/msisdn.ts";
import { type Destination, isMethod, METHOD_FIELDS, type Method } from "./destination.ts";

export const createRequest = z.object({
  name: z
    .string()
    .trim()
    .min(1, "must not be empty")
    .pipe(plainText(80))
    .meta({ description: "Unique among your accounts, in whatever case; 1 to 80 characters" }),
  scope: z
    .enum(["full", "payments"])
    .nullish()
    .transform((scope) => scope ?? "full")
    .meta({
      description:
        "`payments`: may push, send SMS, and read what it did itself, the plans and the SMS balance; nothing else. `full` by default",
    }),
});

export type CreateRequest = z.output<typeof createRequest>;

/** An email address or phone number; empty disables the channel, absent leaves it as it is. */
export const notificationsRequest = z
  .object({
    notify_email: z
      .string()
      .trim()
      .max(254, "must have at most 254 characters")
      .refine((text) => text === "" || z.email().safeParse(text).success, "must be an email address or empty")
      .nullish()
      .meta({ description: "Told of every completed payment by email; empty disables" }),
    notify_phone: z
      .unknown()
      .transform((value, ctx) =>
        value === ""
          ? value
          : (parseMsisdn(value) ??
            fail(
              ctx,
              "INVALID_PHONE",
              "must be a Kenyan mobile number or empty",
              "The phone number must be a Kenyan mobile number, such as 254712345678, or empty.",
            )),
      )
      .nullish()
      .meta({
        type: ["string", "integer", "null"],
        description: "Told by SMS, for a credit each; empty disables",
      }),
  })
  .transform(({ notify_email, notify_phone }, ctx) => {
    const request = { notify_email: notify_email ?? undefined, notify_phone: notify_phone ?? undefined };
    if (request.notify_email === undefined && request.notify_phone === undefined) {
      for (const name of ["notify_email", "notify_phone"]) {
        ctx.addIssue({ code: "custom", path: [name], message: "is required, or the other one" });
      }
    }
    return request;
  });

export type NotificationsRequest = z.output<typeof notificationsRequest>;

/** Text, or a whole number where a client sent one; its digits are kept as they are. */
const asText = (value: unknown) =>
  typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;

const field = (pattern: RegExp, rule: string) => z.preprocess(asText, z.string(rule).regex(pattern, rule));

const shortcode = field(/^\d{5,7}$/, "must be 5 to 7 digits");

const DESTINATION_FIELDS = {
  phone: z
    .unknown()
    .transform(
      (value, ctx) =>
        parseMsisdn(value) ??
        fail(ctx, "INVALID_DESTINATION", "must be an M-Pesa number such as 254712345678"),
    )
    .meta({ type: ["string", "integer"], description: "An M-Pesa number", example: "254712345678" }),
  paybill_number: shortcode,
  account_number: field(
    /^[\x21-\x7e](?:[\x20-\x7e]{0,18}[\x21-\x7e])?$/,
    "must be 1 to 20 printable ASCII characters, without a space at either end",
  ),
  till_number: shortcode,
  bank_code: field(/^\d{5,7}$/, "must be a code from the table of supported banks"),
  bank_account: field(
    /^[A-Za-z0-9][A-Za-z0-9-]{4,19}$/,
    "must be 5 to 20 letters, digits or hyphens, and not begin with a hyphen",
  ),
};

type FieldName = keyof typeof DESTINATION_FIELDS;

/**
 * `PUT /v1/keys/{id}/destination`: a method with just its own fields, and optionally `callbackurl`,
 * which absent leaves the URL as it is and empty clears it. Null is absent everywhere, as clients write
 * members that they did not set.
 */
export const destinationRequest = z
  .looseObject({ method: z.unknown(), callbackurl: z.string().nullish() })
  .transform((body, ctx): { destination: Destination; callbackUrl: string | undefined } => {
    const { method } = body;
    if (method === undefined || method === null) {
      ctx.addIssue({ code: "custom", path: ["method"], message: "is required" });
      return z.NEVER;
    }
    if (!isMethod(method)) {
      ctx.addIssue({
        code: "custom",
        path: ["method"],
        params: { errorCode: "INVALID_DESTINATION" },
        message: `must be one of ${Object.keys(METHOD_FIELDS).join(", ")}`,
      });
      return z.NEVER;
    }
    const own: readonly string[] = METHOD_FIELDS[method];
    const values: Record<string, unknown> = {};
    for (const name of Object.keys(DESTINATION_FIELDS) as FieldName[]) {
      // the table's own keys
      const value = body[name];
      const refuse = (message: string, params?: object) =>
        ctx.addIssue({ code: "custom", path: [name], params, message });
      if (!own.includes(name)) {
        if (value !== undefined && value !== null) refuse(`does not belong to the method ${method}`, INVALID);
      } else if (value === undefined || value === null) {
        refuse("is required");
      } else {
        const parsed = DESTINATION_FIELDS[name].safeParse(value);
        if (parsed.success) values[name] = parsed.data;
        else refuse(parsed.error.issues[0]?.message ?? "is not valid", INVALID);
      }
    }
    // Each field of the method was parsed just now, or an issue makes the whole fail.
    return { destination: { method, ...values } as Destination, callbackUrl: body.callbackurl?.trim() };
  });

const INVALID = { errorCode: "INVALID_DESTINATION" };

const methods = Object.keys(METHOD_FIELDS) as Method[]; // the table's own keys

/** `destinationRequest` as documents show it: each method with its own fields. */
export const destinationDocument = z.union(
  methods.map((method) => {
    const own: readonly FieldName[] = METHOD_FIELDS[method];
    return z.object({
      method: z.literal(method),
      ...Object.fromEntries(own.map((name) => [name, DESTINATION_FIELDS[name]])),
      callbackurl: z
        .string()
        .nullish()
        .meta({ description: "Where results are told; absent leaves it as it is, empty clears it" }),
    });
  }),
);
