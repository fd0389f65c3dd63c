import { z } from "zod";
import { type DeliverDeps, deliverDue } from "./deliver.ts";

const message = z.object({ merchantId: z.int(), id: z.string(), dueAt: z.number() });

/** The queue's door: one attempt a message. */
export const consumeWebhook = (deps: DeliverDeps, body: unknown) => deliverDue(deps, message.parse(body));
