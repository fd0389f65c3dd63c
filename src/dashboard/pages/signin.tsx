import { Hono } from "hono";
import { z } from "zod";
import { throttle } from "../../features/throttle/throttle.ts";
import { clientNetwork } from "../../http/client-ip.ts";
import type { PageContext, PageEnv } from "../context.ts";
import { EMPTY_FORM, emailField, type FormState, parseForm, submitted } from "../forms.ts";
import { CardPage, show } from "../layout.tsx";
import { Alert, Field, FormTrouble, Submit } from "../parts.tsx";
import { lockedOut, safeNext, sayInstead, withCookies } from "../session.ts";
import { passwordField } from "./join.tsx";

const signInForm = z.object({ email: emailField, password: z.string().min(1, "Type your password.") });

const SignIn = ({
  form,
  next,
  done,
}: {
  form: FormState;
  next: string | undefined;
  done?: string | undefined;
}) => (
  <CardPage title="Sign in">
    <h1 class="mb-6">Sign in</h1>
    {done ? <Alert tone="success">{done}</Alert> : null}
    <FormTrouble form={form} />
    <form method="post" action="/login">
      {next ? <input type="hidden" name="next" value={next} /> : null}
      <Field name="email" label="Email" form={form} type="email" autocomplete="username" required />
      <Field
        name="password"
        label="Password"
        form={form}
        type="password"
        autocomplete="current-password"
        required
      />
      <Submit wide>Sign in</Submit>
    </form>
    <p class="mt-5 flex flex-wrap justify-between gap-2 text-sm">
      <a class="quiet-link" href="/forgot-password">
        Forgotten your password?
      </a>
      <a class="quiet-link" href="/signup">
        Make an account
      </a>
    </p>
  </CardPage>
);

const SecondFactor = ({ form, next }: { form: FormState; next: string | undefined }) => (
  <CardPage title="Second step">
    <h1 class="mb-1">One more step</h1>
    <p class="soft mb-6">
      Type the six digits that your authenticator app shows, or one of your backup codes.
    </p>
    <FormTrouble form={form} />
    <form method="post" action="/login/second-factor">
      {next ? <input type="hidden" name="next" value={next} /> : null}
      <Field name="code" label="Code" form={form} autocomplete="one-time-code" required maxlength={24} />
      <Submit wide>Go on</Submit>
    </form>
  </CardPage>
);

const Forgotten = ({ form, isSent }: { form: FormState; isSent: boolean }) => (
  <CardPage title="New password">
    <h1 class="mb-1">Choose a new password</h1>
    {isSent ? (
      <Alert tone="success">
        If there is an account with this email, a link is on its way to it. It is good for an hour.
      </Alert>
    ) : (
      <>
        <p class="soft mb-6">We send you a link that lets you choose a new one.</p>
        <FormTrouble form={form} />
        <form method="post" action="/forgot-password">
          <Field name="email" label="Email" form={form} type="email" autocomplete="username" required />
          <Submit wide>Send the link</Submit>
        </form>
      </>
    )}
    <p class="mt-5 text-sm">
      <a class="quiet-link" href="/login">
        Back to the sign-in
      </a>
    </p>
  </CardPage>
);

const Reset = ({ form, token }: { form: FormState; token: string }) => (
  <CardPage title="New password">
    <h1 class="mb-6">Choose a new password</h1>
    <FormTrouble form={form} />
    <form method="post" action="/reset-password">
      <input type="hidden" name="token" value={token} />
      <Field
        name="password"
        label="New password"
        form={form}
        type="password"
        autocomplete="new-password"
        required
      />
      <Submit wide>Save it</Submit>
    </form>
  </CardPage>
);

/** Operators are sent on from there. */
const HOME = "/dashboard";

const redirectWith = (c: PageContext, to: string, headers: Headers) =>
  withCookies(c.redirect(to, 303), headers);

