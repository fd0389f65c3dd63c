import type { MiddlewareHandler } from "hono";
import { first, type World } from "../world.ts";
import { Refusal, refusals } from "./refusals.ts";

type WrongToken = (token: string) => Refusal;

/** How each family of products words a bad or expired token. */
export const wrongToken = {
  express: () => new Refusal(404, "404.001.03", "Invalid Access Token"),
  status: () => new Refusal(400, "400.003.01", "Invalid Access Token"),
  business: (token: string) =>
    new Refusal(401, "401.002.01", `Error Occurred - Invalid Access Token - ${token}`),
} satisfies Record<string, WrongToken>;

/** Lets a request pass that bears the one living token. */
export function bearer(world: World, refuse: WrongToken): MiddlewareHandler {
  return async (c, next) => {
    const token = /^Bearer\s+(\S+)$/i.exec(c.req.header("Authorization") ?? "")?.[1];
    if (!token) throw refusals.invalidAuthenticationHeader();
    const living = first<{ value: string; expires_at: number }>(
      world,
      "SELECT value, expires_at FROM tokens",
    );
    if (living?.value !== token || living.expires_at <= world.now()) throw refuse(token);
    await next();
  };
}
