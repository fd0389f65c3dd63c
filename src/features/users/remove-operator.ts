import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Act } from "../audit/store.ts";
import { findUserByEmail, storeRemoval } from "./operator-store.ts";

/**
 * Ends what an operator may do, at once: sessions, password, second factor, open links and the role, with the
 * log's row. The name stays, since the log tells by it who did what; the email is free for another.
 * @throws NOT_FOUND
 */
export async function removeOperator(deps: { db: Db; now: Clock }, email: string, act: Act): Promise<void> {
  const user = await findUserByEmail(deps.db, email);
  const isRemoved = user?.role === "operator" && (await storeRemoval(deps.db, user.id, act, deps.now()));
  if (!isRemoved) throw new ApiError("NOT_FOUND", { message: "There is no operator with this email." });
}
