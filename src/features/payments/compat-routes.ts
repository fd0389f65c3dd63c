import { Hono } from "hono";
import { authenticatedOrBare } from "../../http/authenticated.ts";
import type { AppEnv } from "../../http/context.ts";
import { success } from "../../http/envelope.ts";
import { jsonBody, limitBody, requireJsonObject } from "../../http/validate.ts";
import { answerPush } from "./answer-push.ts";
import { olderPushRequest, olderStatusRequest } from "./compat-contract.ts";
import { presentResult } from "./present.ts";
import { readPayment } from "./read.ts";

/** The API's calls of earlier days, which clients still make: the same verbs behind their old names. */
export const compatRoutes = new Hono<AppEnv>().post(
  "/transactionstatus",
  authenticatedOrBare,
  limitBody,
  requireJsonObject,
  jsonBody(olderStatusRequest),
  async (c) => {
    const { CheckoutRequestID: reference } = c.req.valid("json");
    const { payment } = await readPayment(c.var.deps, c.var.caller, reference);
    return payment.status === "pending"
      ? success(c, { status: "pending" })
      : success(c, presentResult(payment));
  },
);

for (const path of ["/initiatestk", "/stkpush"]) {
  compatRoutes.post(
    path,
    authenticatedOrBare,
    limitBody,
    requireJsonObject,
    jsonBody(olderPushRequest),
    async (c) => {
      const { body, status } = await answerPush(c, c.req.valid("json"));
      const { checkout_request_id: checkoutRequestID, merchant_request_id: merchantRequestID } = body;
      return success(c, { ...body, checkoutRequestID, merchantRequestID }, status);
    },
  );
}
