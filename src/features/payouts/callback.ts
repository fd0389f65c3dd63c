import { Hono } from "hono";
import type { AppEnv } from "../../http/context.ts";
import { isCallbackToken } from "../../lib/callback-token.ts";
import { translateResult } from "../../upstreams/daraja/translate.ts";
import { receiveCallback } from "../callbacks/receive.ts";
import { namedPayout, payoutOccasion } from "./callback-url.ts";
import { evidenceOf } from "./evidence.ts";
import { noteFloat } from "./float.ts";
import { settlePayout } from "./settle.ts";

/** M-Pesa's door for what became of a payout, each attempt and each question with a token of its own. */
export const payoutCallback = new Hono<AppEnv>().post("/:kind/:merchant/:id/:attempt/:token", async (c) => {
  const deps = c.get("deps");
  const { token } = c.req.param();
  const named = namedPayout(c.req.param());
  if (!named) return c.notFound();
  const { kind, ref, attempt } = named;
  const occasion = payoutOccasion(kind, ref, attempt);
  if (!(await isCallbackToken(deps.config, token, ...occasion))) return c.notFound();
  return receiveCallback(c, deps, ref, `${kind}:${attempt}`, translateResult, (result, raw) => {
    deps.background(noteFloat(deps, result.funds));
    return settlePayout(deps, ref, evidenceOf(kind, attempt, result), raw);
  });
});
