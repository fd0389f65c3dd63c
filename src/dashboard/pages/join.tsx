import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../../errors.ts";
import { joinAsMerchant } from "../../features/account/join.ts";
import { PLANS } from "../../features/subscriptions/plans.ts";
import { throttle } from "../../features/throttle/throttle.ts";
import { MAX_PASSWORD, MIN_PASSWORD } from "../../features/users/auth-store.ts";
import { clientNetwork } from "../../http/client-ip.ts";
import { plainText } from "../../http/validate.ts";
import type { PageEnv } from "../context.ts";
import { EMPTY_FORM, emailField, type FormState, msisdnField, parseForm, submitted } from "../forms.ts";
import { CardPage, show } from "../layout.tsx";
import { Alert, Copyable, Field, FormTrouble, localPhone, Submit } from "../parts.tsx";
import { authErrorCode, withCookies } from "../session.ts";

const TRIAL = PLANS.Trial;

export const passwordField = z
  .string("Choose a password.")
  .min(MIN_PASSWORD, `Use ${MIN_PASSWORD} characters or more. A few words are easy to remember.`)
  .max(MAX_PASSWORD, `Use at most ${MAX_PASSWORD} characters.`);

export const nameField = z
  .string()
  .trim()
  .min(1, "Type your name, or that of your business.")
  .pipe(plainText(100));

const signUpForm = z.object({
  name: nameField,
  email: emailField,
  phone: msisdnField,
  password: passwordField,
});

const SignUp = ({ form }: { form: FormState }) => (
  <CardPage title="Sign up">
    <h1 class="mb-1">Get paid by M-Pesa</h1>
    <p class="soft mb-6">
      Make an account, and take your first payment in two minutes. The first {TRIAL.calls} are free.
    </p>
    <FormTrouble form={form} />
    <form method="post" action="/signup">
      <Field
        name="name"
        label="Your name or business"
        form={form}
        autocomplete="name"
        required
        maxlength={100}
      />
      <Field
        name="email"
        label="Email"
        form={form}
        type="email"
        autocomplete="email"
        required
        maxlength={254}
      />
      <Field
        name="phone"
        label="Phone"
        form={form}
        type="tel"
        autocomplete="tel"
        required
        placeholder="0712 345 678"
        hint="Your own Safaricom number. We send a code to it, and pay out to it."
      />
      <Field
        name="password"
        label="Password"
        form={form}
        type="password"
        autocomplete="new-password"
        required
        maxlength={MAX_PASSWORD}
        hint={`At least ${MIN_PASSWORD} characters.`}
      />
      <Submit wide>Make my account</Submit>
    </form>
    <p class="soft mt-5 text-sm">
      You have an account?{" "}
      <a class="quiet-link" href="/login">
        Sign in
      </a>
    </p>
  </CardPage>
);

const Welcome = ({ apiKey, phone }: { apiKey: string | undefined; phone: string }) => (
  <CardPage title="Welcome">
    <h1 class="mb-1">Welcome to SmartPay</h1>
    {apiKey ? (
      <>
        <p class="soft mb-4">This is your default API key. Copy it now: it is shown this one time.</p>
        <Copyable id="api-key" label="Your API key" value={apiKey} />
        <Alert tone="warning">
          Keep it like the PIN of your till: in a password manager, never in an app, a web page or a chat. If
          it is lost, make a new one on the API page.
        </Alert>
      </>
    ) : null}
    <h2 class="mb-1">Next: verify your phone</h2>
    <p class="soft mb-4">
      It brings {TRIAL.calls} free calls to this key, good for {TRIAL.days} days.
    </p>
    <form method="post" action="/dashboard/verify-phone">
      <input type="hidden" name="phone" value={phone} />
      <Submit wide>{`Send a code to ${localPhone(phone)}`}</Submit>
    </form>
    <p class="mt-4 text-center text-sm">
      <a class="quiet-link" href="/dashboard">
        Later, show me the dashboard
      </a>
    </p>
  </CardPage>
);

export const joinPages = new Hono<PageEnv>()
  .get("/signup", (c) => show(c, <SignUp form={EMPTY_FORM} />))

  /** Makes the user, the merchant and its default key. The key stands in this answer alone. */
  .post("/signup", (c) => {
    const { deps, auth } = c.var;
    const join = async (values: Record<string, string>) => {
      const { phone, ...person } = parseForm(signUpForm, values);
      await throttle(deps, "sign_up_address", clientNetwork(c.req.raw.headers));
      const signUp = () =>
        auth.api.signUpEmail({ body: { ...person, phone }, headers: c.req.raw.headers, returnHeaders: true });
      // Where another sign-up with the address came in between, the second try says so.
      const { headers, response } = await signUp()
        .catch((error) =>
          authErrorCode(error) === "FAILED_TO_CREATE_USER" ? signUp() : Promise.reject(error),
        )
        .catch(emailIsTaken);
      const { newApiKey } = await joinAsMerchant(deps, response.user);
      return withCookies(await show(c, <Welcome apiKey={newApiKey} phone={phone} />), headers);
    };
    return submitted(c, join, (form, status) => show(c, <SignUp form={form} />, status));
  });

function emailIsTaken(error: unknown): never {
  if (!authErrorCode(error).startsWith("USER_ALREADY_EXISTS")) throw error;
  throw new ApiError("INVALID_FIELD", {
    message: "Something here needs another look.",
    fields: [
      { field: "email", message: "There is an account with this email. Sign in, or choose a new password." },
    ],
  });
}
