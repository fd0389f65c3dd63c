import { ApiError } from "../errors.ts";
import type { AppContext } from "./context.ts";

/**
 * The `Idempotency-Key` header: 1 to 255 visible ASCII characters, quotes optional; null without one.
 * @throws INVALID_FIELD, after the caller was admitted.
 */
export async function readIdempotencyKey(c: AppContext): Promise<string | null> {
  const header = c.req.header("Idempotency-Key")?.trim();
  if (header === undefined) return null;
  const key = /^"(.*)"$/.exec(header)?.[1] ?? header;
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key;
  await c.get("caller")?.admit();
  throw new ApiError("INVALID_FIELD", {
    message: "Idempotency-Key must be 1 to 255 visible ASCII characters.",
    fields: [{ field: "Idempotency-Key", message: "Use 1 to 255 visible ASCII characters." }],
  });
}
