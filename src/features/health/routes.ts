import { Hono } from "hono";
import type { Env } from "../../env.ts";
import type { AppEnv } from "../../http/context.ts";
import { SECOND_MS } from "../../lib/clock.ts";
import { askParts, type Part } from "./ready.ts";

/** Whether the process runs: asks nothing and reads no setting. */
export const healthRoutes = new Hono<AppEnv>().get("/healthz", (c) => c.json({ status: "ok" }));

/** `/readyz` while a setting is wrong, when nothing else is served; which one is told to the operator alone. */
export const unreadyRoutes = (isConfigured: (env: Env) => boolean) =>
  new Hono<AppEnv>().get("/readyz", async (c, next) => {
    if (isConfigured(c.env)) return next();
    c.header("Cache-Control", "no-store");
    const settings: Part = { name: "settings", ready: false, ms: 0 };
    return c.json({ status: "not_ready", age_ms: 0, parts: [settings] }, 503);
  });

/** So long an isolate's answer serves all who ask: a public page must not be a way to keep the parts busy. */
const KEPT_MS = 10 * SECOND_MS;

let known: { at: number; parts: Part[] } | undefined;

/** Whether a payment could be taken now: 200, or 503 with the parts that are not ready. */
export const readyRoutes = new Hono<AppEnv>().get("/readyz", async (c) => {
  const { deps } = c.var;
  const now = deps.now();
  const isFresh = known !== undefined && now - known.at >= 0 && now - known.at < KEPT_MS;
  const current = isFresh && known ? known : { at: now, parts: await askParts(deps) };
  known = current;
  const isReady = current.parts.every(({ ready }) => ready);
  c.header("Cache-Control", "no-store");
  return c.json(
    { status: isReady ? "ready" : "not_ready", age_ms: now - current.at, parts: current.parts },
    isReady ? 200 : 503,
  );
});

/** Forgets the answer that is kept, so that a test asks anew. */
export const forgetReadiness = () => {
  known = undefined;
};
