import { Hono } from "hono";
import { ApiError } from "../errors.ts";
import { createMerchant } from "../features/account/create-merchant.ts";
import {
  listMerchants,
  presentListedMerchant,
  presentMerchant,
  readMerchant,
} from "../features/account/merchants.ts";
import { listActs, presentAct } from "../features/audit/list.ts";
import { dismissDead, listDead, replayDead } from "../features/dead-letters/replay.ts";
import { release, suspend } from "../features/keys/suspend.ts";
import { recordReversal } from "../features/ledger/reverse.ts";
import { verifyLedger } from "../features/ledger/verify.ts";
import { type Figures, readFigures } from "../features/operations/figures.ts";
import { listStatements } from "../features/reconciliation/statement.ts";
import { applyRuling, withdrawRuling } from "../features/rulings/apply.ts";
import { listRulings, listUnclear, readRulingWithEffect } from "../features/rulings/list.ts";
import {
  presentRuling,
  presentUnclearCallback,
  presentUnclearPayment,
  presentUnclearPayout,
} from "../features/rulings/present.ts";
import { propose } from "../features/rulings/propose.ts";
import { grant } from "../features/subscriptions/grant.ts";
import { removeOperator } from "../features/users/remove-operator.ts";
import { presentDelivery } from "../features/webhooks/present.ts";
import type { AppEnv } from "../http/context.ts";
import { success } from "../http/envelope.ts";
import { jsonBody, limitBody, queryString, requireJsonObject } from "../http/validate.ts";
import { eastAfricaTime, eastAfricaTimeOrNull } from "../lib/clock.ts";
import { accountNumber, parseKeyId } from "../lib/ids.ts";
import { parseJson } from "../lib/json.ts";
import {
  auditQuery,
  dismissal,
  grantRequest,
  merchantRequest,
  merchantsQuery,
  operatorRemoval,
  operatorRequest,
  proposalOf,
  reversalRequest,
  rulingRequest,
  rulingsQuery,
  statementsQuery,
} from "./contract.ts";
import { dataRoutes } from "./data-routes.ts";
import { statedReason } from "./reason.ts";
import { operator } from "./token.ts";

/** As whom the audit log has what is done here. */
const byToken = (reason: string) => ({ actor: "token", reason });

const presentFigures = ({ payments, ...figures }: Figures) => ({
  at: eastAfricaTime(figures.at),
  payments_a_minute: payments.startedAMinute,
  completed_a_minute: payments.completedAMinute,
  success_rate: payments.successRate ?? null,
  pending: figures.pending,
  oldest_pending_at: eastAfricaTimeOrNull(figures.oldestPendingAt),
  webhooks_waiting: figures.webhooks.count,
  given_up: figures.dead.webhooks + figures.dead.others,
  callbacks_open: figures.callbacks,
  unclear: figures.unclear,
  rulings_proposed: figures.proposals,
  completed_by: figures.settled,
  daraja: figures.daraja.map(({ product, calls, failed, averageMs, slowestMs }) => ({
    product,
    calls,
    failed,
    average_ms: averageMs,
    slowest_ms: slowestMs,
  })),
  payouts: figures.payouts,
  float: figures.float.map(({ account, amount, reportedAt }) => ({
    account,
    amount,
    reported_at: eastAfricaTime(reportedAt),
  })),
  alerts: figures.alerts.map(({ kind, detail, since }) => ({ kind, detail, since: eastAfricaTime(since) })),
});

