import { z } from "zod";

const day = z.iso.date("must be a date such as 2026-11-24");

/** `GET /v1/statements`: the newest day first; `cursor` is the `next_cursor` of the page before. */
export const statementsQuery = z.object({
  limit: z.coerce
    .number()
    .int()
    .default(31)
    .transform((limit) => Math.min(100, Math.max(1, limit)))
    .meta({ type: "integer", description: "Days per page, 1 to 100" }),
  cursor: day.optional().meta({ description: "The next_cursor of the page before" }),
  from: day.optional().meta({ description: "The first day, in East Africa" }),
  to: day.optional().meta({ description: "The last day, in East Africa" }),
});

export type StatementsQuery = z.output<typeof statementsQuery>;
