import type { MiddlewareHandler } from "hono";
import { ApiError } from "../errors.ts";
import { clientNetwork } from "./client-ip.ts";
import type { AppEnv } from "./context.ts";

/** The text's limit for one address, which wrangler.toml gives to the binding. */
export const IP_LIMIT_PER_MINUTE = 200;

/** Asks the binding, which tells no more than yes or no. */
export const ipLimit: MiddlewareHandler<AppEnv> = async (c, next) => {
  const { success } = await c.env.IP_LIMIT.limit({ key: clientNetwork(c.req.raw.headers) });
  if (!success) throw new ApiError("IP_RATE_LIMIT", { retryAfterSeconds: 60 });
  await next();
};
