import { type Context, Hono } from "hono";
import type { Child } from "hono/jsx";
import { ApiError } from "../../errors.ts";
import { BANKS } from "../../features/keys/banks.ts";
import { createRequest, destinationRequest, notificationsRequest } from "../../features/keys/contract.ts";
import {
  type Destination,
  isMethod,
  METHOD_FIELDS,
  type Method,
  storedDestination,
} from "../../features/keys/destination.ts";
import { readKey } from "../../features/keys/read.ts";
import { regenerateKey } from "../../features/keys/regenerate.ts";
import { removeKey } from "../../features/keys/remove.ts";
import { renameKey } from "../../features/keys/rename.ts";
import { setDefault } from "../../features/keys/set-default.ts";
import { setDestination } from "../../features/keys/set-destination.ts";
import { setNotifications } from "../../features/keys/set-notifications.ts";
import type { StoredKey } from "../../features/keys/store.ts";
import { rotateWebhookSecret } from "../../features/keys/webhook-secret.ts";
import { callsRemaining, isActive } from "../../features/subscriptions/rules.ts";
import { sendTestEvent } from "../../features/webhooks/test-event.ts";
import { type KeyId, parseKeyId } from "../../lib/ids.ts";
import type { PageContext, PageEnv } from "../context.ts";
import { EMPTY_FORM, type FormState, type FormStatus, parseForm, submitted } from "../forms.ts";
import { isSuspended, Support } from "../keys-parts.tsx";
import { merchantPage } from "../layout.tsx";
import {
  Alert,
  Badge,
  Copyable,
  Dialog,
  Field,
  FormTrouble,
  PageHead,
  Panel,
  Submit,
  When,
  whole,
} from "../parts.tsx";
import { NewKey, Snippets } from "./api-parts.tsx";

const METHODS: Record<Method, { label: string; hint: string }> = {
  wallet: { label: "My SmartPay wallet", hint: "It waits there until you withdraw it." },
  phone: { label: "An M-Pesa number", hint: "Paid on to this phone as soon as it arrives." },
  paybill: { label: "A paybill", hint: "To a business number and account." },
  till: { label: "A till", hint: "To a Buy Goods till." },
  bankpaybill: { label: "A bank account", hint: "Through the bank's own paybill." },
};

const BANK_OPTIONS = [...BANKS].map(([code, name]) => ({ code, name }));

type Fields = Record<string, string | undefined>;

const MethodFields = ({ method, form, at }: { method: Method; form: FormState; at: Fields }) => {
  const field = (
    name: string,
    label: string,
    more: { hint?: string; inputmode?: "numeric" | "tel" } = {},
  ) => <Field name={name} label={label} form={form} value={at[name]} {...more} />;
  switch (method) {
    case "wallet":
      return null;
    case "phone":
      return field("phone", "M-Pesa number", { inputmode: "tel" });
    case "paybill":
      return (
        <>
          {field("paybill_number", "Business number", { inputmode: "numeric" })}
          {field("account_number", "Account number")}
        </>
      );
    case "till":
      return field("till_number", "Till number", { inputmode: "numeric" });
    case "bankpaybill":
      return (
        <>
          <div class="mb-4">
            <label class="mb-1 block text-sm font-medium" for="bank_code">
              Bank
            </label>
            <select id="bank_code" name="bank_code" class="select w-full">
              {BANK_OPTIONS.map(({ code, name }) => (
                <option value={code} selected={code === (form.values.bank_code ?? at.bank_code)}>
                  {name}
                </option>
              ))}
            </select>
          </div>
          {field("bank_account", "Account number")}
        </>
      );
  }
};

/** Each method with its own fields, which show when it is chosen: by the style sheet, without a script. */
const DestinationForm = ({ apiKey, form }: { apiKey: StoredKey; form: FormState }) => {
  const stored: Destination = storedDestination(apiKey.destination);
  const at: Fields = { ...stored };
  const chosen = form.values.method ?? stored.method;
  return (
    <form method="post" action={`/dashboard/api/${apiKey.id}/destination`}>
      <FormTrouble form={form} />
      <fieldset class="mb-4">
        <legend class="mb-2 text-sm font-medium">Where payments land</legend>
        {Object.entries(METHODS).map(([method, { label, hint }]) => (
          <div class="group border-b border-base-300 py-2 last:border-0">
            <label class="flex cursor-pointer items-start gap-3">
              <input
                class="radio radio-sm radio-primary mt-0.5"
                type="radio"
                name="method"
                value={method}
                checked={method === chosen}
              />
              <span>
                <span class="block font-medium">{label}</span>
                <span class="soft block text-sm">{hint}</span>
              </span>
            </label>
            <div class="ml-8 mt-3 hidden max-w-sm group-has-[input[type=radio]:checked]:block">
              {isMethod(method) ? <MethodFields method={method} form={form} at={at} /> : null}
            </div>
          </div>
        ))}
      </fieldset>
      <Field
        name="callbackurl"
        label="Callback URL"
        form={form}
        value={apiKey.callbackUrl}
        placeholder="https://myapp.com/mpesa/callback"
        hint="Your server hears of each result here, the moment it is known. Leave it empty for none."
      />
      <Submit>Save</Submit>
    </form>
  );
};

