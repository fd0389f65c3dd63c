import type { Db } from "../../db/client.ts";
import type { Config } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import { type ApiKey, hashApiKey, isApiKey, locateApiKey } from "../../lib/api-key.ts";
import { type Clock, MINUTE_MS, SECOND_MS } from "../../lib/clock.ts";
import { type KeyId, storedKeyId } from "../../lib/ids.ts";
import type { GatePush } from "../limits/key-gate.ts";
import type { LimitsPort } from "../limits/port.ts";
import type { GateAnswer, WindowState } from "../limits/rules.ts";
import { forgetRoom, goAhead, knownId, othersAhead, rememberRoom } from "./room.ts";
import { findKey, noteUse, type StoredKey } from "./store.ts";

export type CallerDeps = {
  db: Db;
  config: Pick<Config, "appSecret">;
  limits: LimitsPort;
  now: Clock;
  background: (work: Promise<unknown>) => void;
};

/**
 * Keys whose minute or day is full, by hash: their next calls are refused without a trip. Memory refuses
 * here, it never permits, and only for so long: the key may be replaced or deleted meanwhile, and its
 * calls are then to be told so.
 */
const knownFull = new Map<string, { answer: GateAnswer; at: number; forSeconds: number }>();
const KNOWN_FULL_AT_MOST = 10_000;
const BELIEVED_SECONDS = 3;

/** How fresh a key's `last_used_at` is kept by calls other than pushes, which set it in their own write. */
const NOTED_AT_MOST_EVERY_MS = MINUTE_MS;

function rememberFull(hash: string, answer: GateAnswer, at: number): void {
  if (answer.verdict !== "minute_full" && answer.verdict !== "day_full") return;
  if (knownFull.size >= KNOWN_FULL_AT_MOST) knownFull.clear();
  const { resetSeconds } = answer.verdict === "minute_full" ? answer.minute : answer.day;
  knownFull.set(hash, { answer, at, forSeconds: Math.min(resetSeconds - 1, BELIEVED_SECONDS) });
}

