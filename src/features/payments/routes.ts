import { Hono } from "hono";
import { authenticated } from "../../http/authenticated.ts";
import type { AppEnv } from "../../http/context.ts";
import { success } from "../../http/envelope.ts";
import { jsonBody, limitBody, queryString, requireJsonObject } from "../../http/validate.ts";
import { answerPush } from "./answer-push.ts";
import { listQuery, pushRequest } from "./contract.ts";
import { listPayments } from "./list.ts";
import { presentTransaction } from "./present.ts";
import { readPayment } from "./read.ts";

export const paymentRoutes = new Hono<AppEnv>()
  .post("/stk/push", authenticated, limitBody, requireJsonObject, jsonBody(pushRequest), async (c) => {
    const { body, status } = await answerPush(c, c.req.valid("json"));
    return success(c, body, status);
  })
  .get("/transactions", authenticated, queryString(listQuery), async (c) => {
    const query = c.req.valid("query");
    const { payments, total, nextCursor } = await listPayments(c.var.deps, c.var.caller, query);
    return success(c, {
      transactions: payments.map(({ payment, payout }) => presentTransaction(payment, payout)),
      count: payments.length,
      total,
      limit: query.limit,
      offset: query.offset ?? 0,
      has_more: nextCursor !== null,
      next_cursor: nextCursor,
    });
  })
  .get("/transactions/:ref", authenticated, async (c) => {
    const { payment, payout } = await readPayment(c.var.deps, c.var.caller, c.req.param("ref"));
    return success(c, { transaction: presentTransaction(payment, payout) });
  });
