import { z } from "zod";
import { count, keyPath, msisdn, succeeded, text, time } from "../../http/openapi/envelopes.ts";
import { operation, type Paths } from "../../http/openapi/operation.ts";
import { createRequest, destinationDocument, notificationsRequest } from "./contract.ts";
import { METHOD_FIELDS, type Method } from "./destination.ts";

const tag = "Keys";

const storedFields = (method: Method) =>
  Object.fromEntries(METHOD_FIELDS[method].map((field) => [field, text]));

const methods = Object.keys(METHOD_FIELDS) as Method[]; // the table's own keys

export const destinationSchema = z
  .union(methods.map((method) => z.object({ method: z.literal(method), ...storedFields(method) })))
  .meta({ id: "Destination" });

const beginning = {
  id: z.int(),
  name: text,
  is_default: z.boolean(),
  active: z.boolean().meta({ description: "Whether a subscription runs" }),
  limit: count.meta({ description: "Calls that are left of the plan" }),
};

const destinationFields = { destination: destinationSchema, callbackurl: text };
const notificationFields = { notify_email: text, notify_phone: z.union([msisdn, z.literal("")]) };

const keyFields = {
  ...beginning,
  fraud_suspended: z.boolean(),
  ...destinationFields,
  ...notificationFields,
  created_at: time,
  last_used_at: time.nullable(),
};

const keySchema = z.object(keyFields).meta({ id: "Key" });

const newKeySchema = z
  .object({
    ...beginning,
    api_key: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .meta({ description: "Shown in this answer alone" }),
    ...destinationFields,
    created_at: time,
  })
  .meta({ id: "NewKey" });

const secretFields = {
  webhook_secret: z.string().regex(/^whsec_/),
  previous_valid_until: time
    .nullable()
    .meta({ description: "Until when the secret before signs too; null where it does not" }),
};

const listed = {
  id: 1,
  name: "Default Account",
  is_default: true,
  active: true,
  limit: 4850,
  fraud_suspended: false,
  destination: { method: "paybill", paybill_number: "123456", account_number: "ACC001" },
  callbackurl: "https://myapp.com/callback",
  notify_email: "pay@myapp.com",
  notify_phone: "",
  created_at: "2025-06-01 09:00:00",
  last_used_at: "2025-06-03 14:22:11",
};

const created = {
  id: 4,
  name: "Production App",
  is_default: false,
  active: false,
  limit: 0,
  api_key: "a3f8c1e9b2d4f6a0e7c5b8d1f3a9e2c6b4d7f0a2e5c8b1d3f6a9e0c2b5d8f1a4",
  destination: { method: "wallet" },
  callbackurl: "",
  created_at: "2025-06-03 15:00:00",
};

export const keyPaths: Paths = {
  "/v1/keys": {
    get: operation({
      id: "listKeys",
      tag,
      summary: "List all accounts",
      scope: "full",
      answers: {
        200: {
          schema: succeeded({ accounts: z.array(keySchema), count }),
          example: { success: true, accounts: [listed], count: 1 },
        },
      },
    }),
    post: operation({
      id: "createKey",
      tag,
      summary: "Create account",
      description: "The new key is shown in this answer alone.",
      scope: "full",
      body: { schema: createRequest, example: { name: "Production App" } },
      answers: {
        201: {
          description: "Created.",
          schema: succeeded({ message: text, account: newKeySchema }),
          example: { success: true, message: "API account created successfully.", account: created },
        },
      },
      errors: ["DUPLICATE_NAME", "TOO_MANY_KEYS"],
    }),
  },
  "/v1/keys/{id}": {
    get: operation({
      id: "getKey",
      tag,
      summary: "Get account",
      description: "With the first and last four characters of its key, never the key itself.",
      scope: "full",
      path: keyPath,
      answers: {
        200: {
          schema: succeeded({
            account: z.object({ ...keyFields, api_key_hint: text }).meta({ id: "KeyWithHint" }),
          }),
          example: { success: true, account: { ...listed, api_key_hint: "a3f8…d8f1" } },
        },
      },
    }),
    delete: operation({
      id: "deleteKey",
      tag,
      summary: "Delete account",
      description:
        "Its transactions stay, and pending ones are settled and told as before. Unused calls lapse.",
      scope: "full",
      path: keyPath,
      answers: { 200: { schema: succeeded({ message: text }) } },
      errors: ["CANNOT_DELETE_DEFAULT"],
    }),
  },
  "/v1/keys/{id}/set-default": {
    post: operation({
      id: "setDefaultKey",
      tag,
      summary: "Set as default",
      scope: "full",
      path: keyPath,
      answers: { 200: { schema: succeeded({ message: text, account: keySchema }) } },
    }),
  },
  "/v1/keys/{id}/regenerate": {
    post: operation({
      id: "regenerateKey",
      tag,
      summary: "Regenerate key",
      description: "The old key stops working on the very next request.",
      scope: "full",
      path: keyPath,
      answers: { 200: { schema: succeeded({ message: text, account: newKeySchema }) } },
    }),
  },
  "/v1/keys/{id}/destination": {
    get: operation({
      id: "getDestination",
      tag: "Destinations",
      summary: "Get destination",
      scope: "full",
      path: keyPath,
      answers: { 200: { schema: succeeded(destinationFields) } },
    }),
    put: operation({
      id: "setDestination",
      tag: "Destinations",
      summary: "Set destination",
      description: "Where incoming payments are routed, and where their results are told.",
      scope: "full",
      path: keyPath,
      body: {
        schema: destinationDocument,
        example: {
          method: "paybill",
          paybill_number: "123456",
          account_number: "ACC001",
          callbackurl: "https://myapp.com/mpesa/callback",
        },
      },
      answers: { 200: { schema: succeeded({ message: text, ...destinationFields }) } },
      errors: ["INVALID_DESTINATION", "INVALID_CALLBACK_URL"],
    }),
  },
  "/v1/keys/{id}/notifications": {
    put: operation({
      id: "setNotifications",
      tag,
      summary: "Set notifications",
      description: "An email or SMS on every completed payment. An empty string disables a channel.",
      scope: "full",
      path: keyPath,
      body: {
        schema: notificationsRequest,
        example: { notify_email: "payments@myapp.com", notify_phone: "254712345678" },
      },
      answers: { 200: { schema: succeeded({ message: text, ...notificationFields }) } },
      errors: ["INVALID_PHONE"],
    }),
  },
  "/v1/keys/{id}/webhook-secret": {
    get: operation({
      id: "getWebhookSecret",
      tag: "Webhooks",
      summary: "Get webhook secret",
      description: "A key of scope `payments` reads its own alone.",
      scope: "payments",
      path: keyPath,
      answers: { 200: { schema: succeeded(secretFields) } },
      errors: ["FORBIDDEN_SCOPE"],
    }),
    post: operation({
      id: "rotateWebhookSecret",
      tag: "Webhooks",
      summary: "Rotate webhook secret",
      description: "The old secret signs too for 24 hours.",
      scope: "full",
      path: keyPath,
      answers: { 200: { schema: succeeded({ message: text, ...secretFields }) } },
    }),
  },
};
