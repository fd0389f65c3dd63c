import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import { type EffectDeps, effectOf } from "./effect.ts";
import { parseCallbackSubject, unclearBefore } from "./rules.ts";
import {
  findCallback,
  findPaymentById,
  findPayoutById,
  findRuling,
  nameOfMerchant,
  namesOfUsers,
  readRulings,
  readUnclear,
  type StoredRuling,
} from "./store.ts";

/** A list of what waits is cut here. */
export const AT_MOST = 100;

/** What waits for an operator's word, but for what a ruling is proposed on. */
export const listUnclear = ({ db, now, config }: EffectDeps) =>
  readUnclear(db, unclearBefore(config.scaled, now()), AT_MOST);

export const listRulings = ({ db }: { db: Db }, only: "proposed" | undefined) =>
  readRulings(db, only, AT_MOST);

/** A ruling with what it would do now, while it is proposed. @throws NOT_FOUND */
export async function readRulingWithEffect(deps: EffectDeps, id: string) {
  const ruling = await findRuling(deps.db, id);
  if (!ruling) throw new ApiError("NOT_FOUND", { message: "There is no ruling with this id." });
  const effect = ruling.status === "proposed" ? await effectOf(deps, ruling) : undefined;
  return { ruling, effect };
}

/** Whatever a ruling could be on, as it is now. @throws NOT_FOUND */
export async function readSubject({ db }: { db: Db }, subject: string) {
  const named = parseCallbackSubject(subject);
  const payment = subject.startsWith("tx_") ? await findPaymentById(db, subject) : undefined;
  const payout = subject.startsWith("po_") ? await findPayoutById(db, subject) : undefined;
  const callback = named && (await findCallback(db, named.reference, named.id));
  const merchantId = (payment ?? payout ?? callback)?.merchantId;
  if (merchantId === undefined) {
    throw new ApiError("NOT_FOUND", { message: "There is no payment, payout or callback with this id." });
  }
  return {
    payment,
    payout,
    callback,
    merchantId,
    merchantName: (await nameOfMerchant(db, merchantId)) ?? "",
  };
}

/** What a ruling is about, the payment that a callback is attached to, and who proposed and decided it. */
export async function readRulingFacts(deps: { db: Db }, ruling: StoredRuling) {
  const [subject, target, names] = await Promise.all([
    readSubject(deps, ruling.subject),
    ruling.attachTo === null ? undefined : readSubject(deps, ruling.attachTo),
    namesOfUsers(deps.db, [ruling.proposedBy, ruling.decidedBy ?? ""]),
  ]);
  return { subject, target, nameOf: (id: string) => names.get(id) ?? id };
}

export type Subject = Awaited<ReturnType<typeof readSubject>>;
