import type { Db } from "../../db/client.ts";
import { type Clock, eastAfricaTime, eastAfricaTimeOrNull } from "../../lib/clock.ts";
import { accountNumber, type MerchantId } from "../../lib/ids.ts";
import type { Act } from "../audit/store.ts";
import { presentKey } from "../keys/present.ts";
import { presentTransaction } from "../payments/present.ts";
import { presentPayout } from "../payouts/present.ts";
import { presentMessage } from "../sms/present.ts";
import { presentDelivery } from "../webhooks/present.ts";
import { noteExport, PAGES, type Profile, readProfile } from "./store.ts";

const PAGE = 500;

/** Who the merchant is, and its keys: what they are called and set to, and no secret of theirs. */
const presentProfile = ({ merchant, newEmail, wallet, phones, keys, sessions }: Profile, now: number) => ({
  account: {
    account_number: accountNumber(merchant.id as MerchantId), // of our own row
    fullname: merchant.fullname,
    email: merchant.email,
    /** Asked for, and waiting for its link. */
    new_email: newEmail,
    phone: merchant.phone,
    verified_phones: phones.map(({ phone, verifiedAt }) => ({
      phone,
      verified_at: eastAfricaTime(verifiedAt),
    })),
    wallet: {
      balance: wallet.balance,
      held: wallet.held,
      owed: wallet.owed,
      sms_credits: wallet.smsCredits,
    },
    created_at: eastAfricaTime(merchant.createdAt),
  },
  sessions: sessions.map(({ ipAddress, userAgent, createdAt, updatedAt, expiresAt }) => ({
    ip_address: ipAddress,
    user_agent: userAgent,
    begun_at: eastAfricaTime(createdAt.getTime()),
    last_used_at: eastAfricaTime(updatedAt.getTime()),
    ends_at: eastAfricaTime(expiresAt.getTime()),
  })),
  keys: keys.map((key) => ({
    ...presentKey(key, now),
    scope: key.scope,
    plan: key.plan,
    api_key_hint: key.hint,
    deleted_at: eastAfricaTimeOrNull(key.deletedAt),
  })),
});

const PARTS: { [K in keyof typeof PAGES]: (row: Awaited<ReturnType<(typeof PAGES)[K]>>[number]) => unknown } =
  {
    // A payment's payout is among the payouts.
    transactions: (row) => ({ ...presentTransaction(row, undefined), payout: undefined }),
    payouts: presentPayout,
    sms: (row) => ({ ...presentMessage(row), message: row.message }),
    webhooks: presentDelivery,
    notices: ({ channel, recipient, subject, body, status, createdAt, sentAt }) => ({
      channel,
      recipient,
      subject,
      body,
      status,
      created_at: eastAfricaTime(createdAt),
      sent_at: eastAfricaTimeOrNull(sentAt),
    }),
    statements: ({ id, body }) => ({ day: id, ...(JSON.parse(body) as object) }), // written by ourselves
  };

/**
 * What is stored of a merchant, as one JSON object, piece by piece: account, sessions, keys without secrets,
 * transactions, payouts, SMS, webhooks, emails and SMS to the merchant, and daily statements, oldest first.
 * Left out are what proves who somebody is, and what only repeats it: M-Pesa's bodies and kept answers.
 * `act`: as which operator's act the log has it, where it is not the merchant's own.
 * @returns undefined for no merchant.
 */
export async function exportMerchant(
  deps: { db: Db; now: Clock },
  merchantId: MerchantId,
  act?: Act,
): Promise<ReadableStream<Uint8Array> | undefined> {
  const now = deps.now();
  const profile = await readProfile(deps.db, merchantId);
  if (!profile) return undefined;
  if (act && !(await noteExport(deps.db, merchantId, act, now))) return undefined;
  const pieces = async function* () {
    const head = { exported_at: eastAfricaTime(now), ...presentProfile(profile, now) };
    yield JSON.stringify(head).slice(0, -1);
    for (const name of Object.keys(PARTS) as (keyof typeof PARTS)[]) {
      // the table's own keys
      yield `,"${name}":[`;
      yield* partOf(deps.db, merchantId, name);
      yield "]";
    }
    yield "}\n";
  };
  const encoder = new TextEncoder();
  const texts = pieces();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await texts.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
  });
}

async function* partOf(db: Db, merchantId: MerchantId, name: keyof typeof PARTS) {
  // Each part's own rows go to its own presentation, which the table's type has just held together.
  const present = PARTS[name] as (row: unknown) => unknown;
  let after = "";
  for (;;) {
    const rows = await PAGES[name](db, merchantId, after, PAGE);
    const text = rows.map((row) => JSON.stringify(present(row))).join(",\n");
    if (text !== "") yield after === "" ? text : `,\n${text}`;
    after = rows.at(-1)?.id ?? after;
    if (rows.length < PAGE) return;
  }
}
