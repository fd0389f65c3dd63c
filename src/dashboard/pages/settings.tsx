import { Hono } from "hono";
import type { Child } from "hono/jsx";
import { z } from "zod";
import { ApiError } from "../../errors.ts";
import { verifiedPhonesOf } from "../../features/account/verified-phones.ts";
import { exportMerchant } from "../../features/personal-data/export.ts";
import { throttle } from "../../features/throttle/throttle.ts";
import { forgetNewEmail, waitingEmail } from "../../features/users/new-email.ts";
import { accountNumber } from "../../lib/ids.ts";
import type { PageContext, PageEnv } from "../context.ts";
import { EMPTY_FORM, type FormState, type FormStatus, parseForm, submitted } from "../forms.ts";
import { merchantPage } from "../layout.tsx";
import { Alert, Badge, Field, FormTrouble, localPhone, PageHead, Panel, Submit, When } from "../parts.tsx";
import { withCookies, wrongCurrentPassword } from "../session.ts";
import { passwordField } from "./join.tsx";

const passwordForm = z.object({ current_password: z.string().min(1, "Type it."), password: passwordField });

/** `Chrome on Android` out of a browser's own long name. */
function browserName(userAgent: string | null | undefined): string {
  const text = userAgent ?? "";
  const browser = /Edg\//.test(text)
    ? "Edge"
    : (/(Firefox|OPR|Chrome|Safari)\//.exec(text)?.[1]?.replace("OPR", "Opera") ?? "A browser");
  const system = /(Android|iPhone|iPad|Windows|Mac OS X|Linux)/.exec(text)?.[1]?.replace("Mac OS X", "Mac");
  return system ? `${browser} on ${system}` : browser;
}

type FactProps = { label: string; change?: { href: string; label: string }; children: Child };

const Fact = ({ label, change, children }: FactProps) => (
  <div class="flex flex-wrap justify-between gap-x-4 py-2">
    <dt class="soft">{label}</dt>
    <dd class="flex flex-wrap items-baseline gap-x-3">
      <span>{children}</span>
      {change ? (
        <a class="quiet-link text-sm" href={change.href} aria-label={change.label}>
          Change
        </a>
      ) : null}
    </dd>
  </div>
);

const TEXTS: Record<string, string> = {
  name: "Your name is saved.",
  email: "Your new email address is saved: sign in with it from now on. Every other browser is signed out.",
  "email-kept": "Your email address stays as it is, and the link that we sent is worthless.",
  password: "Your new password is saved, and every other browser is signed out.",
  session: "That browser is signed out.",
};

async function settingsPage(c: PageContext, form: FormState, status: FormStatus = 200) {
  const { deps, merchantId, merchant, user, auth, session } = c.var;
  const [phones, sessions, waiting] = await Promise.all([
    verifiedPhonesOf(deps, merchantId),
    auth.api.listSessions({ headers: c.req.raw.headers }),
    waitingEmail(deps, user.id),
  ]);
  const done = TEXTS[c.req.query("done") ?? ""];
  return merchantPage(
    c,
    "Settings",
    <>
      <PageHead title="Settings" />
      {done ? <Alert tone="success">{done}</Alert> : null}
      <div class="grid gap-4 lg:grid-cols-2">
        <Panel title="Your account">
          <dl class="divide-y divide-base-300">
            <Fact label="Name" change={{ href: "/dashboard/settings/name", label: "Change your name" }}>
              {merchant.fullname}
            </Fact>
            <Fact
              label="Email"
              change={{ href: "/dashboard/settings/email", label: "Change your email address" }}
            >
              {user.email}
            </Fact>
            {waiting ? (
              <Fact label="New email">
                <span class="block">{waiting.email}</span>
                <span class="soft block text-sm">Waits for you to open the link in our mail to it.</span>
              </Fact>
            ) : null}
            <Fact label="Account number">{accountNumber(merchantId)}</Fact>
          </dl>
        </Panel>
        <Panel title="Verified phones">
          {phones.length === 0 ? <p class="soft mb-3">None yet.</p> : null}
          <ul class="mb-3 divide-y divide-base-300">
            {phones.map(({ phone, verifiedAt }) => (
              <li class="flex flex-wrap justify-between gap-x-4 py-2">
                <span class="tabular-nums">{localPhone(phone)}</span>
                <span class="soft text-sm">
                  <When at={verifiedAt} />
                </span>
              </li>
            ))}
          </ul>
          <a class="btn btn-sm" href="/dashboard/verify-phone">
            Verify a phone
          </a>
        </Panel>
        <Panel title="Password">
          <FormTrouble form={form} />
          <form method="post" action="/dashboard/settings/password">
            {/* For password managers, which file a password under a name. */}
            <input type="text" name="username" autocomplete="username" value={user.email} readonly hidden />
            <Field
              name="current_password"
              label="Current password"
              form={form}
              type="password"
              autocomplete="current-password"
              required
            />
            <Field
              name="password"
              label="New password"
              form={form}
              type="password"
              autocomplete="new-password"
              required
            />
            <Submit>Change it</Submit>
          </form>
        </Panel>
        <Panel title="Signed in">
          <ul class="divide-y divide-base-300">
            {sessions.map((each) => (
              <li class="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 py-2">
                <span>
                  <span class="block">{browserName(each.userAgent)}</span>
                  <span class="soft text-sm">
                    since <When at={each.createdAt.getTime()} />
                  </span>
                </span>
                {each.id === session.id ? (
                  <Badge tone="neutral">This browser</Badge>
                ) : (
                  <form method="post" action={`/dashboard/settings/sessions/${each.id}/end`}>
                    <button class="btn btn-sm" type="submit">
                      Sign out
                    </button>
                  </form>
                )}
              </li>
            ))}
          </ul>
        </Panel>
        <Panel title="Your data">
          <p class="mb-3">
            All that is kept of you in one JSON file: your account, keys, payments, payouts, SMS and
            statements. To have it erased, pay your wallet out and write to us.
          </p>
          <a class="btn" href="/dashboard/settings/export" download>
            Download your data
          </a>
        </Panel>
      </div>
    </>,
    status,
  );
}

export const settingsPages = new Hono<PageEnv>()
  .get("/settings", (c) => settingsPage(c, EMPTY_FORM))

  .post("/settings/password", (c) => {
    const { auth, deps, user } = c.var;
    const change = async (values: Record<string, string>) => {
      const { current_password: currentPassword, password: newPassword } = parseForm(passwordForm, values);
      await throttle(deps, "sign_in_email", user.email);
      const { headers } = await auth.api
        .changePassword({
          body: { currentPassword, newPassword, revokeOtherSessions: true },
          headers: c.req.raw.headers,
          returnHeaders: true,
        })
        .catch(wrongCurrentPassword);
      await forgetNewEmail(deps, user.id);
      return withCookies(c.redirect("/dashboard/settings?done=password", 303), headers);
    };
    return submitted(c, change, (form, status) => settingsPage(c, form, status));
  })

  .get("/settings/export", async (c) => {
    const { deps, merchantId } = c.var;
    const body = await exportMerchant(deps, merchantId);
    if (!body) throw new ApiError("NOT_FOUND");
    return c.body(body, 200, {
      "Content-Type": "application/json",
      "Content-Disposition": `attachment; filename="${accountNumber(merchantId)}.json"`,
    });
  })

  /** Sessions are named by their id: their token never stands in a page. */
  .post("/settings/sessions/:id/end", async (c) => {
    const { auth } = c.var;
    const { headers } = c.req.raw;
    const sessions = await auth.api.listSessions({ headers });
    const ended = sessions.find(({ id }) => id === c.req.param("id"));
    if (!ended) throw new ApiError("NOT_FOUND");
    await auth.api.revokeSession({ body: { token: ended.token }, headers });
    return c.redirect("/dashboard/settings?done=session", 303);
  });