/** The forms of a key's page that can be refused, by their name. */
type Forms = Partial<Record<"destination" | "notifications" | "rename", FormState>>;

const Told = ({ done }: { done: string | undefined }) => {
  const texts: Record<string, string> = {
    destination: "Saved. New payments go there from now on; those under way keep their old destination.",
    notifications: "Saved.",
    rename: "The key has its new name.",
    default: "This is your default key now.",
    secret: "The webhook secret is new. The old one signs too for 24 hours.",
    test: "A test event is on its way. See below what your server answered.",
  };
  const text = done === undefined ? undefined : texts[done];
  return text ? <Alert tone="success">{text}</Alert> : null;
};

const Row = ({ label, children }: { label: string; children: Child }) => (
  <div class="flex flex-wrap justify-between gap-x-4 py-1">
    <dt class="soft">{label}</dt>
    <dd>{children}</dd>
  </div>
);

async function keyPage(c: PageContext, forms: Forms = {}, status: FormStatus = 200) {
  const { deps, merchantId } = c.var;
  const key = await readKey(deps, merchantId, keyIdOf(c));
  const now = deps.now();
  const base = `/dashboard/api/${key.id}`;
  return merchantPage(
    c,
    key.name,
    <>
      <PageHead title={key.name} lead={<span class="mono">{key.hint}</span>}>
        {key.isDefault ? (
          <Badge tone="neutral">Default key</Badge>
        ) : (
          <form method="post" action={`${base}/default`}>
            <button class="btn btn-sm" type="submit">
              Make it the default
            </button>
          </form>
        )}
      </PageHead>
      <Told done={c.req.query("done")} />
      {isSuspended(key) ? (
        <Alert tone="error">
          This key is suspended: it sends no more prompts. Write to{" "}
          <Support address={deps.config.supportEmail} /> to have it lifted.
        </Alert>
      ) : null}
      <div class="grid gap-4 xl:grid-cols-[1fr_22rem]">
        <div class="grid content-start gap-4">
          <Panel title="Destination">
            <DestinationForm apiKey={key} form={forms.destination ?? EMPTY_FORM} />
          </Panel>
          <Panel title="Webhook" id="webhook">
            <p class="soft mb-3">
              Each result is signed with this secret, so that your server can tell it from a forgery.{" "}
              <a class="quiet-link" href="/docs/webhooks">
                How to check it
              </a>
            </p>
            <details class="mb-4">
              <summary class="quiet-link cursor-pointer">Show the secret</summary>
              <div class="mt-3">
                <Copyable id="webhook-secret" label="Webhook secret" value={key.webhookSecret} />
              </div>
            </details>
            <div class="flex flex-wrap gap-2">
              <form method="post" action={`${base}/test-webhook`}>
                <button class="btn btn-sm" type="submit" disabled={key.callbackUrl === ""}>
                  Send a test event
                </button>
              </form>
              <Dialog
                id="rotate"
                label="New secret"
                title="Make a new webhook secret?"
                action={`${base}/webhook-secret`}
                confirm="Make it"
              >
                Both sign for 24 hours, so that you can change your server without losing an event.
              </Dialog>
              <a class="btn btn-sm" href="/dashboard/api/webhooks">
                Deliveries
              </a>
            </div>
          </Panel>
          <Panel title="Code">
            <Snippets baseUrl={deps.config.publicBaseUrl} />
          </Panel>
        </div>
        <div class="grid content-start gap-4">
          <Panel title="About this key">
            <dl class="divide-y divide-base-300 text-sm">
              <Row label="Number">{key.id}</Row>
              <Row label="Plan">{isActive(key, now) ? key.plan : "none"}</Row>
              <Row label="Calls left">{whole(callsRemaining(key, now))}</Row>
              <Row label="Good until">{isActive(key, now) ? <When at={key.expiresAt} /> : "–"}</Row>
              <Row label="May do">{key.scope === "full" ? "everything" : "payments and SMS"}</Row>
              <Row label="Made">
                <When at={key.createdAt} />
              </Row>
              <Row label="Last used">
                <When at={key.lastUsedAt} />
              </Row>
            </dl>
            {isSuspended(key) ? null : (
              <a class="btn btn-sm mt-3" href={`/dashboard/plan?key=${key.id}`}>
                Buy a plan for it
              </a>
            )}
          </Panel>
          <Panel title="Tell me of every payment">
            <form method="post" action={`${base}/notifications`}>
              <FormTrouble form={forms.notifications ?? EMPTY_FORM} />
              <Field
                name="notify_email"
                label="By email"
                form={forms.notifications ?? EMPTY_FORM}
                value={key.notifyEmail}
                inputmode="email"
              />
              <Field
                name="notify_phone"
                label="By SMS"
                form={forms.notifications ?? EMPTY_FORM}
                value={key.notifyPhone}
                inputmode="tel"
                hint="A credit each."
              />
              <Submit>Save</Submit>
            </form>
          </Panel>
          <Panel title="Name">
            <form method="post" action={`${base}/rename`}>
              <FormTrouble form={forms.rename ?? EMPTY_FORM} />
              <Field
                name="name"
                label="Name"
                form={forms.rename ?? EMPTY_FORM}
                value={key.name}
                maxlength={80}
                required
              />
              <Submit>Rename</Submit>
            </form>
          </Panel>
          <Panel title="Replace or delete">
            <div class="flex flex-wrap gap-2">
              <Dialog
                id="regenerate"
                label="Regenerate"
                title="Make a new key in its place?"
                action={`${base}/regenerate`}
                confirm="Regenerate"
              >
                The old key stops at once, in every app that uses it. Plan, destination and history stay.
              </Dialog>
              {key.isDefault ? null : (
                <Dialog
                  id="delete"
                  label="Delete"
                  title={`Delete “${key.name}”?`}
                  action={`${base}/delete`}
                  confirm="Delete"
                >
                  It stops at once, and the calls it has left are lost. Its payments stay in your history.
                </Dialog>
              )}
            </div>
            {key.isDefault ? (
              <p class="soft mt-2 text-sm">
                The default key cannot be deleted. Make another one the default first.
              </p>
            ) : null}
          </Panel>
        </div>
      </div>
    </>,
    status,
  );
}