/** What `Authorization` holds; the older calls also send the key bare. */
const BEARER = /^Bearer +(\S+)\s*$/i;
export const BEARER_OR_BARE = /^(?:Bearer +)?(\S+)\s*$/i;
/** Credentials of another scheme are for a proxy in front of us, where the key has a header of its own. */
const OTHER_SCHEME = /^(?!.*\bBearer )[\w!#$%&'*+.^`|~-]+ /i;

/**
 * Reads the key from `Authorization: Bearer` or `X-API-Key`; where both are sent they must agree. An
 * `Authorization` of another scheme is no key, and none of ours beside an `X-API-Key`.
 * @throws MISSING_AUTH without either, INVALID_API_KEY for what is not 64 hex characters.
 */
export function presentedKey(headers: Headers, form = BEARER): ApiKey {
  const authorization = headers.get("Authorization");
  const xApiKey = headers.get("X-API-Key")?.trim();
  const isForOthers = authorization === null || (xApiKey !== undefined && OTHER_SCHEME.test(authorization));
  const bearer = isForOthers ? undefined : (form.exec(authorization)?.[1] ?? "");
  const presented = bearer ?? xApiKey;
  if (presented === undefined) throw new ApiError("MISSING_AUTH");
  if (bearer !== undefined && xApiKey !== undefined && bearer !== xApiKey) {
    throw new ApiError("INVALID_API_KEY", {
      message: "The Authorization and X-API-Key headers name different keys. Send one of them.",
    });
  }
  if (!isApiKey(presented)) throw new ApiError("INVALID_API_KEY");
  return presented;
}

/** Whoever sent the request: a key that is well formed, and still to be admitted. */
export class Caller {
  /** What the key's gate answered last; the rate-limit headers tell it. */
  gate: GateAnswer | undefined;
  private admitted: Promise<StoredKey> | undefined;

  private constructor(
    private readonly deps: CallerDeps,
    readonly hash: string,
    private readonly locatedId: KeyId | undefined,
  ) {}

  static async from(deps: CallerDeps, presented: ApiKey): Promise<Caller> {
    const [hash, id] = await Promise.all([
      hashApiKey(presented),
      locateApiKey(deps.config.appSecret, presented),
    ]);
    return new Caller(deps, hash, id);
  }

  /** The caller that a stored key makes, for its merchant's own pages: they act with a key and never hold it. */
  static ofStored(deps: CallerDeps, key: Pick<StoredKey, "id" | "hash">): Caller {
    return new Caller(deps, key.hash, storedKeyId(key.id));
  }

  /**
   * Authenticates and counts the call, once a request.
   * @throws INVALID_API_KEY, then RATE_LIMIT_MINUTE or RATE_LIMIT_DAY.
   */
  admit(): Promise<StoredKey> {
    this.admitted ??= this.admitWith(async () => ({ key: await findKey(this.deps.db, this.hash) })).then(
      ({ key }) => key,
    );
    return this.admitted;
  }

  /** As `admit`, in the same trip as the route's own read, which has to bring the key along. */
  async admitWith<R extends { key: StoredKey | undefined }>(
    read: () => Promise<R>,
  ): Promise<R & { key: StoredKey }> {
    this.refuseKnownFull();
    const id = await this.keyId();
    const [gate, found] = await Promise.all([this.askGate(id), read()]);
    if (found.key?.id !== id) throw this.unknownKey(id);
    assertRoom(gate);
    this.remember(found.key);
    this.noteUse(found.key);
    return { ...found, key: found.key };
  }

  /** Once a minute, behind the answer. */
  private noteUse({ id, lastUsedAt }: StoredKey): void {
    const now = this.deps.now();
    const unlessSince = now - NOTED_AT_MOST_EVERY_MS;
    if (lastUsedAt !== null && lastUsedAt > unlessSince) return;
    this.deps.background(noteUse(this.deps.db, id, { now, unlessSince }));
  }

  /** The key's id, which names its gate. @throws INVALID_API_KEY for a hash nobody has. */
  async keyId(): Promise<KeyId> {
    const id = this.locatedId ?? knownId(this.hash);
    if (id) return id;
    const key = await findKey(this.deps.db, this.hash);
    if (!key) throw new ApiError("INVALID_API_KEY");
    return storedKeyId(key.id);
  }

  /** Counts the call. The verdict is the caller's to judge, by `assertRoom`. */
  async askGate(id: KeyId, push?: GatePush): Promise<GateAnswer> {
    this.gate = await this.deps.limits.takeCall(id, this.hash, push);
    rememberFull(this.hash, this.gate, this.deps.now());
    return this.gate;
  }

  /** @throws RATE_LIMIT_MINUTE or RATE_LIMIT_DAY if this isolate knows already that the window is full. */
  refuseKnownFull(): void {
    const known = knownFull.get(this.hash);
    const age = known ? Math.floor((this.deps.now() - known.at) / SECOND_MS) : 0;
    if (!known || age >= known.forSeconds) return;
    const aged = (w: WindowState) => ({ ...w, resetSeconds: Math.max(1, w.resetSeconds - age) });
    this.gate = { ...known.answer, minute: aged(known.answer.minute), day: aged(known.answer.day) };
    assertRoom(this.gate);
  }

  /**
   * As the function below, for a caller whose key was not looked up yet: authentication comes first, so
   * full windows are told to none but a living key.
   */
  async assertRoom(id: KeyId, gate: GateAnswer): Promise<void> {
    const isFull = gate.verdict === "minute_full" || gate.verdict === "day_full";
    const isLiving = isFull ? await findKey(this.deps.db, this.hash) : gate.verdict === "admitted";
    if (!isLiving) throw this.unknownKey(id);
    assertRoom(gate);
  }

  /** What the gate and the database have just told of the key's room. */
  remember({ id, callsLeft }: StoredKey): void {
    const { gate } = this;
    if (gate) rememberRoom(this.hash, { id: storedKeyId(id), callsLeft, gate, at: this.deps.now() });
  }

  /** As `goAhead` of `room.ts`. */
  goAhead(): (() => void) | undefined {
    return goAhead(this.hash, this.deps.now());
  }

  /** As `othersAhead` of `room.ts`. */
  othersAhead(): Promise<unknown> | undefined {
    return othersAhead(this.hash);
  }

  /** The error for a key that the database does not know, whose gate is told so. */
  unknownKey(id: KeyId): ApiError {
    knownFull.delete(this.hash);
    forgetRoom(this.hash);
    if (this.gate?.verdict === "admitted") this.deps.background(this.deps.limits.disown(id, this.hash));
    this.gate = undefined;
    return new ApiError("INVALID_API_KEY");
  }
}

/** @throws RATE_LIMIT_MINUTE, RATE_LIMIT_DAY, or INVALID_API_KEY, as the gate's verdict says. */
export function assertRoom({ verdict, minute, day }: GateAnswer): void {
  if (verdict === "disowned") throw new ApiError("INVALID_API_KEY");
  if (verdict === "minute_full") {
    throw new ApiError("RATE_LIMIT_MINUTE", { retryAfterSeconds: minute.resetSeconds });
  }
  if (verdict === "day_full") throw new ApiError("RATE_LIMIT_DAY", { retryAfterSeconds: day.resetSeconds });
}
