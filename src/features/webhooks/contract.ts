import { z } from "zod";
import { fail, pageLimit } from "../../http/validate.ts";
import { eastAfricaSpan } from "../../lib/clock.ts";
import { isDeliveryId } from "./rules.ts";

const cursor = z
  .string()
  .refine(isDeliveryId, "must be the next_cursor of an earlier answer")
  .meta({ description: "The next_cursor of the answer before" });

/** `GET /v1/webhooks`: newest payment first. */
export const listQuery = z.object({
  status: z.enum(["pending", "delivered", "failed"]).optional(),
  limit: pageLimit(20),
  cursor: cursor.optional(),
});

export type ListQuery = z.output<typeof listQuery>;

/** `2026-11-24` or `2026-11-24 00:00:00`, East Africa Time, or ISO 8601 with an offset. */
const moment = z
  .string()
  .transform(
    (text, ctx) =>
      eastAfricaSpan(text)?.from ??
      (z.iso.datetime({ offset: true }).safeParse(text).success
        ? Date.parse(text)
        : fail(ctx, "INVALID_FIELD", "must be YYYY-MM-DD HH:MM:SS in East Africa Time, or ISO 8601")),
  );

/** `POST /v1/webhooks/replay`: all that failed of the results since then, some at a time. */
export const replayRequest = z.object({
  status: z.literal("failed", "must be failed"),
  since: moment.meta({ description: "Of the results that came at or after this time" }),
  cursor: cursor.nullish(),
});

export type ReplayRequest = z.output<typeof replayRequest>;
