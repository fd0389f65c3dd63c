import { z } from "zod";
import { keepUnreadable } from "../callbacks/receive.ts";
import { type RetryDeps, retry } from "./retry-callbacks.ts";

const message = z.object({
  merchantId: z.int(),
  id: z.string(),
  raw: z.object({ id: z.string(), source: z.string(), body: z.string(), receivedAt: z.number() }),
});

/** The queue's door for callbacks that came while the database could not store them: stores and settles them. */
export async function consumeCallback(deps: RetryDeps, body: unknown): Promise<void> {
  const { merchantId, id, raw } = message.parse(body);
  const isRead = await retry(deps, { ...raw, merchantId, reference: id });
  if (!isRead) await keepUnreadable(deps, { merchantId, id }, raw);
}
