import { z } from "zod";
import { type NoticeDeps, sendNotice } from "./send.ts";

const message = z.object({ id: z.string() });

/** The queue's door: one notice a message. */
export const consumeNotice = (deps: NoticeDeps, body: unknown) => sendNotice(deps, message.parse(body).id);
