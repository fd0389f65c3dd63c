import type { Config } from "../../env.ts";
import { logEvent } from "../../http/log.ts";
import { jittered } from "../../lib/backoff.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../lib/clock.ts";
import { randomHex } from "../../lib/hash.ts";
import { storedKes } from "../../lib/kes.ts";
import { storedMsisdn } from "../../lib/msisdn.ts";
import type { AcknowledgementOutcome, DarajaPayoutPort } from "../../upstreams/daraja/port.ts";
import { storedDestination } from "../keys/destination.ts";
import { tellOperator } from "../notices/notify.ts";
import { resultUrls, statusUrls } from "./callback-url.ts";
import type { PayoutMessage } from "./message.ts";
import {
  behindPauseMs,
  giveUpAt,
  IN_LINE_APART_MS,
  KEEP_TRYING_MS,
  OPERATOR_PAUSE_MS,
  statusPauseMs,
  UNACKNOWLEDGED_MS,
} from "./rules.ts";
import { type SettlePayoutDeps, settlePayout } from "./settle.ts";
import {
  claimForSending,
  findPayout,
  lineUp,
  type PayoutRef,
  postpone,
  readUnclearSince,
  recordAcknowledged,
  type StoredPayout,
} from "./store.ts";

export type AdvanceDeps = SettlePayoutDeps & {
  payoutQueue: Pick<Queue<PayoutMessage>, "send">;
  darajaPayouts: DarajaPayoutPort;
  config: SettlePayoutDeps["config"] & Pick<Config, "publicBaseUrl" | "appSecret" | "payoutsPaused">;
};

/** How long a payout that was just sent or asked about is left alone. */
const LEASE_MS = 60 * SECOND_MS;
/** What waits no longer than this comes back by the queue, one by one; the sweep takes up many at once. */
const BY_QUEUE_MS = 30 * MINUTE_MS;
const PAUSED = "Payouts are paused; it goes out when they go on.";
const NOT_SET_UP =
  "The gateway is not set up rightly to pay out; its operator is told, and it is tried again.";
const BEHIND_ANOTHER = "It waits until M-Pesa has answered for an earlier payout to the same payee.";

/** Moves on a payout whose time has come: sends what is queued, asks about what is under way. */
export async function advancePayout(deps: AdvanceDeps, ref: PayoutRef): Promise<void> {
  const payout = await findPayout(deps.db, ref);
  if (!payout || payout.dueAt === null || payout.dueAt > deps.now()) return;
  if (payout.status === "queued") await send(deps, ref, payout);
  else if (payout.status === "sending" || payout.status === "sent") await ask(deps, ref, payout);
}

async function send(deps: AdvanceDeps, ref: PayoutRef, queued: StoredPayout): Promise<void> {
  const now = deps.now();
  const { scaled } = deps.config;
  if (queued.receipt !== null) {
    await settlePayout(deps, ref, {
      source: "gateway",
      attempt: queued.attempt,
      outcome: { kind: "paid", receipt: queued.receipt, amount: undefined },
    });
    return;
  }
  if (deps.config.payoutsPaused) {
    await postpone(deps.db, queued, {
      dueAt: now + scaled(OPERATOR_PAUSE_MS),
      reason: PAUSED,
      heldUpAt: now,
    });
    return;
  }
  if (now >= giveUpAt(queued, scaled)) {
    await giveUp(deps, ref, queued, "queued", queued.reason ?? "M-Pesa could not make it within 24 hours.");
    return;
  }
  // After "no such transaction" it keeps its id and its attempt: M-Pesa itself then refuses a second payment.
  const isNewId = queued.originatorId === null;
  const attempt = isNewId ? queued.attempt + 1 : queued.attempt;
  const originatorId = queued.originatorId ?? `${queued.id.replace("_", "-")}-${attempt}-${randomHex(3)}`;
  const claim = { attempt, originatorId, isNewId, now, dueAt: now + scaled(LEASE_MS) };
  const payout = await claimForSending(deps.db, queued, claim);
  if (!payout) {
    await waitBehindAnother(deps, ref, queued);
    return;
  }
  await record(deps, ref, payout, await pay(deps, ref, payout));
}

