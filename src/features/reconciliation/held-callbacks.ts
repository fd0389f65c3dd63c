import { Hono } from "hono";
import { type Env, readCallbackSecrets } from "../../env.ts";
import type { AppEnv } from "../../http/context.ts";
import { isCallbackToken } from "../../lib/callback-token.ts";
import { holdCallback } from "../callbacks/receive.ts";
import { callbackOccasion, namedPayment } from "../payments/callback-url.ts";
import { namedPayout, payoutOccasion } from "../payouts/callback-url.ts";

const depsOf = ({ CALLBACK_QUEUE: callbackQueue }: Env) => ({ callbackQueue, now: Date.now });

/**
 * M-Pesa's doors while a setting is wrong: M-Pesa tells once, so what it tells waits in the queue until the
 * settings are whole. They need the secret of the tokens and the queue alone; with whole settings they
 * leave the call to the doors behind them.
 */
export const heldCallbacks = (isConfigured: (env: Env) => boolean) =>
  new Hono<AppEnv>()
    .post("/stk/:merchant/:id/:token", async (c, next) => {
      const secrets = isConfigured(c.env) ? undefined : readCallbackSecrets(c.env);
      if (!secrets) return next();
      const { token } = c.req.param();
      const ref = namedPayment(c.req.param());
      const isRight = ref && (await isCallbackToken(secrets, token, ...callbackOccasion(ref)));
      return isRight ? holdCallback(c, depsOf(c.env), ref, "stk") : c.notFound();
    })
    .post("/payout/:kind/:merchant/:id/:attempt/:token", async (c, next) => {
      const secrets = isConfigured(c.env) ? undefined : readCallbackSecrets(c.env);
      if (!secrets) return next();
      const { token } = c.req.param();
      const named = namedPayout(c.req.param());
      if (!named) return c.notFound();
      const { kind, ref, attempt } = named;
      const isRight = await isCallbackToken(secrets, token, ...payoutOccasion(kind, ref, attempt));
      return isRight ? holdCallback(c, depsOf(c.env), ref, `${kind}:${attempt}`) : c.notFound();
    });
