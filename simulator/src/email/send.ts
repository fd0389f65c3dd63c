import type { Context } from "hono";
import { sameText } from "../control/secret.ts";
import { isObject, type JsonObject, parseJson } from "../lib/json.ts";
import type { World } from "../world.ts";
import { storeEmail } from "./mailbox.ts";

/** `POST /emails` in Resend's shape: answers an id and puts the email into each recipient's mailbox. */
export async function sendEmail(world: World, c: Context): Promise<Response> {
  const key = /^Bearer\s+(\S+)$/i.exec(c.req.header("Authorization") ?? "")?.[1];
  if (!key) return refuse(c, 401, "missing_api_key", "Missing API key in the authorization header.");
  if (!(await sameText(key, world.config.emailApiKey))) {
    return refuse(c, 403, "invalid_api_key", "API key is invalid.");
  }
  const body = parseJson(await c.req.text());
  const email = isObject(body) ? readEmail(body) : undefined;
  if (!email) {
    return refuse(c, 422, "missing_required_field", "from, to, subject and one of text and html are needed.");
  }
  const id = crypto.randomUUID();
  for (const [index, address] of email.recipients.entries()) {
    storeEmail(world, { ...email, id: index === 0 ? id : `${id}-${index}`, address });
  }
  return c.json({ id });
}

function readEmail({ from, to, subject, text = "", html = "" }: JsonObject) {
  const recipients = [to].flat().filter((address) => typeof address === "string");
  if (typeof from !== "string" || recipients.length === 0 || typeof subject !== "string") return undefined;
  if (typeof text !== "string" || typeof html !== "string" || (!text && !html)) return undefined;
  return { sender: from, recipients: recipients.map(bareAddress), subject, text, html };
}

/** `Asha <asha@example.com>` as `asha@example.com`. */
const bareAddress = (recipient: string) =>
  (/<([^>]+)>/.exec(recipient)?.[1] ?? recipient).trim().toLowerCase();

function refuse(c: Context, statusCode: 401 | 403 | 422, name: string, message: string): Response {
  return c.json({ statusCode, name, message }, statusCode);
}
