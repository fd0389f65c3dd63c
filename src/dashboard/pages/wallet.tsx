import { Hono } from "hono";
import { verifiedPhonesOf } from "../../features/account/verified-phones.ts";
import { describeDestination, storedDestination } from "../../features/keys/destination.ts";
import { readWallet, type WalletEntry } from "../../features/ledger/wallet.ts";
import { withdrawalRequest } from "../../features/payouts/contract.ts";
import { listPayouts } from "../../features/payouts/list.ts";
import { B2C_MINIMUM } from "../../features/payouts/rules.ts";
import type { StoredPayout } from "../../features/payouts/store.ts";
import { withdraw } from "../../features/payouts/withdraw.ts";
import { MINUTE_MS } from "../../lib/clock.ts";
import type { PageContext, PageEnv } from "../context.ts";
import {
  bareAmount,
  EMPTY_FORM,
  type FormState,
  type FormStatus,
  onceField,
  parseForm,
  submitted,
} from "../forms.ts";
import { merchantPage } from "../layout.tsx";
import { asksAgain, pathWith } from "../live.ts";
import {
  Alert,
  Badge,
  Empty,
  Field,
  FormTrouble,
  kes,
  localPhone,
  Once,
  PageHead,
  Panel,
  Select,
  Submit,
  When,
} from "../parts.tsx";

const PATH = "/dashboard/wallet";

const KINDS: Record<string, string> = {
  collection: "Payment",
  collection_repayment: "Paid back what was owed",
  given_back: "Given back",
  given_back_repayment: "Paid back what was owed",
  hold: "Held for a payout",
  paid_after_failure: "A payout that was paid after all",
  reversal: "Reversed by Safaricom",
};

const PAYOUT_STATUS = {
  queued: { tone: "info", label: "Queued" },
  sending: { tone: "info", label: "Sent" },
  sent: { tone: "info", label: "Sent" },
  paid: { tone: "success", label: "Paid" },
  failed: { tone: "error", label: "Given back" },
} as const;

/** What follows "to". */
function payeeOf({ destination }: { destination: string }): string {
  const to = storedDestination(destination);
  return to.method === "phone" ? localPhone(to.phone) : describeDestination(to);
}

/** What an entry is, by what became of the payout that it belongs to. */
function labelOf({ kind, payout }: WalletEntry): string {
  if (payout === undefined) return KINDS[kind] ?? kind.replaceAll("_", " ");
  const to = payeeOf(payout);
  const receipt = payout.receipt === null ? "" : `, ${payout.receipt}`;
  switch (kind) {
    case "hold": {
      const fee = payout.fee > 0 ? `, with a fee of ${kes(payout.fee)}` : "";
      if (payout.status === "failed") return `Not paid out to ${to}: given back`;
      if (payout.status !== "paid") return `On its way to ${to}${fee}`;
      return `${payout.transactionId === null ? "Withdrawn" : "Paid out"} to ${to}${receipt}${fee}`;
    }
    case "given_back":
      return `Given back: the payout to ${to}`;
    case "paid_after_failure":
      return `Paid out to ${to} after all${receipt}`;
    default:
      return KINDS[kind] ?? kind.replaceAll("_", " ");
  }
}

function hrefOf({ reference, payout }: WalletEntry): string | undefined {
  const payment = reference.startsWith("tx_") ? reference : payout?.transactionId;
  return payment ? `/dashboard/payments/${payment}` : undefined;
}

const Entry = ({ entry }: { entry: WalletEntry }) => {
  const href = hrefOf(entry);
  const label = labelOf(entry);
  return (
    <li class="flex flex-wrap items-center gap-x-4 gap-y-0.5 py-2.5">
      <span class={`w-32 font-medium tabular-nums ${entry.amount < 0 ? "soft" : ""}`}>
        {`${entry.amount < 0 ? "−" : "+"}${kes(Math.abs(entry.amount))}`}
      </span>
      <span class="min-w-0 grow basis-40">
        {href ? (
          <a class="quiet-link" href={href}>
            {label}
          </a>
        ) : (
          label
        )}
      </span>
      <span class="soft text-sm">
        <When at={entry.at} />
      </span>
    </li>
  );
};

/** What has become of the withdrawal that was just asked for. */
const Withdrawal = ({ payout }: { payout: StoredPayout }) => {
  const what = `${kes(payout.amount)} to ${payeeOf(payout)}`;
  if (payout.status === "paid")
    return <Alert tone="success">{`Withdrawn: ${what}, receipt ${payout.receipt}.`}</Alert>;
  if (payout.status === "failed")
    return <Alert tone="warning">{`Not paid out: ${what}. The money is in your wallet again.`}</Alert>;
  return <Alert tone="success">{`On its way: ${what}. M-Pesa tells your phone when it is there.`}</Alert>;
};

/** Often while a new payout may be paid any moment, seldom while an older one waits. */
function looksEvery(held: number, newest: StoredPayout | undefined, now: number): string | undefined {
  if (held === 0) return undefined;
  return newest && now - newest.createdAt < 5 * MINUTE_MS ? "3s" : "30s";
}

