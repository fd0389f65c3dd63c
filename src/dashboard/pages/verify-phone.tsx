import { Hono } from "hono";
import { z } from "zod";
import { sendPhoneCode, verifyPhone } from "../../features/account/verify-phone.ts";
import type { PageEnv } from "../context.ts";
import { EMPTY_FORM, type FormState, msisdnField, parseForm, submitted } from "../forms.ts";
import { merchantPage } from "../layout.tsx";
import { Field, FormTrouble, localPhone, PageHead, Submit } from "../parts.tsx";

const Ask = ({ form, phone }: { form: FormState; phone: string | undefined }) => (
  <div class="max-w-md">
    <PageHead
      title="Verify a phone"
      lead="We send a code by SMS, free of charge. Money is paid out to verified phones only."
    />
    <div class="panel">
      <FormTrouble form={form} />
      <form method="post" action="/dashboard/verify-phone">
        <Field name="phone" label="Phone" form={form} type="tel" autocomplete="tel" value={phone} required />
        <Submit>Send the code</Submit>
      </form>
    </div>
  </div>
);

const Enter = ({ form, phone }: { form: FormState; phone: string }) => (
  <div class="max-w-md">
    <PageHead
      title="Type the code"
      lead={`We sent six digits to ${localPhone(phone)}. They are good for 10 minutes.`}
    />
    <div class="panel">
      <FormTrouble form={form} />
      <form method="post" action="/dashboard/verify-phone/code">
        <input type="hidden" name="phone" value={phone} />
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
      <form method="post" action="/dashboard/verify-phone" class="mt-4">
        <input type="hidden" name="phone" value={phone} />
        <button class="quiet-link text-sm" type="submit">
          Send another code
        </button>
      </form>
    </div>
  </div>
);

const phoneForm = z.object({ phone: msisdnField });

export const verifyPhonePages = new Hono<PageEnv>()
  .get("/verify-phone", (c) => {
    const phone = c.var.user.phone;
    return merchantPage(
      c,
      "Verify a phone",
      <Ask form={EMPTY_FORM} phone={phone ? localPhone(phone) : undefined} />,
    );
  })
  .post("/verify-phone", (c) => {
    const send = async (values: Record<string, string>) => {
      const { phone } = parseForm(phoneForm, values);
      await sendPhoneCode(c.var.deps, c.var.merchantId, phone);
      return merchantPage(c, "Type the code", <Enter form={EMPTY_FORM} phone={phone} />);
    };
    return submitted(c, send, (form, status) =>
      merchantPage(c, "Verify a phone", <Ask form={form} phone={undefined} />, status),
    );
  })
  .post("/verify-phone/code", (c) => {
    const verify = async (values: Record<string, string>) => {
      await verifyPhone(c.var.deps, c.var.merchantId, values.code ?? "");
      return c.redirect("/dashboard?done=phone", 303);
    };
    return submitted(c, verify, (form, status) =>
      merchantPage(c, "Type the code", <Enter form={form} phone={form.values.phone ?? ""} />, status),
    );
  });
