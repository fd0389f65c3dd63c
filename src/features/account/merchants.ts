import type { Db } from "../../db/client.ts";
import { ApiError } from "../../errors.ts";
import { type Clock, eastAfricaTime, eastAfricaTimeOrNull } from "../../lib/clock.ts";
import { accountNumber, parseAccountNumber, parseMerchantId, storedMerchantId } from "../../lib/ids.ts";
import { callsRemaining } from "../subscriptions/rules.ts";
import { readMerchantForOperator, searchMerchants } from "./merchants-store.ts";

const PAGE = 50;

export type MerchantQuery = { q?: string | undefined; cursor?: string | undefined };

/** For the operator: merchants by account number, 50 a page; `q` is an account number, or part of a name or email. */
export async function listMerchants({ db }: { db: Db }, { q, cursor }: MerchantQuery) {
  const text = q?.trim().toLowerCase() || undefined;
  const id = text === undefined ? undefined : (parseAccountNumber(text) ?? parseMerchantId(text));
  const search = {
    id,
    text: id === undefined ? text : undefined,
    after: cursor === undefined ? undefined : parseAccountNumber(cursor),
  };
  const found = await searchMerchants(db, search, PAGE + 1);
  const merchants = found.slice(0, PAGE);
  const last = merchants.at(-1);
  return { merchants, nextCursor: found.length > PAGE && last ? accountOf(last.id) : null };
}

export const accountOf = (id: number) => accountNumber(storedMerchantId(id));

/** One merchant, as the operator sees it. @throws NOT_FOUND */
export async function readMerchant({ db }: { db: Db }, account: string) {
  const id = parseAccountNumber(account);
  const read = id === undefined ? undefined : await readMerchantForOperator(db, id);
  if (!read?.merchant || !read.wallet) {
    throw new ApiError("NOT_FOUND", { message: "There is no merchant with this account number." });
  }
  return { merchant: read.merchant, wallet: read.wallet, keys: read.keys, phones: read.phones };
}

export type MerchantView = Awaited<ReturnType<typeof readMerchant>>;

export const presentListedMerchant = (m: Awaited<ReturnType<typeof listMerchants>>["merchants"][number]) => ({
  account_number: accountOf(m.id),
  fullname: m.fullname,
  email: m.email,
  wallet: { balance: m.balance, held: m.held, owed: m.owed },
  suspended_keys: m.suspendedKeys,
  created_at: eastAfricaTime(m.createdAt),
});

export const presentMerchant = (view: MerchantView, deps: { now: Clock }) => {
  const { balance, held, owed, smsCredits } = view.wallet;
  return {
    account_number: accountOf(view.merchant.id),
    fullname: view.merchant.fullname,
    email: view.merchant.email,
    verified_phones: view.phones.map(({ phone }) => phone),
    wallet: { balance, held, owed },
    sms_credits: smsCredits,
    keys: view.keys.map((key) => ({
      id: key.id,
      name: key.name,
      hint: key.hint,
      scope: key.scope,
      is_default: key.isDefault,
      plan: key.plan,
      calls_left: callsRemaining(key, deps.now()),
      expires_at: eastAfricaTimeOrNull(key.expiresAt),
      suspended_at: eastAfricaTimeOrNull(key.suspendedAt),
      deleted_at: eastAfricaTimeOrNull(key.deletedAt),
      started: key.startedCount,
      completed: key.completedCount,
      failed: key.failedCount,
    })),
  };
};
