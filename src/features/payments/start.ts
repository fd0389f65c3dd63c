import type { Config } from "../../env.ts";
import { ApiError, ERRORS } from "../../errors.ts";
import { logFault } from "../../http/log.ts";
import { SECOND_MS } from "../../lib/clock.ts";
import { sha256Hex } from "../../lib/hash.ts";
import type { KeyId } from "../../lib/ids.ts";
import type { Msisdn } from "../../lib/msisdn.ts";
import type { FraudCode } from "../fraud/rules.ts";
import { assertRoom, type Caller } from "../keys/caller.ts";
import { countDenial, type SuspendDeps } from "../keys/suspend.ts";
import type { PhoneAnswer } from "../limits/phone-limit.ts";
import type { LimitsPort } from "../limits/port.ts";
import type { GateAnswer } from "../limits/rules.ts";
import { judgeStart, type StartView } from "./rules.ts";
import { type Intent, readStart, type StoredTransaction, storeIntent, undoIntent } from "./store.ts";

export type StartDeps = SuspendDeps & {
  config: SuspendDeps["config"] & Pick<Config, "scaled">;
  limits: LimitsPort;
  /** Goes on after the answer, and after the client is gone. */
  background: (work: Promise<unknown>) => void;
};

export type Start =
  /** `release` gives the phone's slot back, where no prompt can have been sent. */
  | { kind: "started"; payment: StoredTransaction; release: () => void }
  | { kind: "replay"; payment: StoredTransaction };

/** Whoever finds no call left, while others hold some ahead, asks again at most so often. */
const MAX_ROUNDS = 5;
/** Another request's outcome is waited for so long: its process may have ended without one. */
const OTHERS_AT_MOST_MS = 2 * SECOND_MS;

/**
 * Everything that has to say yes before M-Pesa is asked: the key's gate, the phone's limit and the
 * guarded batch. The batch follows the other two, or stands beside them while this isolate knows of
 * plenty of room (`keys/room.ts`); a call that was taken ahead and not permitted is given back before
 * anybody is answered. A push is refused for want of calls only when this isolate holds none so; another
 * isolate may for a moment, of a key that it saw with plenty of room less than a minute ago.
 * @throws what `judgeStart` throws, and the limits' refusals.
 */
export async function start(deps: StartDeps, caller: Caller, keyId: KeyId, intent: Intent): Promise<Start> {
  const { id, request } = intent;
  const asking = settled(caller.askGate(keyId, { id, phone: await phoneMark(request.phone) }));
  for (let round = 1; ; round++) {
    const decided = round === 1 ? caller.goAhead() : undefined;
    const attempt = startOnce(deps, caller, keyId, intent, { asking, round, isAhead: decided !== undefined });
    const outcome = await settled(attempt.finally(decided));
    if (outcome.status === "fulfilled") {
      if (outcome.value.kind === "replay") forget();
      return outcome.value;
    }
    const isWithoutCalls = outcome.reason instanceof ApiError && outcome.reason.code === "LIMIT_REACHED";
    const others = isWithoutCalls && round < MAX_ROUNDS ? caller.othersAhead() : undefined;
    if (!others) {
      forget();
      throw outcome.reason;
    }
    await Promise.race([others, pause(OTHERS_AT_MOST_MS)]);
  }

  /** The push came to nothing: it is none that the fraud rules count. */
  function forget() {
    deps.background(
      asking.then((gate) => {
        const isCounted = gate.status === "rejected" || (isOpen(gate.value) && !gate.value.fraud);
        return isCounted ? deps.limits.forgetPush(keyId, id) : undefined;
      }),
    );
  }
}

