import { ApiError } from "../../errors.ts";
import { type Clock, HOUR_MS } from "../../lib/clock.ts";
import { randomHex } from "../../lib/hash.ts";
import type { Act } from "../audit/store.ts";
import { type AuthDeps, createAuth } from "./auth-store.ts";
import { clearSecondFactor, findUserByEmail, noteNewLink, storeOperator } from "./operator-store.ts";

/**
 * Makes an operator, and a link by which the password is chosen, within an hour and once. For an operator who
 * is there already it makes a new link; the second factor stays as it is, unless it is to be reset.
 * @throws INVALID_FIELD for an email that a merchant signs in with
 */
export async function createOperator(
  deps: AuthDeps & { now: Clock },
  person: { email: string; name: string; resetSecondFactor?: boolean },
  act: Act,
): Promise<{ userId: string; isNew: boolean; link: string }> {
  const now = deps.now();
  const userId = randomHex(16);
  const { email, name, resetSecondFactor = false } = person;
  const isNew = await storeOperator(deps.db, { email, name, id: userId }, act, now);
  const user = await findUserByEmail(deps.db, email);
  if (user?.role !== "operator") {
    throw new ApiError("INVALID_FIELD", {
      message: "A merchant signs in with this email. Use another one.",
      fields: [{ field: "email", message: "belongs to a merchant" }],
    });
  }
  if (!isNew && resetSecondFactor) await clearSecondFactor(deps.db, user, act, now);
  // As better-auth keeps the token of a link to a new password, which its own page then uses up.
  const token = randomHex(24);
  const { internalAdapter } = await createAuth(deps).$context;
  await internalAdapter.createVerificationValue({
    identifier: `reset-password:${token}`,
    value: user.id,
    expiresAt: new Date(now + HOUR_MS),
  });
  if (!isNew) await noteNewLink(deps.db, user, act, now);
  return { userId: user.id, isNew, link: `${deps.config.publicBaseUrl}/reset-password?token=${token}` };
}
