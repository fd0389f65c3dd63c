import type { Db } from "../../db/client.ts";
import type { Config } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import { logEvent, logFault } from "../../http/log.ts";
import { type Clock, HOUR_MS } from "../../lib/clock.ts";
import { equalSecrets, randomHex, sha256Hex } from "../../lib/hash.ts";
import { accountNumber, type MerchantId } from "../../lib/ids.ts";
import type { EmailPort } from "../../upstreams/email/port.ts";
import { isTaken } from "../keys/store.ts";
import { announceNotices, type NotifyDeps } from "../notices/notify.ts";
import { throttle } from "../throttle/throttle.ts";
import {
  findEmailChange,
  findIdByEmail,
  removeEmailChange,
  storeEmailChange,
  storeNewEmail,
} from "./email-store.ts";

const LINK_LIVES_MS = HOUR_MS;

type AskDeps = {
  db: Db;
  now: Clock;
  config: Pick<Config, "publicBaseUrl">;
  email: EmailPort;
  background: (work: Promise<unknown>) => void;
};

/**
 * Sends a link to the new address, good for an hour and once; it replaces an earlier one. An address that
 * has an account is told so instead: here nothing tells the two apart, the time taken included.
 * The caller has made sure of the password.
 * @throws INVALID_FIELD for the address that the user has, TOO_MANY_TRIES
 */
export async function askForNewEmail(
  deps: AskDeps,
  user: { id: string; email: string },
  email: string,
): Promise<void> {
  if (email === user.email) {
    throw new ApiError("INVALID_FIELD", {
      message: "Something here needs another look.",
      fields: [{ field: "email", message: "This is your address already." }],
    });
  }
  await throttle(deps, "new_email_user", user.id);
  await throttle(deps, "new_email_address", email);
  const token = randomHex(24);
  const tokenHash = await sha256Hex(token);
  const expiresAt = deps.now() + LINK_LIVES_MS;
  await storeEmailChange(deps.db, { userId: user.id, email, tokenHash, expiresAt });
  deps.background(
    writeTo(deps, user.id, email, token).catch((error) => logFault("new address email", error)),
  );
}

async function writeTo(deps: AskDeps, userId: string, email: string, token: string): Promise<void> {
  const owner = await findIdByEmail(deps.db, email);
  const isFree = owner === undefined || owner === userId;
  const text = isFree ? linkEmail(deps.config, token) : takenEmail(deps.config);
  await deps.email.send({ id: `new_email:${randomHex(16)}`, to: email, ...text });
}

/** Whoever reads it may be a stranger: no name, no other address and nothing that was typed stands in it. */
const linkEmail = ({ publicBaseUrl }: AskDeps["config"], token: string) => ({
  subject: "Your new address for SmartPay",
  text: `Hello,

you asked to use this address for your SmartPay account. Open this page within an hour, and press its button:

${publicBaseUrl}/dashboard/settings/email/confirm?token=${token}

If the page asks you to sign in, use the address that you had until now.

If it was not you who asked, you need do nothing: nothing changes.
`,
});

const takenEmail = ({ publicBaseUrl }: AskDeps["config"]) => ({
  subject: "This address has a SmartPay account",
  text: `Hello,

somebody asked to use this address for another SmartPay account. It is the address of an account already, so nothing was changed.

If it was you, sign in to the account that you have:

${publicBaseUrl}/login

To use this address for the other account, first give this one another address, under Settings.

If it was not you, you need do nothing.
`,
});

/** The new address that waits for its link, and until when. */
export async function waitingEmail(
  deps: { db: Db; now: Clock },
  userId: string,
): Promise<{ email: string; until: number } | undefined> {
  const change = await findEmailChange(deps.db, userId, deps.now());
  return change && { email: change.email, until: change.expiresAt };
}

/** Makes the link that was sent worthless. */
export const forgetNewEmail = (deps: { db: Db }, userId: string) => removeEmailChange(deps.db, userId);

/** The address for which this user was sent this link; undefined once it was used, replaced or is too old. */
export async function emailOfLink(
  deps: { db: Db; now: Clock },
  userId: string,
  token: string,
): Promise<string | undefined> {
  return (await changeOfLink(deps, userId, token))?.email;
}

async function changeOfLink(deps: { db: Db; now: Clock }, userId: string, token: string) {
  const change = await findEmailChange(deps.db, userId, deps.now());
  return change && (await equalSecrets(change.tokenHash, await sha256Hex(token))) ? change : undefined;
}

export const DEAD_LINK = "It was used, was replaced by a newer one, or is older than an hour.";

const deadLink = () => new ApiError("INVALID_FIELD", { message: DEAD_LINK });

/**
 * Takes the address by the link: the user signs in with it and the merchant is told there, from one moment to
 * the next. Other sessions end, as do links to a new password; the old address is told.
 * @throws INVALID_FIELD for a link that is not this user's or no longer good, and for an address that another
 * account has taken meanwhile.
 */
export async function takeNewEmail(
  deps: Pick<NotifyDeps, "db" | "now" | "noticeQueue">,
  who: { user: { id: string; name: string }; merchantId: MerchantId; sessionId: string },
  token: string,
): Promise<void> {
  const { user, merchantId, sessionId } = who;
  const change = await changeOfLink(deps, user.id, token);
  if (!change) throw deadLink();
  const account = accountNumber(merchantId);
  const notice = {
    id: `email_changed:${change.tokenHash.slice(0, 32)}`,
    merchantId,
    subject: "Your SmartPay account has another email address",
    body: changedEmail(user.name, account),
  };
  const isTheirs = await storeNewEmail(deps.db, change, { sessionId, notice, now: deps.now() }).catch(
    async (error) => {
      if (!isTaken(error, "users.email")) throw error;
      await removeEmailChange(deps.db, user.id);
      throw new ApiError("INVALID_FIELD", {
        message: "Another account has this address by now. Yours stays as it was: ask for another one.",
      });
    },
  );
  if (!isTheirs) throw deadLink();
  logEvent("email_changed", { account });
  await announceNotices(deps, [notice.id]);
}

/** Without the new address: the old one may be a stranger's, by a slip at the sign-up. */
const changedEmail = (name: string, account: string) => `Hello ${name},

your account ${account} has another email address now. You sign in with the new one, and it gets what we write to you. This one is told nothing more.

If this was not you, somebody else has your password: write to support at once, and name your account number. They ask you to prove that the account is yours, and give it back to you.
`;
