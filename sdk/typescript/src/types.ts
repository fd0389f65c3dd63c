import type { CALLS, components, operations } from "./openapi.ts";

export type Call = keyof typeof CALLS;

type Schemas = components["schemas"];

export type Transaction = Schemas["Transaction"];
export type Destination = Schemas["Destination"];
export type Key = Schemas["Key"];
export type Payout = Schemas["Payout"];
export type Statement = Schemas["Statement"];
export type Withdrawal = Schemas["Withdrawal"];
export type Plan = Schemas["Plan"];
export type SmsMessage = Schemas["SmsMessage"];
export type Delivery = Schemas["Delivery"];
/** The body of a webhook, as M-Pesa words it. */
export type PaymentResult = Schemas["PaymentResult"];
export type ErrorCode = Schemas["ErrorCode"];
export type FieldError = { field: string; message: string };

type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : never;

/** What a call sends. */
export type BodyOf<C extends Call> = Json<operations[C] extends { requestBody: infer R } ? R : never>;

export type QueryOf<C extends Call> = operations[C]["parameters"] extends { query?: infer Query }
  ? NonNullable<Query>
  : never;

/** 200 has every member that a 202 of the same call has. */
type Successes<R> = R extends { 200: infer A } | { 201: infer A } | { 202: infer A } ? A : never;

/** What a call answers, and beside it, not enumerable, how. */
export type Answer<C extends Call> = Json<Successes<operations[C]["responses"]>> & { readonly http: Http };

export type Http = {
  /** 202 where M-Pesa has not confirmed a payment: it is not to be sent again, its result will be told. */
  status: number;
  /** Quote it to support. */
  requestId: string | undefined;
  /** The first answer to this idempotency key, given again. */
  isReplayed: boolean;
};

export type CallOptions = {
  /** Ends the call. What was sent before may still be carried out. */
  signal?: AbortSignal | undefined;
};

export type MoneyOptions = CallOptions & {
  /**
   * Yours for each thing that you want done once, such as an order's number; 1 to 255 visible ASCII characters.
   * Without one a random key keeps this call's own repeats from doing it twice, and no more than those.
   */
  idempotencyKey?: string | undefined;
};

export type PushOptions = MoneyOptions & {
  /** Seconds to wait for the customer to finish, at most 55. `transaction` is in the answer if it is final by then. */
  wait?: number | undefined;
};
