import { Hono } from "hono";
import { answerUnfit, jsonBody, phoneInPath, Unfit } from "../control/input.ts";
import { allEmails } from "../email/mailbox.ts";
import { emailView } from "../email/view.ts";
import type { World } from "../world.ts";
import { phoneAccess, requireUnlocked, unlock } from "./access.ts";
import { answerPrompt } from "./answer.ts";
import { phoneState } from "./state.ts";

/** What the pages in the browser ask for. */
export function pagesApi(world: World): Hono {
  const app = new Hono();
  app.post("/unlock", (c) => unlock(world, c));

  app.get("/phone/:msisdn/state", async (c) => {
    const msisdn = phoneInPath(c);
    const { onlyPrompt } = await phoneAccess(world, c, msisdn);
    return c.json(phoneState(world, msisdn, onlyPrompt));
  });
  app.get("/phone/:msisdn/live", async (c) => {
    const msisdn = phoneInPath(c);
    const { onlyPrompt } = await phoneAccess(world, c, msisdn);
    if (c.req.header("Upgrade") !== "websocket") throw new Unfit(426, "This is a WebSocket.");
    return world.openPhonePage(msisdn, onlyPrompt);
  });
  app.post("/phone/:msisdn/prompts/:id", async (c) => {
    const msisdn = phoneInPath(c);
    const id = c.req.param("id");
    const { onlyPrompt } = await phoneAccess(world, c, msisdn);
    if (onlyPrompt && onlyPrompt !== id) throw new Unfit(404, "There is no such prompt on this phone.");
    return c.json(answerPrompt(world, msisdn, id, await jsonBody(c)));
  });
  app.get("/mail/emails", async (c) => {
    await requireUnlocked(world, c);
    return c.json({ emails: allEmails(world).map(emailView) });
  });

  app.onError(answerUnfit);
  return app;
}
