import type { Context } from "hono";
import { SECOND } from "../lib/clock.ts";
import { randomText } from "../lib/ids.ts";
import type { World } from "../world.ts";
import { Refusal } from "./refusals.ts";

const LIFETIME_SECONDS = 3599;
const TOKEN_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** `GET /oauth/v1/generate`: each new token kills the one before it, as the portal's FAQ says. */
export function issueToken(world: World, c: Context): Response {
  c.header("Date", new Date(world.now()).toUTCString());
  const basic = /^Basic\s+(\S+)$/i.exec(c.req.header("Authorization") ?? "")?.[1];
  if (!basic) throw new Refusal(400, "400.008.01", "Invalid Authentication passed");
  if (c.req.query("grant_type") !== "client_credentials") {
    throw new Refusal(400, "400.008.02", "Invalid grant type passed");
  }
  const { consumerKey, consumerSecret } = world.config;
  // A wrong key gets an empty 400, which clients have learned to expect.
  if (basic !== btoa(`${consumerKey}:${consumerSecret}`)) return c.body(null, 400);

  const token = randomText(28, TOKEN_ALPHABET);
  world.sql.exec(
    "INSERT OR REPLACE INTO tokens (id, value, expires_at) VALUES (1, ?, ?)",
    token,
    world.now() + LIFETIME_SECONDS * SECOND,
  );
  return c.json({ access_token: token, expires_in: String(LIFETIME_SECONDS) });
}
