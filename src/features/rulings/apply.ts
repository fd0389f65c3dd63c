import { ApiError } from "../../errors.ts";
import { logEvent } from "../../http/log.ts";
import type { Act } from "../audit/store.ts";
import type { RawCallback } from "../callbacks/store.ts";
import { type SettleDeps, settle } from "../payments/settle.ts";
import { type SettlePayoutDeps, settlePayout } from "../payouts/settle.ts";
import {
  callbackEvidence,
  type EffectDeps,
  effectOf,
  paymentEvidence,
  paymentOf,
  payoutOf,
} from "./effect.ts";
import { DEALT_WITH, payoutEvidence, whyNot } from "./rules.ts";
import {
  dismissCallback,
  endProposal,
  findCallback,
  findPayoutById,
  findRuling,
  rulingCompanion,
  type StoredRuling,
} from "./store.ts";

export type ApplyDeps = EffectDeps & SettleDeps & SettlePayoutDeps;

/**
 * The second step: applies a proposed ruling through the same settlement that M-Pesa's word takes, in one
 * batch with the audit log's row. However often it is asked for, it is applied once; one that was overtaken
 * becomes void and changes nothing.
 * @throws NOT_FOUND, RULING_CONFLICT where it is void or withdrawn
 */
export async function applyRuling(deps: ApplyDeps, id: string, act: Act): Promise<StoredRuling> {
  const ruling = await readRuling(deps, id);
  if (ruling.status !== "proposed") return asApplied(ruling);
  const effect = await effectOf(deps, ruling);
  const undone = effect.possible ? await carryOut(deps, ruling, act) : effect.why;
  if (undone !== undefined) {
    await endProposal(deps.db, ruling, { status: "void", outcome: undone }, act, deps.now());
  }
  const after = await readRuling(deps, id);
  logEvent("ruling_decided", { ruling: id, subject: ruling.subject, status: after.status });
  return asApplied(after);
}

/** Takes a proposal back. @throws NOT_FOUND, RULING_CONFLICT where it is decided already */
export async function withdrawRuling(deps: EffectDeps, id: string, act: Act): Promise<StoredRuling> {
  const ruling = await readRuling(deps, id);
  await endProposal(deps.db, ruling, { status: "withdrawn", outcome: null }, act, deps.now());
  const after = await readRuling(deps, id);
  if (after.status !== "withdrawn") throw decidedOtherwise(after);
  return after;
}

async function readRuling(deps: EffectDeps, id: string): Promise<StoredRuling> {
  const ruling = await findRuling(deps.db, id);
  if (!ruling) throw new ApiError("NOT_FOUND", { message: "There is no ruling with this id." });
  return ruling;
}

function asApplied(ruling: StoredRuling): StoredRuling {
  if (ruling.status !== "applied") throw decidedOtherwise(ruling);
  return ruling;
}

const decidedOtherwise = ({ status, outcome }: StoredRuling) =>
  new ApiError("RULING_CONFLICT", { message: `This ruling is ${status}. ${outcome ?? ""}`.trim() });

/** @returns why nothing was changed; undefined where the ruling was applied, by this call or another. */
async function carryOut(deps: ApplyDeps, ruling: StoredRuling, act: Act): Promise<string | undefined> {
  if (ruling.decision === "dismiss") {
    const isDone = await dismissCallback(deps.db, ruling, act, deps.now());
    return isDone ? undefined : DEALT_WITH;
  }
  if (ruling.kind === "payout") {
    const payout = await findPayoutById(deps.db, ruling.reference);
    if (!payout) return "There is no such payout.";
    const companion = rulingCompanion(deps.db, ruling, ruling.receipt ?? undefined, act, deps.now());
    const move = await settlePayout(
      deps,
      payoutOf(ruling),
      payoutEvidence(payout, ruling),
      undefined,
      companion,
    );
    return move.kind === "none" ? whyNot(move.verdict) : undefined;
  }
  const kept = ruling.kind === "callback" ? await keptCallback(deps, ruling) : undefined;
  const evidence = kept ? callbackEvidence(kept.body) : paymentEvidence(ruling);
  if (!evidence) return "The callback cannot be read.";
  const receipt = evidence.result.kind === "paid" ? evidence.result.receipt : undefined;
  const companion = rulingCompanion(deps.db, ruling, receipt, act, deps.now());
  const plan = await settle(deps, paymentOf(ruling), evidence, undefined, companion);
  return plan.kind === "none" ? whyNot(plan.verdict) : undefined;
}

async function keptCallback(deps: ApplyDeps, ruling: StoredRuling): Promise<RawCallback> {
  const kept = await findCallback(deps.db, ruling.reference, ruling.callbackId ?? "");
  if (!kept) throw new Error(`the callback of ruling ${ruling.id} is gone`);
  return kept;
}
