import { Hono } from "hono";
import { cors } from "hono/cors";
import { ApiError } from "../errors.ts";
import type { AppContext, AppEnv } from "../http/context.ts";
import style from "./assets/style.css";
import tryIt from "./assets/try-it.js";
import { kept } from "./kept.ts";

const PAGE_HEADERS = {
  "Content-Security-Policy":
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "same-origin",
};

/** The pages and the document are loaded with the first request for one of them: payments never wait for them. */
async function page(c: AppContext): Promise<Response> {
  const { allPages, render } = await import("./pages.tsx");
  const pages = allPages(c.var.deps.config.publicBaseUrl);
  const found = pages.find(({ path }) => path === (c.req.param("page") ?? ""));
  if (!found) throw new ApiError("NOT_FOUND");
  return kept(c, "text/html; charset=utf-8", () => render(found, pages, c.var.deps.config), PAGE_HEADERS);
}

/** What people and their tools read. Nothing here needs a key, a database or a limit. */
export const docsRoutes = new Hono<AppEnv>({ strict: false })
  .get("/openapi.json", cors({ origin: "*" }), (c) =>
    kept(c, "application/json", async () => {
      const { buildDocument } = await import("./document.ts");
      return JSON.stringify(buildDocument(c.var.deps.config.publicBaseUrl));
    }),
  )
  .get("/docs/style.css", (c) => kept(c, "text/css; charset=utf-8", () => style))
  .get("/docs/try-it.js", (c) => kept(c, "text/javascript; charset=utf-8", () => tryIt))
  .get("/docs", page)
  .get("/docs/:page", page);
