import { Hono } from "hono";
import { z } from "zod";
import { codeInForce, sendPhoneCode, verifyPhone } from "../../features/account/verify-phone.ts";
import { eastAfricaTime } from "../../lib/clock.ts";
import type { PageContext, PageEnv } from "../context.ts";
import { EMPTY_FORM, type FormState, type FormStatus, msisdnField, parseForm, submitted } from "../forms.ts";
import { merchantPage } from "../layout.tsx";
import { pathWith } from "../live.ts";
import { Alert, Field, FormTrouble, localPhone, PageHead, Submit } from "../parts.tsx";

const PATH = "/dashboard/verify-phone";
const CODE_PATH = `${PATH}/code`;

type Code = NonNullable<Awaited<ReturnType<typeof codeInForce>>>;

/** `04:11`, the time in Kenya. */
const clock = (ms: number) => eastAfricaTime(ms).slice(11, 16);

const sentTo = ({ phone, sentAt }: Code) => `A code was sent to ${localPhone(phone)} at ${clock(sentAt)}.`;

type AskProps = { form: FormState; phone: string | undefined; code: Code | undefined };

const Ask = ({ form, phone, code }: AskProps) => (
  <div class="max-w-md">
    <PageHead
      title="Verify a phone"
      lead="We send a code by SMS, free of charge. Money is paid out to verified phones only."
    />
    {code ? (
      <Alert tone="info">
        {sentTo(code)}{" "}
        <a class="link font-medium" href={CODE_PATH}>
          Type the code
        </a>
      </Alert>
    ) : null}
    <div class="panel">
      <FormTrouble form={form} />
      <form method="post" action={PATH}>
        <Field name="phone" label="Phone" form={form} type="tel" autocomplete="tel" value={phone} required />
        <Submit>Send the code</Submit>
      </form>
    </div>
  </div>
);

type EnterProps = { form: FormState; code: Code; isAnother?: boolean };

const Enter = ({ form, code, isAnother = false }: EnterProps) => (
  <div class="max-w-md">
    <PageHead title="Type the code" lead={`${sentTo(code)} It is good until ${clock(code.expiresAt)}.`} />
    {isAnother ? (
      <Alert tone="success">Another code was sent. The one before it is no longer good.</Alert>
    ) : null}
    <div class="panel">
      {/* Leaves the focus to the field below, in which the code is typed again. */}
      {form.message ? <Alert tone="error">{form.message}</Alert> : null}
      <form method="post" action={CODE_PATH}>
        <input type="hidden" name="phone" value={code.phone} />
        <Field
          name="code"
          label="Code"
          form={form}
          inputmode="numeric"
          autocomplete="one-time-code"
          required
          maxlength={12}
          autofocus
        />
        <Submit>Verify</Submit>
      </form>
      <form method="post" action={PATH} class="mt-4">
        <input type="hidden" name="phone" value={code.phone} />
        <input type="hidden" name="again" value="1" />
        <button class="quiet-link text-sm" type="submit">
          Send another code
        </button>
      </form>
    </div>
  </div>
);

const phoneForm = z.object({ phone: msisdnField });

async function askPage(c: PageContext, form: FormState, status?: FormStatus) {
  const code = await codeInForce(c.var.deps, c.var.merchantId);
  const { phone } = c.var.user;
  const ask = <Ask form={form} phone={phone ? localPhone(phone) : undefined} code={code} />;
  return merchantPage(c, "Verify a phone", ask, status);
}

/** The page for the code, as long as there is one that may be typed. */
async function codePage(c: PageContext, form: FormState, status: FormStatus) {
  const code = await codeInForce(c.var.deps, c.var.merchantId);
  if (!code) return askPage(c, form, status);
  return merchantPage(c, "Type the code", <Enter form={form} code={code} />, status);
}

export const verifyPhonePages = new Hono<PageEnv>()
  .get("/verify-phone", (c) => askPage(c, EMPTY_FORM))
  .post("/verify-phone", (c) => {
    const send = async (values: Record<string, string>) => {
      const { phone } = parseForm(phoneForm, values);
      await sendPhoneCode(c.var.deps, c.var.merchantId, phone);
      return c.redirect(pathWith(CODE_PATH, { again: values.again && 1 }), 303);
    };
    // Too many were sent: the last of them is good still.
    return submitted(c, send, (form, status) =>
      status === 429 ? codePage(c, form, status) : askPage(c, form, status),
    );
  })
  .get("/verify-phone/code", async (c) => {
    const code = await codeInForce(c.var.deps, c.var.merchantId);
    if (!code) return c.redirect(PATH);
    const isAnother = c.req.query("again") !== undefined;
    return merchantPage(c, "Type the code", <Enter form={EMPTY_FORM} code={code} isAnother={isAnother} />);
  })
  .post("/verify-phone/code", (c) => {
    const verify = async (values: Record<string, string>) => {
      await verifyPhone(c.var.deps, c.var.merchantId, values.code ?? "");
      return c.redirect("/dashboard?done=phone", 303);
    };
    return submitted(c, verify, (form, status) => codePage(c, form, status));
  });
