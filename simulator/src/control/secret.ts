import type { MiddlewareHandler } from "hono";
import type { World } from "../world.ts";

/** Once a secret is set, the control API answers only those who bear it. */
export function requireSecret(world: World): MiddlewareHandler {
  return async (c, next) => {
    const { secret } = world.config;
    const given = /^Bearer\s+(\S+)$/i.exec(c.req.header("Authorization") ?? "")?.[1] ?? "";
    if (secret && !(await sameText(given, secret))) {
      return c.json({ error: "This needs the simulator's secret as a Bearer token." }, 401);
    }
    await next();
  };
}

/** Compares in a time that tells nothing about where the texts differ. */
export async function sameText(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([digest(a), digest(b)]);
  return crypto.subtle.timingSafeEqual(left, right);
}

const digest = (text: string) => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
