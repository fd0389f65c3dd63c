import { Hono } from "hono";
import { ApiError } from "../../errors.ts";
import { admitted } from "../../http/authenticated.ts";
import type { AppContext, AppEnv } from "../../http/context.ts";
import { success } from "../../http/envelope.ts";
import { readIdempotencyKey } from "../../http/idempotency-key.ts";
import { jsonBody, limitBody, requireJsonObject } from "../../http/validate.ts";
import { parseKeyId } from "../../lib/ids.ts";
import { presentPush } from "../payments/present.ts";
import type { PushAnswer } from "../payments/send.ts";
import { PLANS } from "../subscriptions/plans.ts";
import { buySmsCredits } from "./buy-credits.ts";
import { smsCreditsRequest, subscriptionRequest } from "./contract.ts";
import { moveTrialTo } from "./move-trial.ts";
import { subscribe } from "./subscribe.ts";

/** The push behind a purchase records its outcome even if the client hangs up. */
async function outcome(c: AppContext, work: Promise<PushAnswer>): Promise<PushAnswer> {
  c.var.deps.background(work.catch(() => undefined));
  const answer = await work;
  if (answer.replayed) c.header("Idempotent-Replayed", "true");
  return answer;
}

export const purchaseRoutes = new Hono<AppEnv>()
  .get("/plans", admitted("payments"), (c) => {
    const plans = Object.entries(PLANS).map(([name, { price, calls, days }]) => ({
      name,
      price,
      calls,
      days,
    }));
    return success(c, { plans, count: plans.length });
  })
  .post(
    "/keys/:id/subscription",
    admitted("full"),
    limitBody,
    requireJsonObject,
    jsonBody(subscriptionRequest),
    async (c) => {
      const { deps, key } = c.var;
      const id = parseKeyId(c.req.param("id"));
      if (id === undefined) throw new ApiError("NOT_FOUND");
      const idempotencyKey = await readIdempotencyKey(c);
      const { plan, phone } = c.req.valid("json");
      if (plan === "Trial" || !phone) {
        const { answer, isReplay } = await moveTrialTo(deps, key, id, idempotencyKey);
        if (isReplay) c.header("Idempotent-Replayed", "true");
        return success(c, answer);
      }
      const answer = await outcome(c, subscribe(deps, key, id, { plan, phone }, idempotencyKey));
      return success(c, presentPush(answer), answer.accepted ? 200 : 202);
    },
  )
  .post(
    "/sms/credits",
    admitted("full"),
    limitBody,
    requireJsonObject,
    jsonBody(smsCreditsRequest),
    async (c) => {
      const { deps, key } = c.var;
      const idempotencyKey = await readIdempotencyKey(c);
      const answer = await outcome(c, buySmsCredits(deps, key, c.req.valid("json"), idempotencyKey));
      return success(c, presentPush(answer), answer.accepted ? 200 : 202);
    },
  );
