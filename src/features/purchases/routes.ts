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
import { subscribe } from "./subscribe.ts";

/** The push behind a purchase records its outcome even if the client hangs up. */
async function outcome<T extends PushAnswer | undefined>(c: AppContext, work: Promise<T>): Promise<T> {
  c.var.deps.background(work.catch(() => undefined));
  const answer = await work;
  if (answer?.replayed) c.header("Idempotent-Replayed", "true");
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
      const answer = await outcome(c, subscribe(deps, key, id, c.req.valid("json"), idempotencyKey));
      if (!answer) return success(c, { message: "The trial was moved to this key." });
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
