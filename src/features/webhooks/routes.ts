import { Hono } from "hono";
import { ApiError } from "../../errors.ts";
import { admitted } from "../../http/authenticated.ts";
import type { AppEnv } from "../../http/context.ts";
import { success } from "../../http/envelope.ts";
import { jsonBody, limitBody, queryString, requireJsonObject } from "../../http/validate.ts";
import { parseKeyId } from "../../lib/ids.ts";
import { listQuery, replayRequest } from "./contract.ts";
import { listDeliveries, readDelivery } from "./list.ts";
import { presentDelivery } from "./present.ts";
import { replayDelivery } from "./replay.ts";
import { replayFailed } from "./replay-failed.ts";
import { sendTestEvent } from "./test-event.ts";

export const webhookRoutes = new Hono<AppEnv>()
  .get("/webhooks", admitted("payments"), queryString(listQuery), async (c) => {
    const { deps, key } = c.var;
    const { deliveries, nextCursor } = await listDeliveries(deps, key, c.req.valid("query"));
    return success(c, {
      webhooks: deliveries.map(presentDelivery),
      count: deliveries.length,
      has_more: nextCursor !== null,
      next_cursor: nextCursor,
    });
  })
  .get("/webhooks/:id", admitted("payments"), async (c) => {
    const delivery = await readDelivery(c.var.deps, c.var.key, c.req.param("id"));
    return success(c, { webhook: presentDelivery(delivery) });
  })
  .post(
    "/webhooks/replay",
    admitted("full"),
    limitBody,
    requireJsonObject,
    jsonBody(replayRequest),
    async (c) => {
      const { deps, key } = c.var;
      const { replayed, nextCursor } = await replayFailed(deps, key, c.req.valid("json"));
      const message = nextCursor
        ? "These webhooks are sent again. More are left: ask again with next_cursor as cursor."
        : "These webhooks are sent again.";
      const left = { has_more: nextCursor !== null, next_cursor: nextCursor };
      return success(c, { message, replayed, ...left }, 202);
    },
  )
  .post("/webhooks/:id/replay", admitted("full"), async (c) => {
    const { deps, key } = c.var;
    const delivery = await replayDelivery(deps, key, c.req.param("id"));
    return success(c, { message: "The webhook is sent again.", webhook: presentDelivery(delivery) }, 202);
  })
  .post("/keys/:id/test-webhook", admitted("full"), async (c) => {
    const id = parseKeyId(c.req.param("id"));
    if (id === undefined) throw new ApiError("NOT_FOUND");
    const delivery = await sendTestEvent(c.var.deps, c.var.key.merchantId, id);
    return success(c, { message: "A test event is sent.", webhook: presentDelivery(delivery) }, 202);
  });
