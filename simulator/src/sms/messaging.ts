import type { Context } from "hono";
import { sameText } from "../control/secret.ts";
import { firewallPage, silence } from "../faults/broken-answers.ts";
import { faultFires } from "../faults/faults.ts";
import { bodyText } from "../lib/json.ts";
import { receiveMessage } from "../phone/messages.ts";
import type { World } from "../world.ts";
import { scheduleDeliveryReport } from "./delivery-reports.ts";
import { decideRecipients, isAccepted, type Recipient, summary } from "./recipients.ts";
import { asXml } from "./xml.ts";

const DEFAULT_SENDER = "AFRICASTKNG";

/** `POST /version1/messaging`: puts the text on each phone; 201 even where numbers are refused. */
export async function sendSms(world: World, c: Context): Promise<Response> {
  if (faultFires(world, "sms", "html_503")) return firewallPage();
  const form = new URLSearchParams(await bodyText(c));
  const username = form.get("username") ?? "";
  if (username !== world.config.smsUsername || !(await keyIsRight(world, c))) {
    return c.text("The supplied authentication is invalid", 401);
  }
  const to = form.get("to");
  const message = form.get("message");
  if (!to || !message)
    return c.text(`Request is missing required form field '${to ? "message" : "to"}'`, 400);

  const recipients = decideRecipients(to, faultFires(world, "sms", "refuse"));
  for (const recipient of recipients.filter(isAccepted)) {
    receiveMessage(world, recipient.number.slice(1), form.get("from") || DEFAULT_SENDER, message);
    scheduleDeliveryReport(world, recipient);
  }
  if (faultFires(world, "sms", "timeout")) return silence(world);
  return answer(c, recipients);
}

const keyIsRight = (world: World, c: Context) =>
  sameText(c.req.header("apiKey") ?? "", world.config.smsApiKey);

function answer(c: Context, recipients: Recipient[]): Response {
  const data = { Message: summary(recipients), Recipients: recipients };
  if (c.req.header("Accept")?.includes("application/json")) return c.json({ SMSMessageData: data }, 201);
  return c.body(asXml(data), 201, { "Content-Type": "application/xml" });
}
