import { createMiddleware } from "hono/factory";
import type { PageEnv } from "../../dashboard/context.ts";
import { ApiError } from "../../errors.ts";

export const SECOND_FACTOR = "/operator/second-factor";

/**
 * Only for operators, and outside local only for those with a second factor: until they have one, its page is
 * all that they see. For anybody else there is nothing here.
 * @throws NOT_FOUND
 */
export const asOperator = createMiddleware<PageEnv>(async (c, next) => {
  const { user, deps } = c.var;
  if (user.role !== "operator") throw new ApiError("NOT_FOUND", { message: "There is no such page." });
  const isMissing = deps.config.environment !== "local" && !user.twoFactorEnabled;
  if (isMissing && c.req.path !== SECOND_FACTOR && c.req.path !== `${SECOND_FACTOR}/code`) {
    if (!c.req.header("HX-Request")) return c.redirect(SECOND_FACTOR, 303);
    c.header("HX-Redirect", SECOND_FACTOR);
    return c.body(null, 401);
  }
  await next();
});
