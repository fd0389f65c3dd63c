import { Hono } from "hono";
import type { AppContext, AppEnv } from "../http/context.ts";

/** The pages, better-auth and all they need are loaded with the first request for one: payments never wait for them. */
async function pages(c: AppContext): Promise<Response> {
  const { createPages } = await import("./app.tsx");
  app ??= createPages();
  const { deps, requestId, logFields } = c.var;
  return app.fetch(c.req.raw, { deps, requestId, logFields, ipLimit: c.env.IP_LIMIT });
}
let app: ReturnType<typeof import("./app.tsx")["createPages"]> | undefined;

const PATHS = [
  "/",
  "/signup",
  "/signup.php",
  "/login",
  "/login.php",
  "/login/*",
  "/logout",
  "/forgot-password",
  "/reset-password",
  "/dashboard",
  "/dashboard/*",
  "/operator",
  "/operator/*",
];

/** What people use in a browser. `/operator/v1` is the operator's API, and not here. */
export const pageRoutes = new Hono<AppEnv>({ strict: false });
for (const path of PATHS) pageRoutes.all(path, (c, next) => (isForPrograms(c) ? next() : pages(c)));

/** The operator's API; and the bare host, unless a browser opens it. */
function isForPrograms(c: AppContext): boolean {
  const { path } = c.req;
  if (path === "/") return !c.req.header("Accept")?.includes("text/html");
  return path === "/operator/v1" || path.startsWith("/operator/v1/");
}
