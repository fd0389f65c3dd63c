import type { Room } from "../../db/room.ts";
import type { DispatchDeps } from "./dispatch.ts";
import { takeUpDue } from "./due.ts";

/** The cron's door: messages that were stored and never sent, and sendings that never ended. */
export const sweepSms = (deps: DispatchDeps & Room) => takeUpDue(deps);
