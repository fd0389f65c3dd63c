import { Hono } from "hono";
import type { AppEnv } from "../../http/context.ts";
import { limitedBody } from "../../http/limited-body.ts";
import { isCallbackToken } from "../../lib/callback-token.ts";
import { parseJson } from "../../lib/json.ts";
import { translateReport } from "../../upstreams/sms-gateway/translate.ts";
import { takeReport } from "./report.ts";

const MAX_REPORT_BYTES = 16 * 1024;

/**
 * The SMS gateway's door for delivery reports, at the one URL that is set in its dashboard. A wrong
 * token is turned away without touching storage.
 */
export const smsCallback = new Hono<AppEnv>().post("/:token", async (c) => {
  const { deps } = c.var;
  if (!(await isCallbackToken(deps.config, c.req.param("token"), "sms"))) return c.notFound();
  const bytes = await limitedBody(c.req.raw, MAX_REPORT_BYTES);
  if (bytes === undefined) return c.text("Too large", 413);
  const body = new TextDecoder().decode(bytes);
  // Its documentation does not say whether they are forms or JSON.
  const report = translateReport(parseJson(body) ?? Object.fromEntries(new URLSearchParams(body)));
  if (report === undefined) return c.text("Not a delivery report", 400);
  if (report !== "interim") await takeReport(deps, report);
  return c.text("OK");
});
