import type { Context, MiddlewareHandler } from "hono";
import { isoTime } from "../lib/clock.ts";
import { bodyText, parseJson } from "../lib/json.ts";
import { rows, type World } from "../world.ts";

/** Enough for a long test; older requests are forgotten. */
const KEPT_REQUESTS = 10_000;

type StoredRequest = { at: number; method: string; path: string; body: string };

/** Notes every request from the gateway before anything is made of it. */
export function recordRequests(world: World): MiddlewareHandler {
  return async (c, next) => {
    const body = JSON.stringify(readableBody(c, await bodyText(c)));
    world.sql.exec(
      "INSERT INTO requests (at, method, path, body) VALUES (?, ?, ?, ?)",
      world.now(),
      c.req.method,
      c.req.path,
      body,
    );
    world.sql.exec("DELETE FROM requests WHERE id <= (SELECT max(id) FROM requests) - ?", KEPT_REQUESTS);
    await next();
  };
}

/** JSON and forms as objects, any other body as its text, none as null. */
function readableBody(c: Context, text: string): unknown {
  if (text === "") return null;
  if (c.req.header("Content-Type")?.startsWith("application/x-www-form-urlencoded")) {
    return Object.fromEntries(new URLSearchParams(text));
  }
  return parseJson(text) ?? text;
}

export function listRequests(world: World) {
  return rows<StoredRequest>(world, "SELECT at, method, path, body FROM requests ORDER BY id").map(
    (request) => ({
      ...request,
      at: isoTime(request.at),
      body: parseJson(request.body),
    }),
  );
}

export function forgetRequests(world: World): void {
  world.sql.exec("DELETE FROM requests");
}
