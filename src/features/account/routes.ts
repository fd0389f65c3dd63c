import { Hono } from "hono";
import { authenticated } from "../../http/authenticated.ts";
import type { AppEnv } from "../../http/context.ts";
import { success } from "../../http/envelope.ts";
import { presentAccount } from "./present.ts";
import { readAccount } from "./read.ts";

export const accountRoutes = new Hono<AppEnv>().get("/", authenticated, async (c) => {
  const { deps, caller } = c.var;
  const { key, account } = await readAccount(deps, caller);
  return success(c, presentAccount(key, account, deps.now()));
});
