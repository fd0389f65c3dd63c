import { Hono } from "hono";
import { admitted } from "../../http/authenticated.ts";
import type { AppEnv } from "../../http/context.ts";
import { success } from "../../http/envelope.ts";
import { readIdempotencyKey } from "../../http/idempotency-key.ts";
import { jsonBody, limitBody, queryString, requireJsonObject } from "../../http/validate.ts";
import { payoutsQuery, withdrawalRequest } from "./contract.ts";
import { listPayouts, readWithdrawal } from "./list.ts";
import { presentPayout, presentWithdrawal } from "./present.ts";
import { withdraw } from "./withdraw.ts";

export const payoutRoutes = new Hono<AppEnv>()
  .get("/payouts", admitted("full"), queryString(payoutsQuery), async (c) => {
    const { payouts, nextCursor } = await listPayouts(c.var.deps, c.var.key.merchantId, c.req.valid("query"));
    const shown = payouts.map(presentPayout);
    return success(c, {
      payouts: shown,
      count: shown.length,
      has_more: nextCursor !== null,
      next_cursor: nextCursor,
    });
  })
  .post(
    "/account/withdrawals",
    admitted("full"),
    limitBody,
    requireJsonObject,
    jsonBody(withdrawalRequest),
    async (c) => {
      const { deps, key } = c.var;
      const idempotencyKey = await readIdempotencyKey(c);
      const { answer, isReplay } = await withdraw(deps, key.merchantId, c.req.valid("json"), idempotencyKey);
      if (isReplay) c.header("Idempotent-Replayed", "true");
      return success(c, { message: "Withdrawal accepted.", ...answer }, 201);
    },
  )
  .get("/account/withdrawals/:id", admitted("full"), async (c) => {
    const payout = await readWithdrawal(c.var.deps, c.var.key.merchantId, c.req.param("id"));
    return success(c, { withdrawal: presentWithdrawal(payout) });
  });
