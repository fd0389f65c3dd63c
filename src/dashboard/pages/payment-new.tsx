import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../../errors.ts";
import { verifiedPhonesOf } from "../../features/account/verified-phones.ts";
import { describeDestination, storedDestination } from "../../features/keys/destination.ts";
import { readKeys } from "../../features/keys/read.ts";
import type { StoredKey } from "../../features/keys/store.ts";
import { AMOUNT_RANGE, type PushRequest, pushRequest } from "../../features/payments/contract.ts";
import { requestPayment } from "../../features/payments/request.ts";
import { DEFAULT_REFERENCE } from "../../features/payments/rules.ts";
import { readStory } from "../../features/payments/story.ts";
import { callsRemaining } from "../../features/subscriptions/rules.ts";
import { plainText } from "../../http/validate.ts";
import { counted } from "../../lib/counted.ts";
import { randomHex } from "../../lib/hash.ts";
import { isTransactionId, parseKeyId } from "../../lib/ids.ts";
import { parseKes } from "../../lib/kes.ts";
import type { PageContext, PageEnv } from "../context.ts";
import {
  bareAmount,
  EMPTY_FORM,
  type FormState,
  type FormStatus,
  msisdnField,
  parseForm,
  submitted,
} from "../forms.ts";
import { isSuspended, TrialOffer } from "../keys-parts.tsx";
import { merchantPage } from "../layout.tsx";
import { Alert, Field, FormTrouble, localPhone, PageHead, Select, Submit } from "../parts.tsx";

const requestForm = z.object({
  phone: msisdnField,
  amount: z.string("Type an amount.").transform((text, ctx) => {
    const amount = parseKes(bareAmount(text), AMOUNT_RANGE);
    if (amount !== undefined) return amount;
    ctx.addIssue({ code: "custom", message: "Type whole shillings, from 1 to 300,000." });
    return z.NEVER;
  }),
  reference: plainText(64),
  description: plainText(128),
  key_id: z.string("Choose a key.").transform((text, ctx) => {
    const id = parseKeyId(text);
    if (id !== undefined) return id;
    ctx.addIssue({ code: "custom", message: "Choose a key." });
    return z.NEVER;
  }),
  idempotency_key: z.string().regex(/^[0-9a-f]{32}$/, "Open the form again, and send it from there."),
});

const newIdempotencyKey = () => randomHex(16);

/** Keys that may ask for a payment now, the default first. */
const usable = (keys: StoredKey[], now: number) =>
  keys
    .filter((key) => !isSuspended(key) && callsRemaining(key, now) > 0)
    .sort((a, b) => Number(b.isDefault) - Number(a.isDefault));

type Held = { keys: StoredKey[]; isVerified: boolean };

/** Why no key can ask, and what helps: a suspended key is helped by no plan. */
const NoKey = ({ keys, isVerified }: Held) => {
  const suspended = keys.filter(isSuspended);
  const others = keys.filter((key) => !isSuspended(key));
  const isTrialDue = !isVerified && others.some(({ isDefault }) => isDefault);
  return (
    <Alert tone="warning">
      None of your keys can ask for a payment now.
      {suspended.map(({ id, name }) => (
        <p>
          {`The key “${name}” is suspended.`}{" "}
          <a class="link font-medium" href={`/dashboard/api/${id}`}>
            See the key
          </a>
        </p>
      ))}
      {isTrialDue ? <TrialOffer /> : null}
      {others.length > 0 ? (
        <p>
          {isTrialDue ? "Or give a key more calls than that." : "It takes a plan with calls left."}{" "}
          <a class="link font-medium" href="/dashboard/plan">
            Choose a plan
          </a>
        </p>
      ) : null}
    </Alert>
  );
};

