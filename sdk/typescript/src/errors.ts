import type { ErrorCode, FieldError } from "./types.ts";

/** Whatever this package throws of itself. */
export class SmartPayError extends Error {
  override name = "SmartPayError";
  /** Of a call that moves money: repeat the very same call with it, and it is done once. */
  readonly idempotencyKey: string | undefined;

  constructor(message: string, options: { idempotencyKey?: string | undefined; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.idempotencyKey = options.idempotencyKey;
  }
}

export type Failure = {
  status: number;
  /** Undefined where something between us and the gateway answered. A later gateway may have further codes. */
  errorCode: ErrorCode | (string & {}) | undefined;
  message: string;
  /** Quote it to support. */
  requestId: string | undefined;
  fields: FieldError[];
  /** Seconds to wait before trying again, where the gateway said so. */
  retryAfter: number | undefined;
};

/** The gateway answered, and did not do it. Go by `errorCode`, never by the message. */
export class ApiError extends SmartPayError implements Failure {
  override name = "ApiError";
  readonly status: number;
  readonly errorCode: Failure["errorCode"];
  readonly requestId: string | undefined;
  /** Which fields are at fault. */
  readonly fields: FieldError[];
  readonly retryAfter: number | undefined;

  constructor(failure: Failure, options: { idempotencyKey?: string | undefined } = {}) {
    super(failure.message, options);
    this.status = failure.status;
    this.errorCode = failure.errorCode;
    this.requestId = failure.requestId;
    this.fields = failure.fields;
    this.retryAfter = failure.retryAfter;
  }
}

/** 429: too much at a time. */
export class RateLimitError extends ApiError {
  override name = "RateLimitError";
}

/** No answer came, or none that can be read: it may have been done, and it may not. */
export class ConnectionError extends SmartPayError {
  override name = "ConnectionError";
}

/** A webhook that is not to be believed. */
export class WebhookError extends SmartPayError {
  override name = "WebhookError";
}
