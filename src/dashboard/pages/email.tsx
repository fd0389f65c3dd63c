import { Hono } from "hono";
import { z } from "zod";
import { throttle } from "../../features/throttle/throttle.ts";
import {
  askForNewEmail,
  DEAD_LINK,
  emailOfLink,
  forgetNewEmail,
  takeNewEmail,
  waitingEmail,
} from "../../features/users/new-email.ts";
import type { PageContext, PageEnv } from "../context.ts";
import { EMPTY_FORM, emailField, type FormState, type FormStatus, parseForm, submitted } from "../forms.ts";
import { merchantPage } from "../layout.tsx";
import {
  Alert,
  BackToSettings,
  Field,
  FormTrouble,
  kenyaTime,
  PageHead,
  Panel,
  SETTINGS,
  Submit,
} from "../parts.tsx";
import { wrongCurrentPassword } from "../session.ts";

const CONFIRM = `${SETTINGS}/email/confirm`;

const emailPage = async (c: PageContext, form: FormState, status: FormStatus = 200) => {
  const { deps, user } = c.var;
  const waiting = await waitingEmail(deps, user.id);
  return merchantPage(
    c,
    "Change your email address",
    <div class="max-w-md">
      <PageHead
        title="Change your email address"
        lead={`You sign in with it, and our notices go to it. Now it is ${user.email}.`}
      />
      {waiting ? (
        <div class="mb-4">
          <Panel title="Open the link in your mail">
            <p class="mb-3">
              We wrote to <strong>{waiting.email}</strong>. Open the link in that mail by{" "}
              {kenyaTime(waiting.until)}, and press the button there. Until then nothing changes.
            </p>
            <p class="soft mb-3 text-sm">
              No mail after some minutes? Look into your spam folder, and whether the address is written
              right.
            </p>
            <form method="post" action={`${SETTINGS}/email/keep`}>
              <button class="btn btn-sm" type="submit">
                Keep my old address
              </button>
            </form>
          </Panel>
        </div>
      ) : null}
      <Panel {...(waiting ? { title: "Send another link" } : {})}>
        <FormTrouble form={form} />
        <form method="post" action={`${SETTINGS}/email`}>
          {/* Else password managers put the address that is to go into the next field. */}
          <input type="text" name="username" autocomplete="username" value={user.email} readonly hidden />
          <Field
            name="email"
            label="New email address"
            form={form}
            type="email"
            value={waiting?.email}
            autocomplete="email"
            required
            maxlength={254}
            hint="We send a link to it. It becomes your address once you open the link and press the button there."
          />
          <Field
            name="current_password"
            label="Current password"
            form={form}
            type="password"
            autocomplete="current-password"
            required
          />
          <Submit>Send the link</Submit>
        </form>
      </Panel>
      <BackToSettings />
    </div>,
    status,
  );
};

const ConfirmEmail = ({ email, old, token }: { email: string; old: string; token: string }) => (
  <div class="max-w-md">
    <PageHead title="Use this address?" />
    <div class="panel">
      <dl class="mb-4 divide-y divide-base-300">
        {[
          ["New address", email],
          ["Until now", old],
        ].map(([label, address]) => (
          <div class="py-2">
            <dt class="soft text-sm">{label}</dt>
            <dd>{address}</dd>
          </div>
        ))}
      </dl>
      <p class="mb-4">
        From then on you sign in with the new address, and our notices go to it. Every other browser is signed
        out, and we tell the old address.
      </p>
      <form method="post" action={CONFIRM}>
        <input type="hidden" name="token" value={token} />
        <Submit wide>Use the new address</Submit>
      </form>
      <p class="mt-4 text-center text-sm">
        <a class="quiet-link" href={SETTINGS}>
          Not now
        </a>
      </p>
    </div>
  </div>
);

/** What a link says to whoever is signed in, where it does nothing. */
const deadLinkPage = (c: PageContext, message: string) =>
  merchantPage(
    c,
    "This link does not work",
    <div class="max-w-md">
      <PageHead title="This link does not work" />
      <div class="panel">
        <Alert tone="error">{message}</Alert>
        {message === DEAD_LINK ? (
          <p class="mb-4">
            You are signed in as <strong>{c.var.user.email}</strong>. If you asked with another account, sign
            out and open the link again.
          </p>
        ) : null}
        <a class="btn" href={`${SETTINGS}/email`}>
          Ask for a new link
        </a>
      </div>
    </div>,
    400,
  );

const emailForm = z.object({
  email: emailField,
  current_password: z.string("Type it.").min(1, "Type it."),
});

export const emailPages = new Hono<PageEnv>()
  .get("/settings/email", (c) => emailPage(c, EMPTY_FORM))

  /** Answers alike whether the address has an account or not. */
  .post("/settings/email", (c) => {
    const { auth, deps, user } = c.var;
    const ask = async (values: Record<string, string>) => {
      const { email, current_password: password } = parseForm(emailForm, values);
      await throttle(deps, "sign_in_email", user.email);
      await auth.api
        .verifyPassword({ body: { password }, headers: c.req.raw.headers })
        .catch(wrongCurrentPassword);
      await askForNewEmail(deps, user, email);
      return c.redirect(`${SETTINGS}/email`, 303);
    };
    return submitted(c, ask, (form, status) => emailPage(c, form, status));
  })

  .post("/settings/email/keep", async (c) => {
    await forgetNewEmail(c.var.deps, c.var.user.id);
    return c.redirect(`${SETTINGS}?done=email-kept`, 303);
  })

  /** The link's page. It changes nothing: programs open links too, to look for what is harmful. */
  .get("/settings/email/confirm", async (c) => {
    const { deps, user } = c.var;
    const token = c.req.query("token") ?? "";
    const email = await emailOfLink(deps, user.id, token);
    if (email === undefined) return deadLinkPage(c, DEAD_LINK);
    return merchantPage(
      c,
      "Use this address?",
      <ConfirmEmail email={email} old={user.email} token={token} />,
    );
  })

  .post("/settings/email/confirm", (c) => {
    const { deps, merchantId, user, session } = c.var;
    const take = async ({ token = "" }: Record<string, string>) => {
      await takeNewEmail(deps, { user, merchantId, sessionId: session.id }, token);
      return c.redirect(`${SETTINGS}?done=email`, 303);
    };
    return submitted(c, take, (form) => deadLinkPage(c, form.message ?? DEAD_LINK));
  });