const Request = ({ form, held, now }: { form: FormState; held: Held; now: number }) => {
  const keys = usable(held.keys, now);
  return (
    <div class="max-w-xl">
      <PageHead
        title="Request a payment"
        lead="The customer gets a prompt on the phone, types the M-Pesa PIN, and the money is yours."
      />
      <div class="panel">
        <FormTrouble form={form} />
        {keys.length === 0 ? (
          <NoKey {...held} />
        ) : (
          <form method="post" action="/dashboard/payments/new">
            <input
              type="hidden"
              name="idempotency_key"
              value={form.values.idempotency_key ?? newIdempotencyKey()}
            />
            <Field
              name="phone"
              label="Customer's phone"
              form={form}
              type="tel"
              inputmode="tel"
              autocomplete="off"
              required
              placeholder="0712 345 678"
            />
            <Field
              name="amount"
              label="Amount in KES"
              form={form}
              inputmode="numeric"
              autocomplete="off"
              required
              maxlength={12}
              hint="Whole shillings. M-Pesa takes at most 250,000 at a time."
            />
            <Field
              name="reference"
              label="Reference (optional)"
              form={form}
              autocomplete="off"
              maxlength={64}
              hint={`Such as an order's number. The prompt shows its first 12 characters, or ${DEFAULT_REFERENCE}.`}
            />
            <Field
              name="description"
              label="Description (optional)"
              form={form}
              autocomplete="off"
              maxlength={128}
            />
            <Select
              name="key_id"
              label="Key"
              form={form}
              value={String(keys[0]?.id)}
              options={keys.map((key) => ({
                value: String(key.id),
                label: `${key.name} (${counted(callsRemaining(key, now), "call")} left), to ${describeDestination(storedDestination(key.destination))}`,
              }))}
              hint="It says where the money goes. A prompt takes one of its calls."
            />
            <Submit wide>Send the prompt</Submit>
          </form>
        )}
      </div>
    </div>
  );
};

async function form(c: PageContext, state: FormState, status?: FormStatus) {
  const { deps, merchantId } = c.var;
  const [keys, phones] = await Promise.all([readKeys(deps, merchantId), verifiedPhonesOf(deps, merchantId)]);
  const held = { keys, isVerified: phones.length > 0 };
  return merchantPage(c, "Request a payment", <Request form={state} held={held} now={deps.now()} />, status);
}

/** A payment that is asked for again begins with what the one before was. */
async function prefilled(c: PageContext): Promise<FormState> {
  const id = c.req.query("again") ?? "";
  if (!isTransactionId(id)) return EMPTY_FORM;
  const { payment } = await readStory(c.var.deps, { merchantId: c.var.merchantId, id });
  return {
    ...EMPTY_FORM,
    values: {
      phone: localPhone(payment.phone),
      amount: String(payment.amount),
      reference: payment.accountReference,
      description: payment.description,
      key_id: String(payment.keyId),
    },
  };
}

/** The contract's own schema fills in what was left out. */
const toPush = (fields: { phone: string; amount: number; reference: string; description: string }) =>
  pushRequest.parse({ ...fields, account_reference: fields.reference }) satisfies PushRequest;

/** The state of the form where the key of its first sending is not good for another. */
function sentBefore(values: Record<string, string>): FormState {
  return {
    values: { ...values, idempotency_key: newIdempotencyKey() },
    errors: [],
    message:
      "This form was sent before, with other details. Look at your payments first; then send it if you still want to.",
  };
}

export const paymentRequestPages = new Hono<PageEnv>()
  .get("/payments/new", async (c) => form(c, await prefilled(c)))

  .post("/payments/new", (c) => {
    const { deps, merchantId } = c.var;
    const ask = async (values: Record<string, string>) => {
      const { key_id: keyId, idempotency_key, ...fields } = parseForm(requestForm, values);
      const idempotencyKey = `dashboard:${idempotency_key}`;
      const asked = { keyId, request: toPush(fields), idempotencyKey };
      try {
        const id = await requestPayment(deps, merchantId, asked);
        c.env.logFields.transaction = id;
        return c.redirect(`/dashboard/payments/${id}`, 303);
      } catch (error) {
        if (!(error instanceof ApiError && error.code === "IDEMPOTENCY_KEY_REUSED")) throw error;
        return form(c, sentBefore(values), 409);
      }
    };
    return submitted(c, ask, (state, status) => form(c, state, status));
  });
