import { Hono } from "hono";
import { promptsOn } from "../daraja/stk/prompts.ts";
import { emailsTo } from "../email/mailbox.ts";
import { emailView } from "../email/view.ts";
import { clearFaults, listFaults, setFaults } from "../faults/faults.ts";
import { readFaultPlan } from "../faults/settings.ts";
import { setBalance } from "../money/accounts.ts";
import { answerPrompt } from "../phone/answer.ts";
import { messagesOn } from "../phone/messages.ts";
import type { World } from "../world.ts";
import { amountIn, answerUnfit, jsonBody, phoneInPath, Unfit } from "./input.ts";
import { forgetRequests, listRequests } from "./requests.ts";
import { requireSecret } from "./secret.ts";
import { faultsView, ledgerView, messageView, promptView } from "./views.ts";

/** What tests and people use to be the customers, to see what happened, and to make things go wrong. */
export function controlApi(world: World): Hono {
  const app = new Hono();
  for (const path of [
    "/phones/*",
    "/shortcodes/*",
    "/faults",
    "/requests",
    "/ledger",
    "/reset",
    "/mailbox/*",
  ]) {
    app.use(path, requireSecret(world));
  }

  app.get("/phones/:msisdn/prompts", (c) =>
    c.json({ prompts: promptsOn(world, phoneInPath(c)).map((prompt) => promptView(world, prompt)) }),
  );
  app.post("/phones/:msisdn/prompts/:id", async (c) =>
    c.json(answerPrompt(world, phoneInPath(c), c.req.param("id"), await jsonBody(c))),
  );
  app.get("/phones/:msisdn/messages", (c) =>
    c.json({ messages: messagesOn(world, phoneInPath(c)).map(messageView) }),
  );
  app.put("/phones/:msisdn", async (c) => {
    const msisdn = phoneInPath(c);
    const balance = amountIn(await jsonBody(c), "balance");
    if (balance === undefined) throw new Unfit(400, "balance is missing.");
    setBalance(world, msisdn, "phone", balance);
    world.phoneChanged(msisdn);
    return c.json({ msisdn, balance });
  });
  app.put("/shortcodes/:shortcode", async (c) => {
    const { shortcode } = world.config;
    if (c.req.param("shortcode") !== shortcode)
      throw new Unfit(404, `The only shortcode here is ${shortcode}.`);
    const body = await jsonBody(c);
    for (const account of ["utility", "working"] as const) {
      const amount = amountIn(body, account);
      if (amount !== undefined) setBalance(world, shortcode, account, amount);
    }
    return c.json(ledgerView(world).balances.shortcodes);
  });

  app.get("/mailbox/:address", (c) =>
    c.json({ emails: emailsTo(world, c.req.param("address")).map(emailView) }),
  );

  app.get("/faults", (c) => c.json({ faults: faultsView(listFaults(world)) }));
  app.put("/faults", async (c) => {
    setFaults(world, readFaultPlan(await jsonBody(c)));
    return c.json({ faults: faultsView(listFaults(world)) });
  });
  app.delete("/faults", (c) => {
    clearFaults(world);
    return c.json({ faults: {} });
  });

  app.get("/requests", (c) => c.json({ requests: listRequests(world) }));
  app.delete("/requests", (c) => {
    forgetRequests(world);
    return c.json({ requests: [] });
  });
  app.get("/ledger", (c) => c.json(ledgerView(world)));
  app.post("/reset", (c) => {
    world.reset();
    return c.json({ reset: true });
  });

  app.onError(answerUnfit);
  return app;
}
