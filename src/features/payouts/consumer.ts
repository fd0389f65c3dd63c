import { z } from "zod";
import { isPayoutId, storedMerchantId } from "../../lib/ids.ts";
import { type AdvanceDeps, advancePayout } from "./advance.ts";

const message = z.object({
  merchantId: z.int().transform(storedMerchantId),
  id: z.string().refine(isPayoutId),
});

/** The queue's door: one payout a message. */
export async function consumePayout(deps: AdvanceDeps, body: unknown): Promise<void> {
  const { merchantId, id } = message.parse(body);
  if (isPayoutId(id)) await advancePayout(deps, { merchantId, id });
}
