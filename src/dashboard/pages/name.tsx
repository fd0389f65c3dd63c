import { Hono } from "hono";
import { z } from "zod";
import { rename } from "../../features/users/rename.ts";
import type { PageContext, PageEnv } from "../context.ts";
import { EMPTY_FORM, type FormState, type FormStatus, parseForm, submitted } from "../forms.ts";
import { merchantPage } from "../layout.tsx";
import { BackToSettings, Field, FormTrouble, PageHead, SETTINGS, Submit } from "../parts.tsx";
import { nameField } from "./join.tsx";

const namePage = (c: PageContext, form: FormState, status: FormStatus = 200) =>
  merchantPage(
    c,
    "Change your name",
    <div class="max-w-md">
      <PageHead
        title="Change your name"
        lead="Your own, or that of your business. Your customers do not see it."
      />
      <div class="panel">
        <FormTrouble form={form} />
        <form method="post" action={`${SETTINGS}/name`}>
          <Field
            name="name"
            label="Your name or business"
            form={form}
            value={c.var.merchant.fullname}
            autocomplete="name"
            required
            maxlength={100}
          />
          <Submit>Save it</Submit>
        </form>
      </div>
      <BackToSettings />
    </div>,
    status,
  );

const nameForm = z.object({ name: nameField });

export const namePages = new Hono<PageEnv>()
  .get("/settings/name", (c) => namePage(c, EMPTY_FORM))

  .post("/settings/name", (c) => {
    const { deps, merchantId, user } = c.var;
    const save = async (values: Record<string, string>) => {
      const { name } = parseForm(nameForm, values);
      await rename(deps, { merchantId, userId: user.id }, name);
      return c.redirect(`${SETTINGS}?done=name`, 303);
    };
    return submitted(c, save, (form, status) => namePage(c, form, status));
  });
