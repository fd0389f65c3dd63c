import { Hono } from "hono";
import type { AppEnv } from "../../http/context.ts";
import { isCallbackToken } from "../../lib/callback-token.ts";
import { isPayoutId, parseMerchantId } from "../../lib/ids.ts";
import { translateResult } from "../../upstreams/daraja/translate.ts";
import { receiveCallback } from "../callbacks/receive.ts";
import { isPayoutCallbackKind, payoutOccasion } from "./callback-url.ts";
import { evidenceOf } from "./evidence.ts";
import { noteFloat } from "./float.ts";
import { settlePayout } from "./settle.ts";

/** M-Pesa's door for what became of a payout, each attempt and each question with a token of its own. */
export const payoutCallback = new Hono<AppEnv>().post("/:kind/:merchant/:id/:attempt/:token", async (c) => {
  const deps = c.get("deps");
  const { kind, merchant, id, token } = c.req.param();
  const attempt = Number(c.req.param("attempt"));
  const merchantId = parseMerchantId(merchant);
  if (
    !isPayoutCallbackKind(kind) ||
    merchantId === undefined ||
    !isPayoutId(id) ||
    !Number.isInteger(attempt)
  ) {
    return c.notFound();
  }
  const ref = { merchantId, id };
  const occasion = payoutOccasion(kind, ref, attempt);
  if (!(await isCallbackToken(deps.config, token, ...occasion))) return c.notFound();
  return receiveCallback(c, deps, ref, `${kind}:${attempt}`, translateResult, (result, raw) => {
    deps.background(noteFloat(deps, result.funds));
    return settlePayout(deps, ref, evidenceOf(kind, attempt, result), raw);
  });
});
