import { Hono } from "hono";
import { admitted } from "../../http/authenticated.ts";
import type { AppEnv } from "../../http/context.ts";
import { success } from "../../http/envelope.ts";
import { readIdempotencyKey } from "../../http/idempotency-key.ts";
import { jsonBody, limitBody, requireJsonObject } from "../../http/validate.ts";
import { smsRequest } from "./contract.ts";
import { presentMessage } from "./present.ts";
import { readSms, smsBalance } from "./read.ts";
import { sendSms } from "./send.ts";

export const smsRoutes = new Hono<AppEnv>()
  .post("/", admitted("payments"), limitBody, requireJsonObject, jsonBody(smsRequest), async (c) => {
    const { deps, key } = c.var;
    const idempotencyKey = await readIdempotencyKey(c);
    const work = sendSms(deps, key, c.req.valid("json"), idempotencyKey);
    deps.background(work.catch(() => undefined)); // whoever hung up, what was stored is sent at once
    const { answer, isReplay } = await work;
    if (isReplay) c.header("Idempotent-Replayed", "true");
    return success(c, answer);
  })
  .get("/balance", admitted("payments"), async (c) => {
    const balance = await smsBalance(c.var.deps, c.var.key.merchantId);
    return success(c, { data: { balance } });
  })
  .get("/:id", admitted("payments"), async (c) => {
    const sms = await readSms(c.var.deps, c.var.key, c.req.param("id"));
    return success(c, { data: presentMessage(sms) });
  });