export const operatorRoutes = new Hono<AppEnv>()
  .use(operator, limitBody)
  .route("/", dataRoutes)

  /** Recomputes chain, balances and equations: 200 if they hold, else 409 with the first thing that breaks. */
  .get("/ledger/verify", async (c) => {
    const report = await verifyLedger(c.var.deps);
    if (report.intact) return success(c, report);
    const { what, where } = report.broken;
    throw new ApiError("LEDGER_BROKEN", { message: `The ledger does not hold: ${what} (${where}).` });
  })

  /** Records a reversal by Safaricom: the wallet pays it back, the rest is owed. */
  .post("/reversals", requireJsonObject, jsonBody(reversalRequest), async (c) => {
    const { receipt, reason } = c.req.valid("json");
    const reversal = await recordReversal(c.var.deps, receipt, byToken(reason));
    return success(c, { reversal }, 201);
  })

  .get("/merchants", queryString(merchantsQuery), async (c) => {
    const { merchants, nextCursor } = await listMerchants(c.var.deps, c.req.valid("query"));
    return success(c, {
      merchants: merchants.map(presentListedMerchant),
      count: merchants.length,
      next_cursor: nextCursor,
    });
  })

  .get("/merchants/:account", async (c) => {
    const merchant = await readMerchant(c.var.deps, c.req.param("account"));
    return success(c, { merchant: presentMerchant(merchant, c.var.deps) });
  })

  /** Makes a merchant with its default key, which is shown in this answer alone. */
  .post("/merchants", requireJsonObject, jsonBody(merchantRequest), async (c) => {
    const body = c.req.valid("json");
    const { merchantId, keyId, apiKey } = await createMerchant(c.var.deps, {
      fullname: body.fullname.trim(),
      email: body.email,
      userId: null,
      verifiedPhone: body.verified_phone ?? null,
      plan: body.plan ?? null,
      smsCredits: body.sms_credits,
      act: byToken(body.reason),
    });
    const merchant = { account_number: accountNumber(merchantId), fullname: body.fullname.trim() };
    return success(c, { merchant, key: { id: keyId, api_key: apiKey } }, 201);
  })

  .post("/keys/:id/suspend", async (c) => {
    const id = parseKeyId(c.req.param("id"));
    if (id === undefined || !(await suspend(c.var.deps, id, byToken(await statedReason(c))))) {
      throw new ApiError("NOT_FOUND", { message: "There is no key with this id that is not suspended." });
    }
    return success(c, { message: "The key is suspended." });
  })

  .post("/keys/:id/release", async (c) => {
    const id = parseKeyId(c.req.param("id"));
    if (id === undefined) throw new ApiError("NOT_FOUND");
    await release(c.var.deps, id, byToken(await statedReason(c)));
    return success(c, { message: "The key is released." });
  })

  /** Gives a plan or SMS credits without any money. */
  .post("/grants", requireJsonObject, jsonBody(grantRequest), async (c) => {
    const body = c.req.valid("json");
    const request =
      body.kind === "plan"
        ? { kind: body.kind, keyId: body.key_id, plan: body.plan }
        : { kind: body.kind, merchantId: body.account_number, credits: body.sms_credits };
    const isGiven = await grant(c.var.deps, request, body.id, byToken(body.reason));
    if (!isGiven) c.header("Idempotent-Replayed", "true");
    return success(c, { message: isGiven ? "It is given." : "It was given already." }, isGiven ? 201 : 200);
  })

  /** What waits for a ruling. */
  .get("/unmatched", async (c) => {
    const { callbacks, payments, payouts } = await listUnclear(c.var.deps);
    return success(c, {
      callbacks: callbacks.map(presentUnclearCallback),
      payments: payments.map(presentUnclearPayment),
      payouts: payouts.map(presentUnclearPayout),
    });
  })

  .get("/rulings", queryString(rulingsQuery), async (c) => {
    const rulings = await listRulings(c.var.deps, c.req.valid("query").status);
    return success(c, { rulings: rulings.map((ruling) => presentRuling(ruling)), count: rulings.length });
  })

  .get("/rulings/:id", async (c) => {
    const { ruling, effect } = await readRulingWithEffect(c.var.deps, c.req.param("id"));
    return success(c, { ruling: presentRuling(ruling, effect) });
  })

  /** The first step: nothing is changed, and the answer tells what the ruling would do. */
  .post("/rulings", requireJsonObject, jsonBody(rulingRequest), async (c) => {
    const body = c.req.valid("json");
    const { ruling, effect } = await propose(c.var.deps, proposalOf(body), byToken(body.reason));
    return success(c, { ruling: presentRuling(ruling, effect) }, 201);
  })

  /** The second step. */
  .post("/rulings/:id/apply", async (c) => {
    const ruling = await applyRuling(c.var.deps, c.req.param("id"), byToken(await statedReason(c)));
    return success(c, { ruling: presentRuling(ruling) });
  })

  .post("/rulings/:id/withdraw", async (c) => {
    const ruling = await withdrawRuling(c.var.deps, c.req.param("id"), byToken(await statedReason(c)));
    return success(c, { ruling: presentRuling(ruling) });
  })

  /** What was given up: queue messages, webhooks, and emails and SMS. */
  .get("/dead-letters", async (c) => {
    const { messages, webhooks, notices } = await listDead(c.var.deps);
    return success(c, {
      messages: messages.map(({ id, kind, subject, body, diedAt }) => ({
        id,
        kind,
        subject,
        body: parseJson(body),
        died_at: eastAfricaTime(diedAt),
      })),
      webhooks: webhooks.map(presentDelivery),
      notices: notices.map(({ id, channel, recipient, subject, attemptCount, createdAt }) => ({
        id,
        channel,
        recipient,
        subject,
        attempts: attemptCount,
        created_at: eastAfricaTime(createdAt),
      })),
    });
  })

  .post("/dead-letters/:id/replay", async (c) => {
    await replayDead(c.var.deps, c.req.param("id"), byToken(await statedReason(c)));
    return success(c, { message: "It is sent again." }, 202);
  })

  /** Puts aside what nothing could be done with. */
  .post("/dead-letters/:id/dismiss", requireJsonObject, jsonBody(dismissal), async (c) => {
    await dismissDead(c.var.deps, c.req.param("id"), byToken(c.req.valid("json").reason));
    return success(c, { message: "It is put aside." });
  })

  /** What M-Pesa reported, what the ledger says, each difference named; the operator's, or a merchant's. */
  .get("/statements", queryString(statementsQuery), async (c) => {
    const { day, account_number: merchantId } = c.req.valid("query");
    const statements = await listStatements(c.var.deps, merchantId, day);
    return success(c, { statements, count: statements.length });
  })

  /** What the gateway does now. */
  .get("/figures", async (c) => success(c, presentFigures(await readFigures(c.var.deps))))

  /** What operators did, the last first. */
  .get("/audit", queryString(auditQuery), async (c) => {
    const { acts, nextBefore } = await listActs(c.var.deps, c.req.valid("query"));
    return success(c, { acts: acts.map(presentAct), count: acts.length, next_before: nextBefore });
  })

  /** Makes an operator, or a new link for one; loaded when it is asked for, as the pages are. */
  .post("/operators", requireJsonObject, jsonBody(operatorRequest), async (c) => {
    const { createOperator } = await import("../features/users/create-operator.ts");
    const { reset_second_factor: resetSecondFactor, reason, ...person } = c.req.valid("json");
    const asked = { ...person, resetSecondFactor };
    const { userId, isNew, link } = await createOperator(c.var.deps, asked, byToken(reason));
    return success(c, { operator: { id: userId }, is_new: isNew, link }, isNew ? 201 : 200);
  })

  /** Ends what an operator may do, at once. */
  .post("/operators/remove", requireJsonObject, jsonBody(operatorRemoval), async (c) => {
    const { email, reason } = c.req.valid("json");
    await removeOperator(c.var.deps, email, byToken(reason));
    return success(c, { message: "The operator is removed." });
  });