/**
 * Comes back soon at first: a payee may have many payouts, and most are acknowledged within a second.
 * Behind one that stays unclear the pauses double. Those that wait for the same payee stand in a line, so that
 * they neither meet again nor all ask the database again and again.
 */
async function waitBehindAnother(deps: AdvanceDeps, ref: PayoutRef, queued: StoredPayout): Promise<void> {
  const now = deps.now();
  const unclearSince = await readUnclearSince(deps.db, queued.target);
  const pauseMs = jittered(behindPauseMs(now - (unclearSince ?? now), deps.config.scaled));
  const place = { notBefore: now + pauseMs, apartMs: Math.ceil(deps.config.scaled(IN_LINE_APART_MS)), now };
  const dueAt = await lineUp(deps.db, queued, { ...place, reason: BEHIND_ANOTHER });
  if (dueAt !== undefined && dueAt - now <= BY_QUEUE_MS) {
    await deps.payoutQueue.send(ref, { delaySeconds: Math.ceil((dueAt - now) / SECOND_MS) });
  }
}

async function pay(deps: AdvanceDeps, ref: PayoutRef, payout: StoredPayout): Promise<AcknowledgementOutcome> {
  const urls = await resultUrls(deps.config, ref, payout.attempt);
  const common = { ...urls, amount: storedKes(payout.amount), remarks: "SmartPay payout" };
  const destination = storedDestination(payout.destination);
  switch (destination.method) {
    case "phone": {
      const phone = storedMsisdn(destination.phone);
      return deps.darajaPayouts.b2c({ ...common, phone, originatorId: payout.originatorId ?? "" });
    }
    case "paybill": {
      const { paybill_number: number, account_number: account } = destination;
      return deps.darajaPayouts.b2b({ ...common, payee: { kind: "paybill", number, account } });
    }
    case "bankpaybill": {
      const { bank_code: number, bank_account: account } = destination;
      return deps.darajaPayouts.b2b({ ...common, payee: { kind: "paybill", number, account } });
    }
    case "till":
      return deps.darajaPayouts.b2b({ ...common, payee: { kind: "till", number: destination.till_number } });
    case "wallet":
      throw new Error(`the payout ${payout.id} has no payee`);
  }
}

/** Only what surely is not under way is queued again; what is unclear waits for M-Pesa's word. */
async function record(
  deps: AdvanceDeps,
  ref: PayoutRef,
  payout: StoredPayout,
  outcome: AcknowledgementOutcome,
): Promise<void> {
  const now = deps.now();
  const { scaled } = deps.config;
  // With M-Pesa's ids: where they cannot be stored, the log alone has them.
  logEvent("payout_sent", { payout: payout.id, attempt: payout.attempt, outcome });
  switch (outcome.kind) {
    case "accepted":
      await recordAcknowledged(deps.db, payout, {
        conversationId: outcome.conversationId,
        darajaOriginatorId: outcome.originatorId,
        dueAt: now + scaled(statusPauseMs(0)),
      });
      return;
    case "duplicate": {
      const dueAt = now + scaled(statusPauseMs(0));
      await recordAcknowledged(deps.db, payout, { conversationId: null, darajaOriginatorId: null, dueAt });
      return;
    }
    case "unclear":
      return;
    case "refused":
      await recordRefused(deps, ref, payout, outcome);
      return;
    case "not_sent":
      await waitForOperator(
        deps,
        ref,
        payout,
        outcome.fault === "ours" ? NOT_SET_UP : "M-Pesa cannot be reached; it is tried again.",
        outcome.detail,
      );
  }
}

async function recordRefused(
  deps: AdvanceDeps,
  ref: PayoutRef,
  payout: StoredPayout,
  { fault, code, message }: Extract<AcknowledgementOutcome, { kind: "refused" }>,
): Promise<void> {
  switch (fault) {
    case "payment":
      await giveUp(deps, ref, payout, "sending", `M-Pesa: ${message} (${code})`);
      return;
    case "busy": {
      const dueAt = deps.now() + deps.config.scaled(LEASE_MS);
      await tryAgain(deps, ref, payout, dueAt, "M-Pesa is busy; it is tried again.");
      return;
    }
    case "ours":
      await waitForOperator(
        deps,
        ref,
        payout,
        "M-Pesa did not take it; it is tried again.",
        `${code} ${message}`,
      );
  }
}