async function startOnce(
  deps: StartDeps,
  caller: Caller,
  keyId: KeyId,
  intent: Intent,
  way: { asking: Promise<PromiseSettledResult<GateAnswer>>; round: number; isAhead: boolean },
): Promise<Start> {
  const { id, request, idempotencyKey, requestHash, now } = intent;
  const name = idempotencyKey === null ? id : `${keyId}:${idempotencyKey}`;
  const claimant = { name, holder: `${id}:${way.round}` };
  const [gate, phone, ahead] = await Promise.all([
    way.asking,
    settled(deps.limits.claimPhone(request.phone, claimant)),
    way.isAhead ? settled(storeIntent(deps.db, intent)) : undefined,
  ]);
  const isClaimed = phone.status === "rejected" || phone.value.granted;
  const releasePhone = async () => {
    if (isClaimed) await deps.limits.releasePhone(request.phone, claimant);
  };
  try {
    const room = granted(gate);
    if (ahead) assertKey(caller, keyId, granted(ahead), room);
    else await caller.assertRoom(keyId, room);
    const refusal = fraudRefusal(room.fraud) ?? phoneRefusal(granted(phone));
    const view = ahead ? granted(ahead) : await followUp(deps, intent, refusal);
    if (!view.key) throw caller.unknownKey(keyId);
    caller.remember(view.key);
    const judged = judgeStart(view, { hash: requestHash, now, scaled: deps.config.scaled, refusal });
    if (judged.kind === "replay") {
      deps.background(releasePhone());
      return judged;
    }
    const using = deps.limits.usePhone(request.phone, claimant);
    deps.background(using);
    const release = () => {
      deps.background(using.finally(releasePhone));
      deps.background(deps.limits.forgetPush(keyId, id));
    };
    return { ...judged, release };
  } catch (error) {
    if (ahead) await takeBack(deps, intent, ahead);
    if (isDenial(error, gate)) deps.background(countDenial(deps, keyId));
    deps.background(releasePhone());
    throw error;
  }
}

/** The batch behind the limits' word: with their refusal it only reads what else there is to say. */
function followUp(deps: StartDeps, intent: Intent, refusal: ApiError | undefined): Promise<StartView> {
  if (refusal) return readStart(deps.db, intent);
  return storeIntent(deps.db, intent).catch(async (error) => {
    deps.background(takeBackIfStored(deps, intent));
    throw error;
  });
}

/** As `Caller.assertRoom`, with the key at hand. @throws INVALID_API_KEY, RATE_LIMIT_MINUTE, RATE_LIMIT_DAY */
function assertKey(caller: Caller, keyId: KeyId, { key }: StartView, gate: GateAnswer): void {
  if (!key) throw caller.unknownKey(keyId);
  assertRoom(gate);
}

/** An intent that was stored ahead and is not permitted: nothing was sent, and its call is given back. */
async function takeBack(deps: StartDeps, intent: Intent, ahead: PromiseSettledResult<StartView>) {
  if (ahead.status === "rejected") deps.background(takeBackIfStored(deps, intent));
  else if (ahead.value.stored) await undo(deps, ahead.value.stored);
}

/** The intent may or may not be stored, and nothing was sent. */
const takeBackIfStored = async (deps: StartDeps, intent: Intent) => {
  const { stored } = await readStart(deps.db, intent);
  if (stored) await undo(deps, stored);
};

/** What cannot be taken back stays pending, which promises nothing, and ends with the day. */
const undo = (deps: StartDeps, stored: StoredTransaction) =>
  undoIntent(deps.db, stored).catch((fault) => logFault(`undo of ${stored.id}`, fault));

export const phoneRefusal = (answer: PhoneAnswer) =>
  answer.granted
    ? undefined
    : new ApiError("PHONE_RATE_LIMIT", { retryAfterSeconds: answer.retryAfterSeconds });

/** The fraud rules only need to tell phones apart; the number itself stays with the payment. */
const phoneMark = async (phone: Msisdn) => (await sha256Hex(phone)).slice(0, 16);

const fraudRefusal = (code: FraudCode | undefined) =>
  code && new ApiError(code, ERRORS[code].status === 429 ? { retryAfterSeconds: 60 } : {});

/** Whether the fraud rules' own 403 is what the push is answered with. */
const isDenial = (error: unknown, gate: PromiseSettledResult<GateAnswer>) =>
  gate.status === "fulfilled" &&
  error instanceof ApiError &&
  error.code === gate.value.fraud &&
  error.status === 403;

const isOpen = ({ verdict }: GateAnswer) => verdict === "admitted";

const settled = async <T>(work: Promise<T>): Promise<PromiseSettledResult<T>> =>
  (await Promise.allSettled([work]))[0];

function granted<T>(outcome: PromiseSettledResult<T>): T {
  if (outcome.status === "rejected") throw outcome.reason;
  return outcome.value;
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
