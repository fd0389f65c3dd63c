import type { Db } from "../../db/client.ts";
import { eastAfricaTime } from "../../lib/clock.ts";
import { readActs } from "./store.ts";

export type AuditQuery = {
  limit: number;
  before?: number | undefined;
  subject?: string | undefined;
  action?: string | undefined;
};

/** A page of what operators did, the last first; `nextBefore` is where the next begins, null on the last. */
export async function listActs({ db }: { db: Db }, { limit, before, subject, action }: AuditQuery) {
  const found = await readActs(db, { limit: limit + 1, before, subject, action });
  const acts = found.slice(0, limit);
  return { acts, nextBefore: found.length > limit ? (acts.at(-1)?.id ?? null) : null };
}

export type ListedAct = Awaited<ReturnType<typeof listActs>>["acts"][number];

export const presentAct = ({ id, at, actor, name, action, subject, reason, detail }: ListedAct) => ({
  id,
  at: eastAfricaTime(at),
  actor,
  actor_name: name,
  action,
  subject,
  reason,
  detail: JSON.parse(detail),
});