/** Told once an hour for all that wait for the same reason: a fault of the settings is met by every payout. */
async function waitForOperator(
  deps: AdvanceDeps,
  ref: PayoutRef,
  payout: StoredPayout,
  reason: string,
  detail: string,
) {
  await tryAgain(deps, ref, payout, deps.now() + deps.config.scaled(OPERATOR_PAUSE_MS), reason);
  await tellOperator(deps, {
    id: `payout_not_sent:${payout.channel}:${reason}:${Math.floor(deps.now() / HOUR_MS)}`,
    subject: "Payouts cannot be sent",
    body: `The payout ${payout.id} of KES ${payout.amount} (${payout.channel}), and perhaps others, could not be sent to M-Pesa: ${detail}\n\nEach is tried again every 10 minutes for 24 hours; then the money stays in the merchant's wallet.`,
  });
}

/** Only for what M-Pesa surely did not take: it is queued again, unless an earlier attempt has been paid. */
const tryAgain = (deps: AdvanceDeps, ref: PayoutRef, payout: StoredPayout, dueAt: number, reason: string) =>
  settlePayout(deps, ref, {
    source: "gateway",
    attempt: payout.attempt,
    outcome: { kind: "not_sent", dueAt, reason },
  });

/** Only for what is surely not under way: queued, or refused by M-Pesa in its answer. */
const giveUp = (
  deps: AdvanceDeps,
  ref: PayoutRef,
  payout: StoredPayout,
  from: "queued" | "sending",
  reason: string,
) =>
  settlePayout(deps, ref, {
    source: "gateway",
    attempt: payout.attempt,
    outcome: { kind: "given_up", from, reason },
  });

/**
 * Asks M-Pesa what became of a payout whose result has not come. B2B has no id of ours, so one whose
 * acknowledgement was lost can only wait for its result or the operator, who is told soon: every other
 * payout to the same payee waits behind it.
 */
async function ask(deps: AdvanceDeps, ref: PayoutRef, payout: StoredPayout): Promise<void> {
  const now = deps.now();
  const { scaled } = deps.config;
  const originatorId = payout.channel === "b2c" ? payout.originatorId : payout.darajaOriginatorId;
  const isOld = now >= (payout.sentAt ?? now) + scaled(KEEP_TRYING_MS);
  const unacknowledgedAt = (payout.sentAt ?? now) + scaled(UNACKNOWLEDGED_MS);
  const isBlocking = payout.status === "sending" && now >= unacknowledgedAt;
  const next = now + scaled(isOld ? KEEP_TRYING_MS : statusPauseMs(payout.statusQueryCount));
  const dueAt = payout.status === "sending" && !isBlocking ? Math.min(next, unacknowledgedAt) : next;
  const statusQueryCount = payout.statusQueryCount + 1;
  if (!(await postpone(deps.db, payout, { dueAt, statusQueryCount }))) return;
  const id = `payout_without_result:${payout.id}:${payout.attempt}`;
  if (isBlocking) {
    await tellOperator(deps, {
      id,
      subject: "A payout needs your ruling, and others wait behind it",
      body: `M-Pesa has not acknowledged the payout ${payout.id} of KES ${payout.amount}. It is not sent again, and no other payout to the same payee goes out until it is known what became of it. Compare it with M-Pesa's own statement and rule on it.`,
    });
  } else if (isOld) {
    await tellOperator(deps, {
      id,
      subject: "A payout has had no result for a day",
      body: `M-Pesa has not told what became of the payout ${payout.id} of KES ${payout.amount}. It is not sent again. Compare it with M-Pesa's own statement and rule on it.`,
    });
  }
  if (originatorId) {
    const urls = await statusUrls(deps.config, ref, payout.attempt);
    await deps.darajaPayouts.transactionStatus({ ...urls, originatorId });
  }
}
