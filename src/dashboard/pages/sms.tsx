import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../../errors.ts";
import { verifiedPhonesOf } from "../../features/account/verified-phones.ts";
import { readKeys } from "../../features/keys/read.ts";
import { buySmsCredits } from "../../features/purchases/buy-credits.ts";
import { MAX_SMS_CREDITS } from "../../features/purchases/contract.ts";
import { purchaseOf } from "../../features/purchases/under-way.ts";
import { type Rejected, smsRequest } from "../../features/sms/contract.ts";
import { listSms } from "../../features/sms/list.ts";
import { MAX_CHARACTERS } from "../../features/sms/rules.ts";
import { sendSms } from "../../features/sms/send.ts";
import type { StoredSms } from "../../features/sms/store.ts";
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
import { merchantPage } from "../layout.tsx";
import {
  Alert,
  Badge,
  Empty,
  Field,
  FormTrouble,
  localPhone,
  Once,
  PageHead,
  Panel,
  PayFrom,
  Submit,
  When,
  whole,
} from "../parts.tsx";
import { watchPurchase } from "./buying.tsx";

const STATUS = {
  queued: { tone: "info", label: "Queued" },
  sending: { tone: "info", label: "Sending" },
  sent: { tone: "info", label: "Sent" },
  delivered: { tone: "success", label: "Delivered" },
  failed: { tone: "error", label: "Not sent" },
} as const;

const creditsForm = z.object({
  credits: z
    .string()
    .trim()
    .regex(/^\d{1,6}$/, "Type a whole number.")
    .transform(Number)
    .refine((n) => n >= 1 && n <= MAX_SMS_CREDITS, `Type a number from 1 to ${MAX_SMS_CREDITS}.`),
  phone: msisdnField,
  once: onceField,
});

/** The API sends to the numbers that are fine; here nothing is sent before all of them are. @throws INVALID_FIELD */
function refuseRejected(rejected: Rejected[]) {
  if (rejected.length === 0) return;
  const numbers = new Intl.ListFormat("en-GB").format(rejected.map(({ phone }) => phone));
  const are = rejected.length === 1 ? "is not a Kenyan number" : "are not Kenyan numbers";
  throw new ApiError("INVALID_FIELD", {
    message: `${numbers} ${are}. Nothing was sent.`,
    fields: [{ field: "phone", message: "Correct it here, or take it out." }],
  });
}

const Message = ({ sms }: { sms: StoredSms }) => (
  <li class="py-3">
    <p class="flex flex-wrap items-center gap-x-4 gap-y-1">
      <span class="tabular-nums">{localPhone(sms.phone)}</span>
      <Badge tone={STATUS[sms.status].tone}>{STATUS[sms.status].label}</Badge>
      <span class="soft text-sm">
        <When at={sms.createdAt} />
      </span>
      <span class="soft text-sm">{sms.cost === 1 ? "1 credit" : `${sms.cost} credits`}</span>
    </p>
    <p class="mt-1 whitespace-pre-line">{sms.message}</p>
    {sms.failureReason ? <p class="soft mt-1 text-sm">{sms.failureReason}</p> : null}
  </li>
);

type Forms = { send?: FormState; buy?: FormState };

