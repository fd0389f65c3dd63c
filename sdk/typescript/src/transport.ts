import { ApiError, ConnectionError, type Failure, RateLimitError, SmartPayError } from "./errors.ts";
import { CALLS } from "./openapi.ts";
import { type Outcome, parseRetryAfter, pauseBeforeRetry, type RetrySettings } from "./retry.ts";
import type { Answer, Call, FieldError, Http } from "./types.ts";

export type Settings = Partial<RetrySettings> & {
  /** Your gateway's address, such as `https://pay.example.com`. */
  baseUrl: string | undefined;
  /** 64 hex characters. Keep it on your server, never in a page or an app. */
  apiKey: string | undefined;
  /** Of each attempt; a wait for the customer comes on top. 30 by default. */
  timeoutSeconds?: number;
  /** Instead of the global one. */
  fetch?: typeof globalThis.fetch;
};

export type Request = {
  path?: Record<string, string | number>;
  query?: Record<string, string | number | undefined>;
  body?: object;
  wait?: number | undefined;
  idempotencyKey?: string | undefined;
  signal?: AbortSignal | undefined;
};

export type Send = <C extends Call>(call: C, request?: Request) => Promise<Answer<C>>;

type Attempt = { answer: object; http: Http } | { failure: Failure } | { silence: unknown };

/** Sends calls, and sends again what may be sent again, until there is an answer. */
export function createSend(settings: Settings): Send {
  const { apiKey, timeoutSeconds = 30, maxRetries = 3, maxRetryAfter = 60 } = settings;
  if ("document" in globalThis) throw new SmartPayError("An API key does not belong into a browser.");
  if (!apiKey) throw new SmartPayError("Give the gateway's API key as apiKey.");
  if (!settings.baseUrl) throw new SmartPayError("Give the gateway's address as baseUrl.");
  const baseUrl = settings.baseUrl.replace(/\/+(v1\/*)?$/, "");
  const fetch = settings.fetch ?? globalThis.fetch.bind(globalThis);

  return async function send<C extends Call>(call: C, request: Request = {}): Promise<Answer<C>> {
    const { method, takesIdempotencyKey } = CALLS[call];
    const idempotencyKey = takesIdempotencyKey ? (request.idempotencyKey ?? crypto.randomUUID()) : undefined;
    const isRepeatable = method === "GET" || method === "PUT" || idempotencyKey !== undefined;
    const url = `${baseUrl}${pathOf(CALLS[call].path, request)}`;
    const init = {
      method,
      headers: {
        Authorization: `Bearer ${apiKey}`,
        Accept: "application/json",
        "User-Agent": "smartpay-typescript",
        ...(request.body ? { "Content-Type": "application/json" } : {}),
        ...(idempotencyKey ? { "Idempotency-Key": idempotencyKey } : {}),
        ...(request.wait ? { Prefer: `wait=${Math.ceil(request.wait)}` } : {}),
      },
      ...(request.body ? { body: JSON.stringify(request.body) } : {}),
      // The key goes to the gateway alone.
      redirect: "manual" as const,
    };
    const limitMs = (timeoutSeconds + (request.wait ?? 0)) * 1_000;
    const begunAt = Date.now();
    for (let retriesMade = 0; ; retriesMade++) {
      const tried = await attempt(fetch, url, init, limitMs, request.signal);
      if ("answer" in tried) {
        // The document, which the gateway's answers are tested against, says what each call answers.
        return Object.defineProperty(tried.answer, "http", { value: tried.http }) as Answer<C>;
      }
      const progress = { isRepeatable, retriesMade, elapsedMs: Date.now() - begunAt, random: Math.random() };
      const pauseMs = pauseBeforeRetry(outcomeOf(tried), progress, { maxRetries, maxRetryAfter });
      if (pauseMs === undefined) throw errorOf(tried, idempotencyKey);
      await sleep(pauseMs, request.signal);
    }
  };
}

function pathOf(template: string, { path = {}, query = {} }: Request): string {
  const filled = template.replace(/\{(\w+)\}/g, (_, name) => {
    const value = String(path[name] ?? "");
    if (/^\.{0,2}$/.test(value)) throw new SmartPayError(`This is no ${name}: "${value}"`);
    return encodeURIComponent(value);
  });
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length > 0 ? `${filled}?${new URLSearchParams(given)}` : filled;
}

async function attempt(
  fetch: typeof globalThis.fetch,
  url: string,
  init: RequestInit,
  limitMs: number,
  signal: AbortSignal | undefined,
): Promise<Attempt> {
  const limit = AbortSignal.timeout(limitMs);
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { ...init, signal: signal ? AbortSignal.any([signal, limit]) : limit });
    text = await response.text();
  } catch (silence) {
    signal?.throwIfAborted();
    return { silence };
  }
  const body = objectOf(text);
  const requestId = response.headers.get("X-Request-Id") ?? undefined;
  if (response.ok) {
    if (!body) return { silence: new Error(`HTTP ${response.status} without JSON`) };
    const isReplayed = response.headers.get("Idempotent-Replayed") === "true";
    return { answer: body, http: { status: response.status, requestId, isReplayed } };
  }
  const { error_code, message, errors } = body ?? {};
  return {
    failure: {
      status: response.status,
      errorCode: typeof error_code === "string" ? error_code : undefined,
      message: typeof message === "string" ? message : `HTTP ${response.status}`,
      requestId,
      fields: Array.isArray(errors) ? (errors as FieldError[]) : [], // as the document has it
      retryAfter: parseRetryAfter(response.headers.get("Retry-After"), Date.now()),
    },
  };
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    // Something between us and the gateway answered in its own words.
    return undefined;
  }
}

type Failed = Exclude<Attempt, { answer: object }>;

function outcomeOf(tried: Failed): Outcome {
  if ("failure" in tried) return tried.failure;
  return { status: undefined, errorCode: undefined, retryAfter: undefined };
}

function errorOf(tried: Failed, idempotencyKey: string | undefined): SmartPayError {
  if ("silence" in tried) {
    const message = "No answer came from the gateway: it may have been done, and it may not.";
    return new ConnectionError(message, { idempotencyKey, cause: tried.silence });
  }
  const { failure } = tried;
  return new (failure.status === 429 ? RateLimitError : ApiError)(failure, { idempotencyKey });
}

/** @throws the signal's reason as soon as it is aborted. */
export async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", end);
      resolve();
    }, ms);
    signal?.addEventListener("abort", end, { once: true });
  });
}
