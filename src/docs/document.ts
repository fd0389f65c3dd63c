import { z } from "zod";
import { createDocument } from "zod-openapi";
import { ERRORS } from "../errors.ts";
import { accountPaths } from "../features/account/openapi.ts";
import { keyPaths } from "../features/keys/openapi.ts";
import { compatPaths } from "../features/payments/compat-openapi.ts";
import { paymentPaths } from "../features/payments/openapi.ts";
import { payoutPaths } from "../features/payouts/openapi.ts";
import { purchasePaths } from "../features/purchases/openapi.ts";
import { statementPaths } from "../features/reconciliation/openapi.ts";
import { smsPaths } from "../features/sms/openapi.ts";
import { resultExample, resultSchema, webhookPaths } from "../features/webhooks/openapi.ts";
import { succeeded, text } from "../http/openapi/envelopes.ts";
import { operation, type Paths } from "../http/openapi/operation.ts";

const pingPaths: Paths = {
  "/v1/ping": {
    get: operation({
      id: "ping",
      tag: "Diagnostics",
      summary: "Check the connection",
      scope: "none",
      answers: {
        200: {
          schema: succeeded({
            message: z.literal("pong"),
            environment: z.enum(["local", "sandbox", "production"]),
          }),
          example: { success: true, message: "pong", environment: "production" },
        },
      },
    }),
  },
};

const whole = { type: "integer" as const };
const string = { type: "string" as const };
const header = (description: string, schema: typeof whole | typeof string, example: string | number) => ({
  description,
  schema,
  example,
});

const HEADERS = {
  "X-Request-Id": header("Quote it to support", string, "req_5f2c8e0a9b7d4c1e3f6a8b2d"),
  "X-RateLimit-Remaining": header("Requests that the key has left this minute", whole, 59),
  "X-RateLimit-Day-Remaining": header("Requests that the key has left today, East Africa Time", whole, 9_999),
  RateLimit: header(
    "What is left and when it starts anew",
    string,
    '"minute";r=59;t=42, "day";r=9999;t=30000',
  ),
  "RateLimit-Policy": header("The limits themselves", string, '"minute";q=60;w=60, "day";q=10000;w=86400'),
  "Retry-After": header("Seconds to wait before trying again", whole, 12),
  "Idempotent-Replayed": header("`true` where the first answer is given again", string, "true"),
  "Preference-Applied": header("The wait that was honoured", string, "wait=30"),
};

const IDEMPOTENCY_KEY = {
  name: "Idempotency-Key",
  in: "header" as const,
  description:
    "1 to 255 visible ASCII characters, your own for each thing you want done once. Kept for 72 hours.",
  schema: { ...string, minLength: 1, maxLength: 255 },
  example: "order-101",
};

const PARAMETERS = {
  IdempotencyKey: IDEMPOTENCY_KEY,
  IdempotencyKeyRequired: { ...IDEMPOTENCY_KEY, required: true },
  Prefer: {
    name: "Prefer",
    in: "header" as const,
    description: "`wait=N`: wait up to N seconds, at most 55, for the customer to finish.",
    schema: string,
    example: "wait=30",
  },
};

const failureOf = ([code, { message }]: [string, { message: string }]) => [
  code,
  { value: { success: false, error_code: code, message, request_id: "req_5f2c8e0a9b7d4c1e3f6a8b2d" } },
];

const DESCRIPTION =
  "Collect M-Pesa payments, manage keys, query transactions and send SMS, all from one REST API. Times are East Africa Time, amounts whole shillings.";

/**
 * The API in OpenAPI 3.1, made of the schemas that validate its requests.
 * @param isExact whether answers may have no members beyond the documented: for our tests, not for clients.
 */
export function buildDocument(baseUrl: string, isExact = false) {
  return createDocument(
    {
      openapi: "3.1.1",
      info: {
        title: "SmartPay API",
        version: "1.0.0",
        description: DESCRIPTION,
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      servers: [{ url: baseUrl }],
      externalDocs: { url: `${baseUrl}/docs`, description: "Guides" },
      paths: {
        ...paymentPaths,
        ...keyPaths,
        ...smsPaths,
        ...accountPaths,
        ...payoutPaths,
        ...statementPaths,
        ...purchasePaths,
        ...webhookPaths,
        ...pingPaths,
        ...compatPaths,
      },
      webhooks: {
        paymentResult: {
          post: {
            operationId: "paymentResult",
            tags: ["Webhooks"],
            summary: "The result of a payment",
            description:
              "POSTed to the callback URL, signed by Standard Webhooks 1.0. Any 2xx within 5 seconds is a success.",
            requestParams: {
              header: z.object({
                "webhook-id": text.meta({ description: "The same on every attempt" }),
                "webhook-timestamp": text.meta({ description: "Seconds since 1970" }),
                "webhook-signature": text.meta({ description: "`v1,` and a base64 HMAC-SHA256" }),
              }),
            },
            requestBody: {
              required: true,
              content: { "application/json": { schema: resultSchema, example: resultExample } },
            },
            responses: { "200": { description: "Taken. What the body says is ignored." } },
          },
        },
      },
      components: {
        headers: HEADERS,
        parameters: PARAMETERS,
        examples: Object.fromEntries(Object.entries(ERRORS).map(failureOf)),
        securitySchemes: {
          bearer: { type: "http", scheme: "bearer", description: "Your API key, 64 hex characters" },
          apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
        },
      },
    },
    {
      override: ({ jsonSchema, io }) => {
        // A query's number is read from a text: the pattern of that text is of no use to a client.
        if (jsonSchema.type === "integer") delete jsonSchema.pattern;
        // A client must bear what a later version adds.
        if (io === "output" && !isExact && jsonSchema.additionalProperties === false) {
          delete jsonSchema.additionalProperties;
        }
      },
    },
  );
}
