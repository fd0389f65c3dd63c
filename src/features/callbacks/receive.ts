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
  const bytes = await limitedBody(c.req.raw, MAX_CALLBACK_BYTES);
  if (bytes === undefined) return c.json({ ResultCode: 1, ResultDesc: "Too large" }, 413);
  const body = new TextDecoder().decode(bytes);
  const raw = { id: randomHex(8), source, body, receivedAt: deps.now() };
  const callback = translate(parseJson(body));
  try {
    if (callback === undefined) await keepUnreadable(deps, ref, raw);
    else await processOrKeep(deps, ref, raw, () => process(callback, raw));
  } catch (error) {
    logFault(`storage of a callback for ${ref.id}`, error);
    await deps.callbackQueue.send({ merchantId: ref.merchantId, id: ref.id, raw });
  }
  return c.json(ACCEPTED);
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
