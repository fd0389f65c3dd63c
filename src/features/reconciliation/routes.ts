import { Hono } from "hono";
import { admitted } from "../../http/authenticated.ts";
import type { AppEnv } from "../../http/context.ts";
import { success } from "../../http/envelope.ts";
import { queryString } from "../../http/validate.ts";
import { statementsQuery } from "./contract.ts";
import { listOwnStatements, readOwnStatement } from "./statement.ts";

export const statementRoutes = new Hono<AppEnv>()
  .get("/", admitted("full"), queryString(statementsQuery), async (c) => {
    const { deps, key } = c.var;
    const { statements, nextCursor } = await listOwnStatements(deps, key.merchantId, c.req.valid("query"));
    return success(c, {
      statements,
      count: statements.length,
      has_more: nextCursor !== null,
      next_cursor: nextCursor,
    });
  })
  .get("/:day", admitted("full"), async (c) => {
    const { deps, key } = c.var;
    return success(c, { statement: await readOwnStatement(deps, key.merchantId, c.req.param("day")) });
  });
