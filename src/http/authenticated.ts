import type { MiddlewareHandler } from "hono";
import { ApiError } from "../errors.ts";
import { BEARER_OR_BARE, Caller, presentedKey } from "../features/keys/caller.ts";
import type { AppEnv } from "./context.ts";

/** In front of every route that takes an API key. The caller is still to be admitted, by the verb or by `admitted`. */
export const authenticated: MiddlewareHandler<AppEnv> = async (c, next) => {
  c.set("caller", await Caller.from(c.var.deps, presentedKey(c.req.raw.headers)));
  await next();
};

/** As `authenticated`, for the older calls, which send the key in `Authorization` also without `Bearer`. */
export const authenticatedOrBare: MiddlewareHandler<AppEnv> = async (c, next) => {
  c.set("caller", await Caller.from(c.var.deps, presentedKey(c.req.raw.headers, BEARER_OR_BARE)));
  await next();
};

/**
 * In front of a route that is not in the hot path: authenticates, counts, and leaves the key.
 * @throws FORBIDDEN_SCOPE for a key whose scope is narrower than the route's.
 */
export const admitted = (scope: "full" | "payments"): MiddlewareHandler<AppEnv> => {
  return async (c, next) => {
    const caller = await Caller.from(c.var.deps, presentedKey(c.req.raw.headers));
    c.set("caller", caller);
    const key = await caller.admit();
    if (scope === "full" && key.scope !== "full") throw new ApiError("FORBIDDEN_SCOPE");
    c.set("key", key);
    await next();
  };
};
