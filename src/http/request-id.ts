import type { MiddlewareHandler } from "hono";
import { randomHex } from "../lib/hash.ts";
import type { AppEnv } from "./context.ts";

/** Ours alone, never the client's: it goes to the log as it is. */
export const requestId: MiddlewareHandler<AppEnv> = async (c, next) => {
  const id = `req_${randomHex(12)}`;
  c.set("requestId", id);
  await next();
  c.header("X-Request-Id", id);
};
