import { z } from "zod";
import { pageLimit } from "../../http/validate.ts";

const day = z.iso.date("must be a date such as 2026-11-24");

/** `GET /v1/statements`: the newest day first; `cursor` is the `next_cursor` of the page before. */
export const statementsQuery = z.object({
  limit: pageLimit(31, "Days"),
  cursor: day.optional().meta({ description: "The next_cursor of the page before" }),
  from: day.optional().meta({ description: "The first day, in East Africa" }),
  to: day.optional().meta({ description: "The last day, in East Africa" }),
});

export type StatementsQuery = z.output<typeof statementsQuery>;
