import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { eraseMerchant, previewErasure } from "../features/personal-data/erase.ts";
import { exportMerchant } from "../features/personal-data/export.ts";
import type { AppContext, AppEnv } from "../http/context.ts";
import { success } from "../http/envelope.ts";
import { jsonBody, requireJsonObject } from "../http/validate.ts";
import { type MerchantId, parseAccountNumber } from "../lib/ids.ts";
import { optionalReason } from "./contract.ts";

const confirmRequest = z.object({ confirmation: z.string().max(64), reason: optionalReason });

function merchantOf(c: AppContext): MerchantId {
  const merchantId = parseAccountNumber(c.req.param("account") ?? "");
  if (merchantId === undefined) throw new ApiError("NOT_FOUND");
  return merchantId;
}

/** What the Data Protection Act gives a merchant: its data, and their erasure. */
export const dataRoutes = new Hono<AppEnv>()
  /** What is stored of the merchant, as one JSON object, for download; the log has it. */
  .get("/merchants/:account/export", async (c) => {
    const body = await exportMerchant(c.var.deps, merchantOf(c), { actor: "token", reason: "" });
    if (!body) throw new ApiError("NOT_FOUND");
    return c.body(body, 200, {
      "Content-Type": "application/json",
      "Content-Disposition": `attachment; filename="${c.req.param("account")}.json"`,
      "Cache-Control": "no-store",
    });
  })

  /** The first step of an erasure: tells what would go, and changes nothing. */
  .post("/merchants/:account/erasure", async (c) =>
    success(c, { erasure: await previewErasure(c.var.deps, merchantOf(c)) }),
  )

  /** The second step. */
  .post("/merchants/:account/erasure/confirm", requireJsonObject, jsonBody(confirmRequest), async (c) => {
    const { confirmation, reason } = c.req.valid("json");
    const act = { actor: "token", reason };
    return success(c, { erasure: await eraseMerchant(c.var.deps, merchantOf(c), confirmation, act) });
  });