export const signInPages = new Hono<PageEnv>()
  .get("/login", (c) => {
    const done =
      c.req.query("done") === "password" ? "Your new password is saved. Sign in with it." : undefined;
    return show(
      c,
      <SignIn form={EMPTY_FORM} next={safeNext(c.req.query("next"), "") || undefined} done={done} />,
    );
  })

  .post("/login", (c) => {
    const { deps, auth } = c.var;
    const signIn = async (values: Record<string, string>) => {
      const body = parseForm(signInForm, values);
      await throttle(deps, "sign_in_address", clientNetwork(c.req.raw.headers));
      await throttle(deps, "sign_in_email", body.email);
      const { headers, response } = await auth.api
        .signInEmail({ body, headers: c.req.raw.headers, returnHeaders: true })
        .catch(wrongPassword);
      const next = safeNext(values.next, "");
      if ("twoFactorRedirect" in response) {
        return redirectWith(
          c,
          `/login/second-factor${next ? `?next=${encodeURIComponent(next)}` : ""}`,
          headers,
        );
      }
      return redirectWith(c, next || HOME, headers);
    };
    return submitted(c, signIn, (form, status) =>
      show(c, <SignIn form={form} next={form.values.next} />, status),
    );
  })

  .get("/login/second-factor", (c) => show(c, <SecondFactor form={EMPTY_FORM} next={c.req.query("next")} />))

  .post("/login/second-factor", (c) => {
    const { deps, auth } = c.var;
    const check = async (values: Record<string, string>) => {
      await throttle(deps, "second_factor", clientNetwork(c.req.raw.headers));
      const code = (values.code ?? "").replace(/\s/g, "");
      const request = { headers: c.req.raw.headers, returnHeaders: true as const };
      const { headers } = await (/^\d{6}$/.test(code)
        ? auth.api.verifyTOTP({ body: { code }, ...request })
        : auth.api.verifyBackupCode({ body: { code }, ...request })
      )
        .catch(lockedOut)
        .catch(wrongCode);
      return redirectWith(c, safeNext(values.next, HOME), headers);
    };
    return submitted(c, check, (form, status) =>
      show(c, <SecondFactor form={form} next={form.values.next} />, status),
    );
  })

  .post("/logout", async (c) => {
    const { headers } = await c.var.auth.api.signOut({ headers: c.req.raw.headers, returnHeaders: true });
    return redirectWith(c, "/login", headers);
  })

  .get("/forgot-password", (c) => show(c, <Forgotten form={EMPTY_FORM} isSent={false} />))

  /** Answers alike whether there is such an account or not. */
  .post("/forgot-password", (c) => {
    const { deps, auth } = c.var;
    const send = async (values: Record<string, string>) => {
      const { email } = parseForm(z.object({ email: emailField }), values);
      await throttle(deps, "password_reset_address", clientNetwork(c.req.raw.headers));
      await throttle(deps, "password_reset_email", email);
      await auth.api.requestPasswordReset({ body: { email } });
      return show(c, <Forgotten form={EMPTY_FORM} isSent={true} />);
    };
    return submitted(c, send, (form, status) => show(c, <Forgotten form={form} isSent={false} />, status));
  })

  .get("/reset-password", (c) => show(c, <Reset form={EMPTY_FORM} token={c.req.query("token") ?? ""} />))

  .post("/reset-password", (c) => {
    const save = async ({ token = "", ...values }: Record<string, string>) => {
      const { password } = parseForm(z.object({ password: passwordField }), values);
      await c.var.auth.api.resetPassword({ body: { newPassword: password, token } }).catch(staleLink);
      return c.redirect("/login?done=password", 303);
    };
    return submitted(c, save, (form, status) =>
      show(c, <Reset form={form} token={form.values.token ?? ""} />, status),
    );
  });

const wrongPassword = sayInstead(
  /^INVALID_(EMAIL_OR_)?PASSWORD$/,
  "This email and password do not belong together.",
);
const wrongCode = sayInstead(
  /CODE|TWO_FACTOR|TOTP|SESSION|COOKIE/,
  "This code is not right, or too old. If it stays so, sign in again.",
);
const staleLink = sayInstead(/TOKEN/, "This link was used, or is older than an hour. Ask for a new one.");
