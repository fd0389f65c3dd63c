import type { Context } from "hono";
import { limitedBody } from "../../http/limited-body.ts";
import { logFault } from "../../http/log.ts";
import { randomHex } from "../../lib/hash.ts";
import { parseJson } from "../../lib/json.ts";
import { type NotifyDeps, tellOperator } from "../notices/notify.ts";
import type { CallbackMessage } from "./message.ts";
import { type CallbackRef, keepCallback, NOT_PROCESSED, type RawCallback } from "./store.ts";

const MAX_CALLBACK_BYTES = 16 * 1024;

/** What Daraja wants to hear; it does not look further. */
const ACCEPTED = { ResultCode: 0, ResultDesc: "Accepted" };

export type ReceiveDeps = NotifyDeps & { callbackQueue: Pick<Queue<CallbackMessage>, "send"> };

/**
 * Takes in a callback whose token was found right. Daraja delivers once: its 200 comes only after the
 * body is stored, by `process` in the batch that it changes things with, or here where it could not.
 * Where the database takes nothing at all the queue keeps the body; only without either it is not accepted.
 */
export async function receiveCallback<T>(
  c: Context,
  deps: ReceiveDeps,
  ref: CallbackRef,
  source: string,
  translate: (json: unknown) => T | undefined,
  process: (callback: T, raw: RawCallback) => Promise<unknown>,
): Promise<Response> {
  const raw = await readRaw(c, source, deps.now());
  if (raw === undefined) return tooLarge(c);
  const callback = translate(parseJson(raw.body));
  try {
    if (callback === undefined) await keepUnreadable(deps, ref, raw);
    else await processOrKeep(deps, ref, raw, () => process(callback, raw));
  } catch (error) {
    logFault(`storage of a callback for ${ref.id}`, error);
    await deps.callbackQueue.send({ merchantId: ref.merchantId, id: ref.id, raw });
  }
  return c.json(ACCEPTED);
}

/** Takes in a callback whose token was found right while nothing else can be done with it: the queue keeps it. */
export async function holdCallback(
  c: Context,
  { callbackQueue, now }: Pick<ReceiveDeps, "callbackQueue" | "now">,
  ref: CallbackRef,
  source: string,
): Promise<Response> {
  const raw = await readRaw(c, source, now());
  if (raw === undefined) return tooLarge(c);
  await callbackQueue.send({ merchantId: ref.merchantId, id: ref.id, raw });
  return c.json(ACCEPTED);
}

const tooLarge = (c: Context) => c.json({ ResultCode: 1, ResultDesc: "Too large" }, 413);

async function readRaw(c: Context, source: string, receivedAt: number): Promise<RawCallback | undefined> {
  const bytes = await limitedBody(c.req.raw, MAX_CALLBACK_BYTES);
  return bytes && { id: randomHex(8), source, body: new TextDecoder().decode(bytes), receivedAt };
}

async function processOrKeep(
  deps: ReceiveDeps,
  ref: CallbackRef,
  raw: RawCallback,
  process: () => Promise<unknown>,
): Promise<void> {
  try {
    await process();
  } catch (error) {
    logFault(`callback for ${ref.id}`, error);
    await keepCallback(deps.db, ref, raw, { verdict: NOT_PROCESSED, open: true });
  }
}

/** Keeps a body that is no result that we know, and tells the operator. */
export async function keepUnreadable(deps: NotifyDeps, ref: CallbackRef, raw: RawCallback): Promise<void> {
  await keepCallback(deps.db, ref, raw, { verdict: "unreadable", open: true });
  await tellOperator(deps, {
    id: `callback_unreadable:${ref.id}`,
    subject: "A callback of M-Pesa's could not be read",
    body: `A body came for ${ref.id} with the right secret, and is no result that we know. It was kept, and nothing was changed.\n`,
  });
}
