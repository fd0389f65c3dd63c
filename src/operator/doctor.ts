import { Hono } from "hono";
import { createDeps } from "../deps.ts";
import { checkSettings } from "../env.ts";
import { ApiError } from "../errors.ts";
import { examine } from "../features/health/examine.ts";
import { clientNetwork } from "../http/client-ip.ts";
import type { AppEnv } from "../http/context.ts";
import { success } from "../http/envelope.ts";
import { equalSecrets } from "../lib/hash.ts";

const MIN_TOKEN = 32;

/**
 * `POST /operator/v1/doctor`: what `npm run doctor` asks, and `?only=settings` what `npm start` does. It stands in front of the settings, since these
 * may be what is wrong; so it reads its own token, and is shut where there is none of a proper length.
 */
export const doctorRoutes = new Hono<AppEnv>().post("/operator/v1/doctor", async (c) => {
  const { success: isAllowed } = await c.env.IP_LIMIT.limit({
    key: `doctor:${clientNetwork(c.req.raw.headers)}`,
  });
  if (!isAllowed) throw new ApiError("IP_RATE_LIMIT", { retryAfterSeconds: 60 });
  const token = /^Bearer +(\S+)$/i.exec(c.req.header("Authorization") ?? "")?.[1];
  if (token === undefined) throw new ApiError("MISSING_AUTH");
  const { operatorToken, faults } = checkSettings(c.env);
  if (operatorToken.length < MIN_TOKEN || !(await equalSecrets(token, operatorToken))) {
    throw new ApiError("INVALID_API_KEY", { message: "This is not the operator's token." });
  }
  if (faults.length > 0 || c.req.query("only") === "settings") {
    return success(c, { at: Date.now(), settings: faults });
  }
  const deps = createDeps(c.env, c.executionCtx);
  const { findings, migrations } = await examine(deps);
  const { environment, publicBaseUrl, routing, daraja } = deps.config;
  return success(c, {
    at: deps.now(),
    settings: [],
    environment,
    public_base_url: publicBaseUrl,
    routing,
    shortcode: daraja.shortcode,
    daraja: new URL(daraja.baseUrl).host,
    migrations,
    findings,
  });
});
