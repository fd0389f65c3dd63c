import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../../errors.ts";
import { verifiedPhonesOf } from "../../features/account/verified-phones.ts";
import { readKey, readKeys } from "../../features/keys/read.ts";
import type { StoredKey } from "../../features/keys/store.ts";
import { subscribe } from "../../features/purchases/subscribe.ts";
import { purchaseOf } from "../../features/purchases/under-way.ts";
import { PLANS, type PlanName } from "../../features/subscriptions/plans.ts";
import { callsRemaining, isActive } from "../../features/subscriptions/rules.ts";
import { counted } from "../../lib/counted.ts";
import type { PageContext, PageEnv } from "../context.ts";
import {
  EMPTY_FORM,
  type FormState,
  type FormStatus,
  msisdnField,
  onceField,
  parseForm,
  submitted,
} from "../forms.ts";
import { isSuspended, TrialOffer } from "../keys-parts.tsx";
import { merchantPage } from "../layout.tsx";
import {
  Alert,
  Badge,
  FormTrouble,
  kes,
  Once,
  PageHead,
  Panel,
  PayFrom,
  Select,
  Submit,
  When,
  whole,
} from "../parts.tsx";
import { watchPurchase } from "./buying.tsx";

const FOR_SALE = Object.entries(PLANS).filter(([, { price }]) => price > 0);

const buyForm = z.object({
  plan: z.enum(
    FOR_SALE.map(([name]) => name as Exclude<PlanName, "Trial">),
    "Choose a plan.",
  ), // the table's own names
  key: z.coerce.number().int(),
  phone: msisdnField,
  once: onceField,
});

const NOT_SOLD = "This key is suspended, so a plan would be of no use to it. Nothing was bought.";

const KeyPlan = ({ apiKey, now }: { apiKey: StoredKey; now: number }) => (
  <li class="flex flex-wrap items-center gap-x-4 gap-y-1 py-2.5">
    <span class="min-w-0 grow basis-40 font-medium">{apiKey.name}</span>
    {isSuspended(apiKey) ? <Badge tone="error">Suspended</Badge> : null}
    {isActive(apiKey, now) ? (
      <>
        <Badge tone={isSuspended(apiKey) ? "neutral" : "success"}>{apiKey.plan}</Badge>
        <span>{`${counted(callsRemaining(apiKey, now), "call")} left`}</span>
        <span class="soft text-sm">
          until <When at={apiKey.expiresAt} />
        </span>
      </>
    ) : (
      <Badge tone="warning">No plan</Badge>
    )}
  </li>
);

async function planPage(c: PageContext, form: FormState, status: FormStatus = 200) {
  const { deps, merchantId } = c.var;
  const [keys, phones] = await Promise.all([readKeys(deps, merchantId), verifiedPhonesOf(deps, merchantId)]);
  const now = deps.now();
  const takers = keys.filter((key) => !isSuspended(key));
  const asked = takers.find(({ id }) => String(id) === c.req.query("key"));
  const chosen = asked ?? takers.find(({ isDefault }) => isDefault);
  const [firstPhone] = phones;
  return merchantPage(
    c,
    "Plan",
    <>
      <PageHead
        title="Plan"
        lead="A plan gives one key its calls for 30 days. Each payment request that reaches M-Pesa is a call; refused ones are free."
      />
      {phones.length === 0 && takers.some(({ isDefault }) => isDefault) ? (
        <Alert tone="info">
          <TrialOffer />
        </Alert>
      ) : null}
      <div class="mb-4 grid gap-4 md:grid-cols-3">
        {FOR_SALE.map(([name, { price, calls, days }]) => (
          <div class="panel">
            <h2>{name}</h2>
            <p class="figure mt-1">{kes(price)}</p>
            <p class="soft">{`${whole(calls)} calls, ${days} days`}</p>
            <p class="soft text-sm">{`KES ${(price / calls).toFixed(2)} a call`}</p>
          </div>
        ))}
      </div>
      <div class="grid gap-4 xl:grid-cols-[1fr_24rem]">
        <Panel title="Your keys">
          <ul class="divide-y divide-base-300">
            {keys.map((key) => (
              <KeyPlan apiKey={key} now={now} />
            ))}
          </ul>
        </Panel>
        <Panel title="Buy or renew">
          <FormTrouble form={form} />
          {takers.length === 0 ? (
            <p class="soft">A suspended key takes no plan, and you have no other key.</p>
          ) : (
            <>
              <p class="soft mb-4 text-sm">
                Paid by M-Pesa. The calls are added to what is left, and 30 days to the time that is left.
              </p>
              <form method="post" action="/dashboard/plan">
                <Once form={form} />
                <Select
                  name="plan"
                  label="Plan"
                  form={form}
                  options={FOR_SALE.map(([name, { price }]) => ({
                    value: name,
                    label: `${name}, ${kes(price)}`,
                  }))}
                />
                <Select
                  name="key"
                  label="For the key"
                  form={form}
                  value={chosen ? String(chosen.id) : undefined}
                  options={takers.map(({ id, name }) => ({ value: String(id), label: name }))}
                />
                <PayFrom form={form} phone={firstPhone?.phone} />
                <Submit>Send the prompt</Submit>
              </form>
            </>
          )}
        </Panel>
      </div>
    </>,
    status,
  );
}

export const planPages = new Hono<PageEnv>()
  .get("/plan", (c) => planPage(c, EMPTY_FORM))
  .post("/plan", (c) => {
    const { deps, merchantId } = c.var;
    const buy = async (values: Record<string, string>) => {
      const { plan, key: keyId, phone, once } = parseForm(buyForm, values);
      const key = await readKey(deps, merchantId, keyId);
      if (isSuspended(key)) throw new ApiError("KEY_SUSPENDED", { message: NOT_SOLD });
      const idempotencyKey = `page-${once}`;
      const work = subscribe(deps, key, key.id, { plan, phone }, idempotencyKey);
      deps.background(work.catch(() => undefined)); // whoever closes the page, the push records its outcome
      const id = await purchaseOf(deps, key, { kind: "plan", idempotencyKey }, work);
      return watchPurchase(c, id);
    };
    return submitted(c, buy, (form, status) => planPage(c, form, status));
  });
