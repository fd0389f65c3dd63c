import { Hono } from "hono";
import { recordRequests } from "./control/requests.ts";
import { controlApi } from "./control/routes.ts";
import { darajaApi } from "./daraja/routes.ts";
import { sendEmail } from "./email/send.ts";
import { pagesApi } from "./phone/routes.ts";
import { sendSms } from "./sms/messaging.ts";
import type { World } from "./world.ts";

/** Everything that answers: M-Pesa, SMS and email for the gateway; control and pages for people and tests. */
export function createApp(world: World): Hono {
  const app = new Hono();
  app.route("/", darajaApi(world));
  app.post("/version1/messaging", recordRequests(world), (c) => sendSms(world, c));
  app.post("/emails", recordRequests(world), (c) => sendEmail(world, c));
  app.route("/", controlApi(world));
  app.route("/", pagesApi(world));
  app.notFound((c) => c.json({ error: "Nothing answers at this path." }, 404));
  return app;
}
