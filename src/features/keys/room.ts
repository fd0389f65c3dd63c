import { MINUTE_MS, SECOND_MS } from "../../lib/clock.ts";
import type { KeyId } from "../../lib/ids.ts";
import type { GateAnswer, WindowState } from "../limits/rules.ts";

/**
 * What this isolate saw last of the keys that used it: whose they are, which never changes, and how much
 * room they had, which may have. It chooses between two ways of starting a push, and never permits one.
 */
type Known = { id: KeyId; callsLeft: number; gate: GateAnswer; at: number };

/** Of a key with less room than this, what is taken ahead and given back could cost somebody a refusal. */
const PLENTY_OF_CALLS = 100;
const PLENTY_OF_REQUESTS = 10;
/** How many of a key's pushes may be ahead of their permission at once. */
const AHEAD_AT_MOST = 10;
/** What was seen longer ago says nothing of the calls that are left: other isolates have taken theirs since. */
const KNOWN_FOR_MS = MINUTE_MS;
const KNOWN_AT_MOST = 10_000;

const known = new Map<string, Known>();
const ahead = new Map<string, Set<Promise<void>>>();

export const knownId = (hash: string): KeyId | undefined => known.get(hash)?.id;

export function rememberRoom(hash: string, room: Known): void {
  if (known.size >= KNOWN_AT_MOST) known.clear();
  known.set(hash, room);
}

export const forgetRoom = (hash: string) => known.delete(hash);

/**
 * Lets a push of this key take its call before the limits have said yes, if the key has plenty of room.
 * @returns what ends that, to be called once the push is permitted or has given its call back.
 */
export function goAhead(hash: string, now: number): (() => void) | undefined {
  const room = known.get(hash);
  const others = ahead.get(hash) ?? new Set();
  if (!room || now - room.at > KNOWN_FOR_MS || others.size >= AHEAD_AT_MOST) return undefined;
  const requests = Math.min(
    remaining(room.gate.minute, now - room.at),
    remaining(room.gate.day, now - room.at),
  );
  const isPlenty =
    room.callsLeft - others.size > PLENTY_OF_CALLS && requests - others.size > PLENTY_OF_REQUESTS;
  if (!isPlenty) return undefined;
  const { promise, resolve } = Promise.withResolvers<void>();
  ahead.set(hash, others.add(promise));
  return () => {
    resolve();
    others.delete(promise);
    if (others.size === 0) ahead.delete(hash);
  };
}

/** Ends when the pushes of this key that are ahead now have all been decided; undefined where none is. */
export function othersAhead(hash: string): Promise<unknown> | undefined {
  const others = ahead.get(hash);
  return others && Promise.all(others);
}

/** A window that has ended since begins anew. */
const remaining = (window: WindowState, ageMs: number) =>
  ageMs >= window.resetSeconds * SECOND_MS ? window.limit : window.remaining;