async function smsPage(c: PageContext, forms: Forms = {}, status: FormStatus = 200) {
  const { deps, merchantId } = c.var;
  const [{ credits, messages, nextCursor }, phones] = await Promise.all([
    listSms(deps, merchantId, c.req.query("before")),
    verifiedPhonesOf(deps, merchantId),
  ]);
  const [firstPhone] = phones;
  const { send = EMPTY_FORM, buy = EMPTY_FORM } = forms;
  const sent = c.req.query("sent");
  const messageError = send.errors.find(({ field }) => field === "message")?.message;
  return merchantPage(
    c,
    "SMS",
    <>
      <PageHead title="SMS" lead="Send a message to a customer, or to a hundred of them." />
      {sent === undefined ? null : (
        <Alert tone="success">
          {sent === "1"
            ? "1 message is on its way."
            : `${whole(Number(sent) || 0)} messages are on their way.`}
        </Alert>
      )}
      <div class="grid gap-4 xl:grid-cols-[1fr_22rem]">
        <div class="grid content-start gap-4">
          <Panel title="New message">
            <FormTrouble form={send} />
            <form method="post" action="/dashboard/sms">
              <Once form={send} />
              <Field
                name="to"
                label="To"
                form={send}
                required
                placeholder="0712 345 678, 0733 123 456"
                hint="Up to 100 numbers, with commas between them."
              />
              <div class="mb-4">
                <label class="mb-1 block text-sm font-medium" for="message">
                  Message
                </label>
                <textarea
                  id="message"
                  name="message"
                  class="textarea min-h-28 w-full"
                  maxlength={MAX_CHARACTERS}
                  required
                >
                  {send.values.message ?? ""}
                </textarea>
                <p class="soft mt-1 text-sm">
                  Each 160 characters, begun ones too, cost a credit for each number.
                </p>
                {messageError ? (
                  <p class="mt-1 text-sm text-red-700 dark:text-red-300">{messageError}</p>
                ) : null}
              </div>
              <Submit>Send</Submit>
            </form>
          </Panel>
          <Panel title="Sent">
            {messages.length === 0 ? (
              <Empty>Nothing was sent yet.</Empty>
            ) : (
              <ul class="divide-y divide-base-300">
                {messages.map((sms) => (
                  <Message sms={sms} />
                ))}
              </ul>
            )}
            {nextCursor ? (
              <a class="btn btn-sm mt-3" href={`/dashboard/sms?before=${nextCursor}`}>
                Older ones
              </a>
            ) : null}
          </Panel>
        </div>
        <div class="grid content-start gap-4">
          <Panel title="Credits">
            <p class="figure mb-4">{whole(credits)}</p>
            <FormTrouble form={buy} />
            <form method="post" action="/dashboard/sms/credits">
              <Once form={buy} />
              <Field
                name="credits"
                label="How many more"
                form={buy}
                inputmode="numeric"
                value="100"
                required
                hint={`KES ${deps.config.smsCreditPrice} each.`}
              />
              <PayFrom form={buy} phone={firstPhone?.phone} />
              <Submit>Send the prompt</Submit>
            </form>
          </Panel>
        </div>
      </div>
    </>,
    status,
  );
}

/** The key under whose name the merchant acts here: the default one. */
async function defaultKey(c: PageContext) {
  const keys = await readKeys(c.var.deps, c.var.merchantId);
  const key = keys.find(({ isDefault }) => isDefault) ?? keys[0];
  if (!key) throw new Error(`merchant ${c.var.merchantId} has no key`);
  return key;
}

export const smsPages = new Hono<PageEnv>()
  .get("/sms", (c) => smsPage(c))
  .post("/sms", (c) => {
    const send = async (values: Record<string, string>) => {
      const request = parseForm(smsRequest, { message: values.message ?? "", phone: values.to ?? "" });
      const { rejected, phones } = request.phone;
      refuseRejected(rejected);
      await sendSms(c.var.deps, await defaultKey(c), request, `page-${parseForm(onceField, values.once)}`);
      return c.redirect(`/dashboard/sms?sent=${phones.length}`, 303);
    };
    return submitted(c, send, (form, status) => {
      // The API's name of the field is another than the page's.
      const errors = form.errors.map((e) => (e.field === "phone" ? { ...e, field: "to" } : e));
      return smsPage(c, { send: { ...form, errors } }, status);
    });
  })
  .post("/sms/credits", (c) => {
    const { deps } = c.var;
    const buy = async (values: Record<string, string>) => {
      const { once: name, ...order } = parseForm(creditsForm, values);
      const [key, idempotencyKey] = [await defaultKey(c), `page-${name}`];
      const work = buySmsCredits(deps, key, order, idempotencyKey);
      deps.background(work.catch(() => undefined)); // whoever closes the page, the push records its outcome
      const id = await purchaseOf(deps, key, { kind: "sms_credits", idempotencyKey }, work);
      return watchPurchase(c, id);
    };
    return submitted(c, buy, (form, status) => smsPage(c, { buy: form }, status));
  });
