import { Hono } from "hono";
import type { AppEnv } from "../../http/context.ts";
import { isCallbackToken } from "../../lib/callback-token.ts";
import { translateStkCallback } from "../../upstreams/daraja/translate.ts";
import { receiveCallback } from "../callbacks/receive.ts";
import { callbackOccasion, namedPayment } from "./callback-url.ts";
import { settle } from "./settle.ts";

/** M-Pesa's door for the results of pushes. A wrong token is turned away without touching storage. */
export const stkCallback = new Hono<AppEnv>().post("/:merchant/:id/:token", async (c) => {
  const deps = c.get("deps");
  const { token } = c.req.param();
  const ref = namedPayment(c.req.param());
  if (!ref) return c.notFound();
  if (!(await isCallbackToken(deps.config, token, ...callbackOccasion(ref)))) return c.notFound();
  return receiveCallback(c, deps, ref, "stk", translateStkCallback, (callback, raw) =>
    settle(deps, ref, { source: "callback", ...callback }, raw),
  );
});