const Payout = ({ payout }: { payout: StoredPayout }) => (
  <li class="py-2.5">
    <p class="flex flex-wrap items-center gap-x-4 gap-y-0.5">
      <span class="w-32 font-medium tabular-nums">{kes(payout.amount)}</span>
      <Badge tone={PAYOUT_STATUS[payout.status].tone}>{PAYOUT_STATUS[payout.status].label}</Badge>
      <span class="min-w-0 grow basis-48">{`to ${payeeOf(payout)}`}</span>
      <span class="mono soft">{payout.receipt ?? ""}</span>
      <span class="soft text-sm">
        <When at={payout.createdAt} />
      </span>
    </p>
    {payout.reason ? <p class="soft mt-1 text-sm">{payout.reason}</p> : null}
  </li>
);

async function walletPage(c: PageContext, form: FormState, status: FormStatus = 200) {
  const { deps, merchantId } = c.var;
  const { before, done } = c.req.query();
  const [{ wallet, entries, nextCursor }, { payouts }, phones] = await Promise.all([
    readWallet(deps, merchantId, before),
    listPayouts(deps, merchantId, { limit: 10 }),
    verifiedPhonesOf(deps, merchantId),
  ]);
  const withdrawal = done === "withdrawal" ? payouts.find((each) => each.transactionId === null) : undefined;
  const every = looksEvery(wallet.held, payouts[0], deps.now());
  const live = every ? { ...asksAgain(pathWith(PATH, { before, done }), every), "hx-select": "#wallet" } : {};
  const fee = deps.config.payoutFees.b2c;
  return merchantPage(
    c,
    "Wallet",
    <div id="wallet" {...live}>
      <PageHead title="Wallet" />
      {withdrawal ? <Withdrawal payout={withdrawal} /> : null}
      <div class="grid gap-4 xl:grid-cols-[1fr_22rem] xl:grid-rows-[auto_1fr]">
        <div>
          <Panel>
            <p class="soft text-sm">Yours to withdraw</p>
            <p class="figure">{kes(wallet.balance)}</p>
            {wallet.held > 0 ? (
              <p class="soft text-sm">{`${kes(wallet.held)} is held for payouts under way.`}</p>
            ) : null}
            {wallet.owed > 0 ? (
              <p class="soft text-sm">{`${kes(wallet.owed)} is owed, and taken from your next payments.`}</p>
            ) : null}
          </Panel>
        </div>
        {/* A form under way keeps its name, and what is typed. */}
        <div id="withdraw" class="xl:row-span-2" hx-morph-skip>
          <Panel title="Withdraw">
            {phones.length === 0 ? (
              <>
                <p class="mb-3">Money is paid out to your verified phones only.</p>
                <a class="btn btn-primary" href="/dashboard/verify-phone">
                  Verify a phone
                </a>
              </>
            ) : (
              <>
                <FormTrouble form={form} />
                <form method="post" action="/dashboard/wallet/withdraw">
                  <Once form={form} />
                  <Field
                    name="amount"
                    label="Amount in KES"
                    form={form}
                    inputmode="numeric"
                    required
                    hint={`At least ${B2C_MINIMUM}.${fee > 0 ? ` The fee is ${kes(fee)}.` : " No fee."}`}
                  />
                  <Select
                    name="phone"
                    label="To"
                    form={form}
                    options={phones.map(({ phone }) => ({ value: phone, label: localPhone(phone) }))}
                  />
                  <Submit>Withdraw</Submit>
                </form>
              </>
            )}
          </Panel>
        </div>
        <div class="grid content-start gap-4">
          <Panel title="In and out">
            {entries.length === 0 ? (
              <Empty>
                Nothing has moved yet. Payments of keys whose destination is the wallet land here.
              </Empty>
            ) : (
              <ul class="divide-y divide-base-300">
                {entries.map((entry) => (
                  <Entry entry={entry} />
                ))}
              </ul>
            )}
            {nextCursor ? (
              <a class="btn btn-sm mt-3" href={`${PATH}?before=${nextCursor}`}>
                Older ones
              </a>
            ) : null}
          </Panel>
          <Panel title="Latest payouts" id="payouts">
            {payouts.length === 0 ? (
              <Empty>No payouts yet.</Empty>
            ) : (
              <ul class="divide-y divide-base-300">
                {payouts.map((payout) => (
                  <Payout payout={payout} />
                ))}
              </ul>
            )}
          </Panel>
        </div>
      </div>
    </div>,
    status,
  );
}

export const walletPages = new Hono<PageEnv>()
  .get("/wallet", (c) => walletPage(c, EMPTY_FORM))
  .post("/wallet/withdraw", (c) => {
    const { deps, merchantId } = c.var;
    const run = async (values: Record<string, string>) => {
      const request = parseForm(withdrawalRequest, {
        ...values,
        amount: bareAmount(values.amount ?? ""),
      });
      await withdraw(deps, merchantId, request, `page-${parseForm(onceField, values.once)}`);
      return c.redirect(`${PATH}?done=withdrawal`, 303);
    };
    return submitted(c, run, (form, status) => walletPage(c, form, status));
  });
