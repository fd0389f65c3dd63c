import { Hono } from "hono";
import { raw } from "hono/html";
import { renderSVG } from "uqr";
import type { PageEnv } from "../../dashboard/context.ts";
import { EMPTY_FORM, type FormState, submitted } from "../../dashboard/forms.ts";
import { CardPage, show } from "../../dashboard/layout.tsx";
import { Alert, Copyable, Field, FormTrouble, Submit } from "../../dashboard/parts.tsx";
import { lockedOut, sayInstead, withCookies } from "../../dashboard/session.ts";
import { throttle } from "../../features/throttle/throttle.ts";
import { SECOND_FACTOR } from "./guard.ts";

const AskPassword = ({ form }: { form: FormState }) => (
  <CardPage title="Second factor">
    <h1 class="mb-1">Set up your second factor</h1>
    <p class="soft mb-6">
      An operator signs in with a password and with a code from an authenticator app on a phone. First, your
      password again.
    </p>
    <FormTrouble form={form} />
    <form method="post" action={SECOND_FACTOR}>
      <Field
        name="password"
        label="Password"
        form={form}
        type="password"
        autocomplete="current-password"
        required
      />
      <Submit wide>Go on</Submit>
    </form>
  </CardPage>
);

type Enrolment = { uri: string; backupCodes: string[] };

const Enrol = ({ form, enrolment }: { form: FormState; enrolment: Enrolment | undefined }) => (
  <CardPage title="Second factor">
    {enrolment ? (
      <>
        <h1 class="mb-1">Scan this with your authenticator app</h1>
        <div class="my-4 flex justify-center">
          <div
            class="w-56 rounded-box bg-white p-2"
            role="img"
            aria-label="QR code for the authenticator app"
          >
            {raw(renderSVG(enrolment.uri, { border: 1 }))}
          </div>
        </div>
        <Copyable
          id="totp-secret"
          label="Or type this key into it"
          value={new URL(enrolment.uri).searchParams.get("secret") ?? ""}
        />
        <h2 class="mb-1">Your backup codes</h2>
        <p class="soft mb-2">
          Each signs you in once when the phone is lost. Keep them in a password manager: they are shown this
          one time.
        </p>
        <ul id="backup-codes" class="mono mb-4 grid grid-cols-2 gap-1 rounded-box bg-base-200 p-3">
          {enrolment.backupCodes.map((code) => (
            <li>{code}</li>
          ))}
        </ul>
      </>
    ) : (
      <h1 class="mb-4">Type the code again</h1>
    )}
    <FormTrouble form={form} />
    <form method="post" action={`${SECOND_FACTOR}/code`}>
      <Field
        name="code"
        label="The six digits that the app shows now"
        form={form}
        inputmode="numeric"
        autocomplete="one-time-code"
        required
        maxlength={8}
      />
      <Submit wide>Turn it on</Submit>
    </form>
    {enrolment ? null : (
      <p class="mt-4 text-sm">
        <a class="quiet-link" href={SECOND_FACTOR}>
          Begin anew, with another QR code
        </a>
      </p>
    )}
  </CardPage>
);

const IsOn = () => (
  <CardPage title="Second factor">
    <h1 class="mb-4">Your second factor is on</h1>
    <Alert tone="success">Every sign-in asks for a code of your authenticator app.</Alert>
    <a class="btn btn-primary w-full" href="/operator">
      To the console
    </a>
  </CardPage>
);

export const secondFactorPages = new Hono<PageEnv>()
  .get("/second-factor", (c) =>
    show(c, c.var.user.twoFactorEnabled ? <IsOn /> : <AskPassword form={EMPTY_FORM} />),
  )

  /** Makes a secret and backup codes, which this answer alone shows; nothing is on until a code proves the app. */
  .post("/second-factor", async (c) => {
    const { auth, deps, user } = c.var;
    if (user.twoFactorEnabled) return c.redirect(SECOND_FACTOR, 303);
    const enrol = async ({ password = "" }: Record<string, string>) => {
      await throttle(deps, "sign_in_email", user.email);
      const made = await auth.api
        .enableTwoFactor({ body: { password, method: "totp" }, headers: c.req.raw.headers })
        .catch(sayInstead(/PASSWORD/, "This is not your password."));
      if (made.method !== "totp") throw new Error("better-auth made no TOTP secret");
      const enrolment = { uri: made.totpURI, backupCodes: made.backupCodes };
      return show(c, <Enrol form={EMPTY_FORM} enrolment={enrolment} />);
    };
    return submitted(c, enrol, (form, status) => show(c, <AskPassword form={form} />, status));
  })

  /** Turns it on, and ends every other session: they were begun without it. */
  .post("/second-factor/code", (c) => {
    const { auth, deps, user } = c.var;
    const turnOn = async (values: Record<string, string>) => {
      const code = (values.code ?? "").replace(/\s/g, "");
      await throttle(deps, "second_factor", user.id);
      const { headers } = await auth.api
        .verifyTOTP({ body: { code }, headers: c.req.raw.headers, returnHeaders: true })
        .catch(lockedOut)
        .catch(sayInstead(/CODE|TOTP|TWO_FACTOR/, "This code is not right, or too old."));
      const cookie = headers
        .getSetCookie()
        .map((line) => line.split(";")[0])
        .join("; ");
      if (cookie !== "") await auth.api.revokeOtherSessions({ headers: new Headers({ Cookie: cookie }) });
      return withCookies(c.redirect("/operator?done=second-factor", 303), headers);
    };
    return submitted(c, turnOn, (form, status) =>
      show(c, <Enrol form={form} enrolment={undefined} />, status),
    );
  });
