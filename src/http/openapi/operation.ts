import type { z } from "zod";
import type { ZodOpenApiOperationObject, ZodOpenApiPathsObject, ZodOpenApiResponseObject } from "zod-openapi";
import { ERRORS, type ErrorCode } from "../../errors.ts";
import { PROBLEM_JSON } from "../envelope.ts";
import { failureSchema, olderFailureSchema, problemSchema, smsFailureSchema } from "./envelopes.ts";

export type Paths = ZodOpenApiPathsObject;

type Answer = { description?: string; schema: z.ZodType; example?: object };

type Operation = {
  id: string;
  tag: string;
  summary: string;
  description?: string;
  /** The narrowest key that may call it; `none` needs no key. */
  scope: "none" | "payments" | "full";
  path?: z.ZodObject;
  query?: z.ZodObject;
  body?: { schema: z.ZodType; example: object };
  idempotency?: "optional" | "required";
  /** The header `Prefer: wait=N` is read. */
  canWait?: boolean;
  /** An SMS endpoint of the text, whose answers have `status` beside `success`. */
  hasStatus?: boolean;
  /** A call of earlier days, whose failures have `error` beside `message`. */
  isOlder?: boolean;
  answers: Partial<Record<200 | 201 | 202, Answer>>;
  /** Beside those that follow from the members above. */
  errors?: ErrorCode[];
};

const ref = (kind: string, name: string) => ({ $ref: `#/components/${kind}/${name}` });

const headers = (names: string[]) => Object.fromEntries(names.map((name) => [name, ref("headers", name)]));

const RATE_HEADERS = ["X-RateLimit-Remaining", "X-RateLimit-Day-Remaining", "RateLimit", "RateLimit-Policy"];

/** One operation, with the errors that its kind brings along. */
export function operation(o: Operation): ZodOpenApiOperationObject {
  const isKeyed = o.scope !== "none";
  const answerHeaders = ["X-Request-Id", ...(isKeyed ? RATE_HEADERS : [])];
  const ownHeaders = [
    ...(o.idempotency ? ["Idempotent-Replayed"] : []),
    ...(o.canWait ? ["Preference-Applied"] : []),
  ];
  const answers = Object.entries(o.answers).map(([status, answer]): [string, ZodOpenApiResponseObject] => [
    status,
    {
      description: answer.description ?? "Done.",
      headers: headers([...answerHeaders, ...ownHeaders]),
      content: {
        "application/json": { schema: answer.schema, ...(answer.example ? { example: answer.example } : {}) },
      },
    },
  ]);
  return {
    operationId: o.id,
    tags: [o.tag],
    summary: o.summary,
    ...(o.description ? { description: o.description } : {}),
    ...(o.isOlder ? { deprecated: true } : {}),
    security: isKeyed ? [{ bearer: [] }, { apiKey: [] }] : [],
    requestParams: {
      ...(o.path ? { path: o.path } : {}),
      ...(o.query ? { query: o.query } : {}),
    },
    parameters: [
      ...(o.idempotency
        ? [ref("parameters", o.idempotency === "required" ? "IdempotencyKeyRequired" : "IdempotencyKey")]
        : []),
      ...(o.canWait ? [ref("parameters", "Prefer")] : []),
    ],
    ...(o.body
      ? {
          requestBody: {
            required: true,
            content: { "application/json": { schema: o.body.schema, example: o.body.example } },
          },
        }
      : {}),
    responses: { ...Object.fromEntries(answers), ...failures(o, answerHeaders) },
  };
}

function codesOf(o: Operation): ErrorCode[] {
  return [
    ...(o.scope === "none"
      ? []
      : (["MISSING_AUTH", "INVALID_API_KEY", "RATE_LIMIT_MINUTE", "RATE_LIMIT_DAY"] as const)),
    ...(o.scope === "full" ? (["FORBIDDEN_SCOPE"] as const) : []),
    ...(o.body ? (["INVALID_JSON", "PAYLOAD_TOO_LARGE", "MISSING_FIELDS", "INVALID_FIELD"] as const) : []),
    ...(o.query ? (["INVALID_FIELD"] as const) : []),
    ...(o.path ? (["NOT_FOUND"] as const) : []),
    ...(o.idempotency
      ? (["INVALID_FIELD", "IDEMPOTENCY_KEY_REUSED", "IDEMPOTENCY_IN_PROGRESS"] as const)
      : []),
    ...(o.errors ?? []),
    "IP_RATE_LIMIT",
    "INTERNAL_ERROR",
    "SERVICE_UNAVAILABLE",
  ];
}

/** A response for each status, with an example for each of its codes: those are all that can come. */
function failures(o: Operation, names: string[]): Record<string, ZodOpenApiResponseObject> {
  const codes = [...new Set(codesOf(o))].sort();
  const statuses = [...new Set(codes.map((code) => ERRORS[code].status))].sort();
  const failureOf = (status: number) => {
    const own = codes.filter((code) => ERRORS[code].status === status);
    const kind = o.hasStatus ? "status" : o.isOlder ? "older" : "plain";
    return sharedFailure(own, names, kind);
  };
  return Object.fromEntries(statuses.map((status) => [String(status), failureOf(status)]));
}

const FAILURES = { plain: failureSchema, status: smsFailureSchema, older: olderFailureSchema };

const shared = new Map<string, ZodOpenApiResponseObject>();

/** Most operations fail alike: each set of codes is one component of the document. */
function sharedFailure(
  codes: ErrorCode[],
  names: string[],
  kind: keyof typeof FAILURES,
): ZodOpenApiResponseObject {
  const id = [...codes, ...(kind === "plain" ? [] : [kind])].join(".");
  const known = shared.get(id);
  if (known) return known;
  const isWaited = codes.some((code) => [429, 503].includes(ERRORS[code].status) || code === IN_PROGRESS);
  const response: ZodOpenApiResponseObject = {
    id,
    description: codes.map((code) => `\`${code}\` ${ERRORS[code].message}`).join("\n\n"),
    headers: headers([...names, ...(isWaited ? ["Retry-After"] : [])]),
    content: {
      "application/json": {
        schema: FAILURES[kind],
        examples: Object.fromEntries(codes.map((code) => [code, ref("examples", code)])),
      },
      [PROBLEM_JSON]: { schema: problemSchema },
    },
  };
  shared.set(id, response);
  return response;
}

const IN_PROGRESS: ErrorCode = "IDEMPOTENCY_IN_PROGRESS";
