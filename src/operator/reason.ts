import { z } from "zod";
import { ApiError } from "../errors.ts";
import type { AppContext } from "../http/context.ts";
import { parseJson } from "../lib/json.ts";
import { optionalReason } from "./contract.ts";

const reasonAlone = z.object({ reason: optionalReason });

/** `reason` of a body that may be left out. @throws INVALID_JSON, INVALID_FIELD */
export async function statedReason(c: AppContext): Promise<string> {
  const body = await c.req.text();
  if (body.trim() === "") return "";
  const json = parseJson(body);
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw new ApiError("INVALID_JSON");
  const read = reasonAlone.safeParse(json);
  if (read.success) return read.data.reason;
  const message = read.error.issues[0]?.message ?? "is not valid";
  throw new ApiError("INVALID_FIELD", {
    message: `reason: ${message}`,
    fields: [{ field: "reason", message }],
  });
}