/** @throws NOT_FOUND for what cannot be a key's id. */
function keyIdOf(c: Context): KeyId {
  const id = parseKeyId(c.req.param("id") ?? "");
  if (id === undefined) throw new ApiError("NOT_FOUND");
  return id;
}

/** Runs a form of the key's page, and shows the page again: with what was done, or with what is wrong. */
function submit(
  c: PageContext,
  name: keyof Forms,
  run: (values: Record<string, string>) => Promise<unknown>,
) {
  const save = async (values: Record<string, string>) => {
    await run(values);
    return c.redirect(`/dashboard/api/${keyIdOf(c)}?done=${name}`, 303);
  };
  return submitted(c, save, (form, status) => keyPage(c, { [name]: form }, status));
}

/** A destination as the API takes it: the method with its own fields alone. */
function asRequest(values: Record<string, string>): Record<string, string> {
  const { method, callbackurl } = values;
  const own: readonly string[] = isMethod(method) ? METHOD_FIELDS[method] : [];
  const fields = own.map((name) => [name, values[name]?.trim() ?? ""]);
  return { ...Object.fromEntries(fields), ...(method ? { method } : {}), callbackurl: callbackurl ?? "" };
}

export const apiKeyPages = new Hono<PageEnv>()
  .get("/api/:id{[0-9]+}", (c) => keyPage(c))
  .post("/api/:id{[0-9]+}/destination", (c) =>
    submit(c, "destination", (values) => {
      const request = parseForm(destinationRequest, asRequest(values));
      return setDestination(c.var.deps, c.var.merchantId, keyIdOf(c), request);
    }),
  )
  .post("/api/:id{[0-9]+}/notifications", (c) =>
    submit(c, "notifications", (values) =>
      setNotifications(c.var.deps, c.var.merchantId, keyIdOf(c), parseForm(notificationsRequest, values)),
    ),
  )
  .post("/api/:id{[0-9]+}/rename", (c) =>
    submit(c, "rename", (values) =>
      renameKey(c.var.deps, c.var.merchantId, keyIdOf(c), parseForm(createRequest, values).name),
    ),
  )
  .post("/api/:id{[0-9]+}/default", async (c) => {
    await setDefault(c.var.deps, c.var.merchantId, keyIdOf(c));
    return c.redirect(`/dashboard/api/${keyIdOf(c)}?done=default`, 303);
  })
  .post("/api/:id{[0-9]+}/webhook-secret", async (c) => {
    await rotateWebhookSecret(c.var.deps, c.var.merchantId, keyIdOf(c));
    return c.redirect(`/dashboard/api/${keyIdOf(c)}?done=secret#webhook`, 303);
  })
  .post("/api/:id{[0-9]+}/test-webhook", async (c) => {
    const { id } = await sendTestEvent(c.var.deps, c.var.merchantId, keyIdOf(c));
    return c.redirect(`/dashboard/api/webhooks/${id}`, 303);
  })

  /** The new key stands in this answer alone. */
  .post("/api/:id{[0-9]+}/regenerate", async (c) => {
    const { deps, merchantId } = c.var;
    const { key, apiKey } = await regenerateKey(deps, merchantId, keyIdOf(c));
    const { publicBaseUrl } = deps.config;
    return merchantPage(
      c,
      "New key",
      <NewKey apiKey={key} secret={apiKey} baseUrl={publicBaseUrl} title="The key is new" />,
    );
  })
  .post("/api/:id{[0-9]+}/delete", async (c) => {
    await removeKey(c.var.deps, c.var.merchantId, keyIdOf(c));
    return c.redirect("/dashboard/api", 303);
  });
