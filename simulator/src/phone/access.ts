import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { jsonBody, Unfit } from "../control/input.ts";
import { sameText } from "../control/secret.ts";
import { findPrompt } from "../daraja/stk/prompts.ts";
import type { World } from "../world.ts";

const COOKIE = "simulator";
const COOKIE_SECONDS = 30 * 24 * 60 * 60;

/** What a page may show: everything, or one payment. */
export type Access = { onlyPrompt: string | undefined };

/** `POST /unlock {"secret"}`: lets this browser see every phone and the mailbox. */
export async function unlock(world: World, c: Context): Promise<Response> {
  const { secret } = await jsonBody(c);
  const expected = world.config.secret;
  if (expected) {
    if (typeof secret !== "string" || !(await sameText(secret, expected))) {
      throw new Unfit(401, "That is not the secret.");
    }
    const secure = new URL(c.req.url).protocol === "https:";
    setCookie(c, COOKIE, await ticket(expected), {
      httpOnly: true,
      sameSite: "Strict",
      secure,
      path: "/",
      maxAge: COOKIE_SECONDS,
    });
  }
  return c.json({ unlocked: true });
}

/** Refuses a browser that has not been unlocked, where there is a secret at all. */
export async function requireUnlocked(world: World, c: Context): Promise<void> {
  if (!(await isUnlocked(world, c))) throw new Unfit(401, "This needs the simulator's secret.");
}

/** A locked browser may still see the one payment of this phone that its address names. */
export async function phoneAccess(world: World, c: Context, msisdn: string): Promise<Access> {
  const named = c.req.query("prompt");
  if (await isUnlocked(world, c)) return { onlyPrompt: undefined };
  if (named && findPrompt(world, named)?.msisdn === msisdn) return { onlyPrompt: named };
  throw new Unfit(401, "This phone needs the simulator's secret.");
}

async function isUnlocked(world: World, c: Context): Promise<boolean> {
  const { secret } = world.config;
  return !secret || sameText(getCookie(c, COOKIE) ?? "", await ticket(secret));
}

/** What the cookie holds in the secret's place. */
async function ticket(secret: string): Promise<string> {
  const key = await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const signature = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode("simulator pages"));
  return Array.from(new Uint8Array(signature), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
