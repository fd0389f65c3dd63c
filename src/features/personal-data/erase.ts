import type { Db } from "../../db/client.ts";
import type { Config } from "../../env.ts";
import { ApiError } from "../../errors.ts";
import { type Clock, eastAfricaTime, HOUR_MS } from "../../lib/clock.ts";
import { equalSecrets, hmacSha256, toHex } from "../../lib/hash.ts";
import { accountNumber, type MerchantId } from "../../lib/ids.ts";
import { isPseudonym, pseudonymOf } from "../../lib/pseudonym.ts";
import type { Act } from "../audit/store.ts";
import { closeAccount, erasures, readErasable, readProfile } from "./store.ts";

export type ErasureDeps = { db: Db; now: Clock; config: Pick<Config, "appSecret"> };

/** How long a preview may be confirmed. */
const CONFIRMED_WITHIN_MS = HOUR_MS;
/** So many rows a statement, and so many statements of each kind a request: a large merchant takes several. */
const ROWS_AT_ONCE = 1_000;
const ROUNDS_AT_MOST = 50;

const mark = async ({ config }: ErasureDeps, merchantId: MerchantId, until: number) =>
  toHex((await hmacSha256(config.appSecret, `erasure:${merchantId}:${until}`)).slice(0, 16));

async function erasableOf(deps: ErasureDeps, merchantId: MerchantId) {
  const found = await readErasable(deps.db, merchantId, deps.now());
  if (!found) throw new ApiError("NOT_FOUND");
  if (found.reasons.length > 0) throw busy(found.reasons);
  return found;
}

const busy = (reasons: string[]) =>
  new ApiError("ERASURE_REFUSED", {
    message: `This merchant cannot be erased now: ${reasons.join(", ")}.`,
  });

/**
 * The first step: changes nothing, and tells what would be erased.
 * @returns `confirmation`, good for an hour, for the second step.
 * @throws NOT_FOUND, ERASURE_REFUSED while money is in the wallet or anything is under way.
 */
export async function previewErasure(deps: ErasureDeps, merchantId: MerchantId) {
  const { counts, isErased } = await erasableOf(deps, merchantId);
  const until = deps.now() + CONFIRMED_WITHIN_MS;
  return {
    account_number: accountNumber(merchantId),
    is_erased: isErased,
    ...counts,
    confirmation: `${until}.${await mark(deps, merchantId, until)}`,
    confirm_until: eastAfricaTime(until),
  };
}

/**
 * The second step, for good: names, contacts, texts, URLs and whole phone numbers go; keys die and sessions
 * end; amounts, receipts, times and the ledger stay. What it did not manage it does when it is asked again.
 * The log has a row of each confirmation.
 * @throws ERASURE_REFUSED, also for a confirmation that is wrong or too old.
 */
export async function eraseMerchant(
  deps: ErasureDeps,
  merchantId: MerchantId,
  confirmation: string,
  act: Act,
) {
  const [, text = "", given = ""] = /^(\d{1,15})\.([0-9a-f]{32})$/.exec(confirmation) ?? [];
  const until = Number(text);
  const isRight = await equalSecrets(given, await mark(deps, merchantId, until));
  if (!isRight || until < deps.now()) {
    throw new ApiError("ERASURE_REFUSED", {
      message: "The confirmation is not this merchant's, or is too old. Ask for a new one.",
    });
  }
  await erasableOf(deps, merchantId);
  const profile = await readProfile(deps.db, merchantId);
  if (!profile) throw new ApiError("NOT_FOUND");
  const whole = profile.phones.filter(({ phone }) => !isPseudonym(phone));
  const phones = await Promise.all(
    whole.map(async ({ phone }) => ({ phone, pseudonym: await pseudonymOf(deps.config.appSecret, phone) })),
  );
  const { userId } = profile.merchant;
  const isClosed = await closeAccount(deps.db, merchantId, {
    phones,
    userId,
    now: deps.now(),
    act,
    once: `erased:${merchantId}:${until}`,
  });
  // Something began since it was looked at.
  if (!isClosed) {
    const { reasons = [] } = (await readErasable(deps.db, merchantId, deps.now())) ?? {};
    throw busy(reasons);
  }
  return { account_number: accountNumber(merchantId), is_complete: await eraseTraces(deps, merchantId) };
}

/** @returns whether nothing is left. */
async function eraseTraces({ db }: ErasureDeps, merchantId: MerchantId): Promise<boolean> {
  let isComplete = true;
  for (const erase of erasures(db, merchantId, ROWS_AT_ONCE)) {
    let isDone = false;
    for (let round = 0; !isDone && round < ROUNDS_AT_MOST; round++) isDone = (await erase()) === 0;
    isComplete &&= isDone;
  }
  return isComplete;
}
