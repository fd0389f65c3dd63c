import type { AppContext } from "../http/context.ts";
import { sha256Hex } from "../lib/hash.ts";

type Kept = { body: string; etag: string };

/** What was made once for an isolate, by address: a deployment starts new ones. */
const made = new Map<string, Promise<Kept>>();

async function keep(make: () => string | Promise<string>): Promise<Kept> {
  const body = await make();
  return { body, etag: `"${(await sha256Hex(body)).slice(0, 16)}"` };
}

/** Answers with what `make` makes at the first request for this path. Browsers keep it for an hour, and then ask. */
export async function kept(
  c: AppContext,
  type: string,
  make: () => string | Promise<string>,
  headers: Record<string, string> = {},
): Promise<Response> {
  const name = `${c.var.deps.config.publicBaseUrl} ${c.req.path}`;
  const making = made.get(name) ?? keep(make);
  made.set(name, making);
  making.catch(() => made.delete(name));
  const { body, etag } = await making;
  const shared = {
    ...headers,
    ETag: etag,
    "Cache-Control": "public, max-age=3600, stale-while-revalidate=86400",
    "X-Content-Type-Options": "nosniff",
  };
  if (c.req.header("If-None-Match")?.includes(etag)) return c.body(null, 304, shared);
  return c.body(body, 200, { ...shared, "Content-Type": type });
}
