import type { MiddlewareHandler } from "hono";
import { ApiError } from "../errors.ts";
import type { AppEnv } from "../http/context.ts";
import { equalSecrets } from "../lib/hash.ts";

/** Only for whoever holds OPERATOR_TOKEN. @throws MISSING_AUTH, INVALID_API_KEY */
export const operator: MiddlewareHandler<AppEnv> = async (c, next) => {
  const header = c.req.header("Authorization");
  if (header === undefined) throw new ApiError("MISSING_AUTH");
  const token = /^Bearer +(\S+)$/i.exec(header)?.[1] ?? "";
  if (!(await equalSecrets(token, c.var.deps.config.operatorToken))) {
    throw new ApiError("INVALID_API_KEY", { message: "This is not the operator's token." });
  }
  await next();
};
