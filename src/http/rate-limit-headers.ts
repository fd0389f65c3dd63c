import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./context.ts";

/** The text's X-RateLimit fields and the IETF draft's RateLimit and RateLimit-Policy, on every authenticated answer. */
export const rateLimitHeaders: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  const gate = c.get("caller")?.gate;
  if (!gate) return;
  const { minute, day } = gate;
  c.header("X-RateLimit-Remaining", String(minute.remaining));
  c.header("X-RateLimit-Day-Remaining", String(day.remaining));
  c.header("RateLimit-Policy", `"minute";q=${minute.limit};w=60, "day";q=${day.limit};w=86400`);
  c.header(
    "RateLimit",
    `"minute";r=${minute.remaining};t=${minute.resetSeconds}, "day";r=${day.remaining};t=${day.resetSeconds}`,
  );
};
