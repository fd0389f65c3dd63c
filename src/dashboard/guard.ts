import type { MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import { ApiError } from "../errors.ts";
import { joinAsMerchant } from "../features/account/join.ts";
import { createAuth } from "../features/users/auth-store.ts";
import { clientNetwork } from "../http/client-ip.ts";
import type { PageEnv } from "./context.ts";

/** Pages hold what is one person's, take scripts and forms from here alone, and stand in nobody's frame. */
const PAGE_HEADERS = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "Cache-Control": "no-store",
  "Referrer-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
};

export const prepare: MiddlewareHandler<PageEnv> = async (c, next) => {
  const { deps } = c.env;
  c.set("deps", deps);
  c.set("auth", createAuth(deps));
  await next();
  for (const [name, value] of Object.entries(PAGE_HEADERS)) c.header(name, value);
  if (deps.config.environment !== "local") c.header("Strict-Transport-Security", "max-age=31536000");
};

/**
 * Refuses what another site makes a browser send, forms and JSON alike. Every browser names the origin of a
 * POST; what names none is no browser.
 * @throws CROSS_SITE_REQUEST
 */
export const sameSite: MiddlewareHandler<PageEnv> = async (c, next) => {
  if (c.req.method !== "GET" && c.req.method !== "HEAD") {
    const origin = c.req.header("Origin");
    const own = [new URL(c.req.url).origin, new URL(c.var.deps.config.publicBaseUrl).origin];
    const site = c.req.header("Sec-Fetch-Site");
    const isOwn = origin !== undefined && own.includes(origin);
    if (!isOwn || (site !== undefined && site !== "same-origin")) throw new ApiError("CROSS_SITE_REQUEST");
  }
  await next();
};

/** The address limit of the API holds for pages too. @throws IP_RATE_LIMIT */
export const limitAddress: MiddlewareHandler<PageEnv> = async (c, next) => {
  const { success } = await c.env.ipLimit.limit({ key: `pages:${clientNetwork(c.req.raw.headers)}` });
  if (!success) throw new ApiError("IP_RATE_LIMIT", { retryAfterSeconds: 60 });
  await next();
};

/** Sends whoever is not signed in to the sign-in page, and back again after it. */
export const signedIn = createMiddleware<PageEnv>(async (c, next) => {
  const found = await c.var.auth.api.getSession({ headers: c.req.raw.headers, returnHeaders: true });
  if (!found.response) {
    if (c.req.header("HX-Request")) {
      c.header("HX-Redirect", "/login");
      return c.body(null, 401);
    }
    const { pathname, search } = new URL(c.req.url);
    const back = c.req.method === "GET" ? `?next=${encodeURIComponent(pathname + search)}` : "";
    return c.redirect(`/login${back}`);
  }
  c.set("user", found.response.user);
  c.set("session", found.response.session);
  await next();
  // A session that is in use lives on: its cookie is set anew from time to time.
  for (const cookie of found.headers.getSetCookie()) c.header("Set-Cookie", cookie, { append: true });
});

/** Only for merchants; an operator has the console. */
export const asMerchant = createMiddleware<PageEnv>(async (c, next) => {
  if (c.var.user.role !== "merchant") return c.redirect("/operator");
  const { merchant, merchantId } = await joinAsMerchant(c.var.deps, c.var.user);
  c.set("merchant", merchant);
  c.set("merchantId", merchantId);
  await next();
});
