import type { Env } from "./config.ts";

const PAGES: [path: RegExp, asset: string][] = [
  [/^\/$/, "/"],
  [/^\/phone\/[^/]+\/?$/, "/phone"],
  [/^\/mail\/?$/, "/mail"],
  [/^\/static\/.+$/, ""],
];

const HEADERS = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/** The page or file that a browser asks for, or undefined where the path belongs to an API. */
export async function servePage(request: Request, env: Env): Promise<Response | undefined> {
  const url = new URL(request.url);
  const page = PAGES.find(([path]) => path.test(url.pathname));
  if (!page || (request.method !== "GET" && request.method !== "HEAD")) return undefined;
  const asset = await env.ASSETS.fetch(new Request(new URL(page[1] || url.pathname, url), request));
  const response = new Response(asset.body, asset);
  for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value);
  return response;
}
