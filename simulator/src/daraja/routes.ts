import { Hono } from "hono";
import { recordRequests } from "../control/requests.ts";
import { faultyDoor, type MoneyDoor } from "../faults/door.ts";
import type { World } from "../world.ts";
import { bearer, wrongToken } from "./bearer.ts";
import { accountBalance } from "./business/account-balance.ts";
import { b2b } from "./business/b2b.ts";
import { b2cV1, b2cV3 } from "./business/b2c.ts";
import { reversal } from "./business/reversal.ts";
import { transactionStatus } from "./business/transaction-status.ts";
import { issueToken } from "./oauth.ts";
import { queryPull, registerPull } from "./pull-transactions.ts";
import { answerRefusal, Refusal, refusals } from "./refusals.ts";
import { stkPush } from "./stk/push.ts";
import { stkQuery } from "./stk/query.ts";

/** Daraja's front door: each product with its path, its faults and its way of refusing a token. */
export function darajaApi(world: World): Hono {
  const app = new Hono();
  app.use("/oauth/*", recordRequests(world));
  app.use("/mpesa/*", recordRequests(world));
  app.use("/pulltransactions/*", recordRequests(world));

  app.get("/oauth/v1/generate", (c) => issueToken(world, c));

  const express = bearer(world, wrongToken.express);
  const business = bearer(world, wrongToken.business);
  const fault = (product: MoneyDoor) => faultyDoor(world, product);
  app.post("/mpesa/stkpush/v1/processrequest", fault("stk_push"), express, (c) => stkPush(world, c));
  app.post("/mpesa/stkpushquery/v1/query", express, (c) => stkQuery(world, c));
  app.post("/mpesa/b2c/v3/paymentrequest", fault("b2c"), business, (c) => b2cV3(world, c));
  app.post("/mpesa/b2c/v1/paymentrequest", fault("b2c"), business, (c) => b2cV1(world, c));
  app.post("/mpesa/b2b/v1/paymentrequest", fault("b2b"), business, (c) => b2b(world, c));
  app.post("/mpesa/accountbalance/v1/query", business, (c) => accountBalance(world, c));
  app.post("/mpesa/transactionstatus/v1/query", bearer(world, wrongToken.status), (c) =>
    transactionStatus(world, c),
  );
  app.post("/mpesa/reversal/v1/request", express, (c) => reversal(world, c));
  app.post("/pulltransactions/v1/register", express, (c) => registerPull(world, c));
  app.post("/pulltransactions/v1/query", express, (c) => queryPull(world, c));

  for (const path of new Set(
    app.routes.filter((route) => route.method !== "ALL").map((route) => route.path),
  )) {
    app.all(path, (c) => {
      throw refusals.methodNotAllowed(c.req.method);
    });
  }
  for (const path of ["/oauth/*", "/mpesa/*", "/pulltransactions/*"]) {
    app.all(path, () => {
      throw refusals.resourceNotFound();
    });
  }

  app.onError((error, c) => {
    if (error instanceof Refusal) return answerRefusal(c, error);
    console.error(error);
    return answerRefusal(c, new Refusal(500, "500.003.1001", "Internal Server Error"));
  });
  return app;
}
