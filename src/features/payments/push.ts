import type { Config } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import { sha256Hex } from "../../lib/hash.ts";
import { newTransactionId } from "../../lib/ids.ts";
import { type CallbackCheckDeps, isCallable } from "../keys/callback-check.ts";
import type { Caller } from "../keys/caller.ts";
import type { PushRequest } from "./contract.ts";
import { FIRST_QUERY_MS } from "./rules.ts";
import { type PushAnswer, replay, type SendDeps, send } from "./send.ts";
import { type StartDeps, start } from "./start.ts";

export type PushDeps = StartDeps &
  SendDeps &
  Pick<CallbackCheckDeps, "dns"> & {
    config: StartDeps["config"] & SendDeps["config"] & CallbackCheckDeps["config"] & Pick<Config, "routing">;
  };

/**
 * Sends a payment prompt. Beside M-Pesa it makes two storage trips one after another for a key whose room
 * this isolate knows, its start and the record of M-Pesa's answer; and three for any other, whose start
 * asks the limits first.
 * @throws what `start` throws, PAYMENT_FAILURE, SERVICE_UNAVAILABLE.
 */
export async function push(
  deps: PushDeps,
  caller: Caller,
  request: PushRequest,
  idempotencyKey: string | null,
): Promise<PushAnswer> {
  caller.refuseKnownFull();
  await checkCallbackUrl(deps, caller, request);
  deps.background(deps.daraja.warmUp());
  const now = deps.now();
  const keyId = await caller.keyId();
  const started = await start(deps, caller, keyId, {
    id: newTransactionId(now),
    keyHash: caller.hash,
    request,
    idempotencyKey,
    routing: deps.config.routing,
    requestHash: await sha256Hex(JSON.stringify(request)),
    now,
    dueAt: now + deps.config.scaled(FIRST_QUERY_MS),
  });
  if (started.kind === "replay") return replay(deps, started.payment);
  return send(deps, started.payment, started.release);
}

/** @throws INVALID_CALLBACK_URL, after the caller was admitted: validation comes behind that. */
async function checkCallbackUrl(deps: PushDeps, caller: Caller, { callback_url: url }: PushRequest) {
  if (!url || (await isCallable(deps, url))) return;
  await caller.admit();
  throw new ApiError("INVALID_CALLBACK_URL", {
    fields: [{ field: "callback_url", message: "Use https, on port 443 of a public host name." }],
  });
}
