import { Hono } from "hono";
import { createRequest } from "../../features/keys/contract.ts";
import { createKey } from "../../features/keys/create.ts";
import { describeDestination, storedDestination } from "../../features/keys/destination.ts";
import { readKeys } from "../../features/keys/read.ts";
import type { StoredKey } from "../../features/keys/store.ts";
import { callsRemaining, isActive } from "../../features/subscriptions/rules.ts";
import { counted } from "../../lib/counted.ts";
import type { PageContext, PageEnv } from "../context.ts";
import { EMPTY_FORM, type FormState, type FormStatus, parseForm, submitted } from "../forms.ts";
import { isSuspended } from "../keys-parts.tsx";
import { merchantPage } from "../layout.tsx";
import { Alert, Badge, Field, FormTrouble, PageHead, Panel, Select, Submit, When } from "../parts.tsx";
import { NewKey } from "./api-parts.tsx";

const KeyState = ({ apiKey, now }: { apiKey: StoredKey; now: number }) => {
  if (isSuspended(apiKey)) return <Badge tone="error">Suspended</Badge>;
  if (!isActive(apiKey, now)) return <Badge tone="warning">No plan</Badge>;
  return (
    <Badge tone="success">{`${apiKey.plan}, ${counted(callsRemaining(apiKey, now), "call")} left`}</Badge>
  );
};

const KeyRow = ({ apiKey, now }: { apiKey: StoredKey; now: number }) => (
  <li>
    <a href={`/dashboard/api/${apiKey.id}`} class="-mx-2 block rounded-field px-2 py-3 hover:bg-base-200">
      <span class="flex flex-wrap items-center gap-2">
        <span class="font-medium">{apiKey.name}</span>
        {apiKey.isDefault ? <Badge tone="neutral">Default</Badge> : null}
        {apiKey.scope === "payments" ? <Badge tone="neutral">Payments only</Badge> : null}
        <KeyState apiKey={apiKey} now={now} />
      </span>
      <span class="soft mt-0.5 flex flex-wrap gap-x-4 text-sm">
        <span class="mono">{apiKey.hint}</span>
        <span>{`Pays into ${describeDestination(storedDestination(apiKey.destination))}`}</span>
        <span>
          {"Last used "}
          {apiKey.lastUsedAt === null ? "never" : <When at={apiKey.lastUsedAt} />}
        </span>
      </span>
    </a>
  </li>
);

/** A default key that was never used may have been missed at sign-up. A new one in its place breaks nothing. */
const NotCopied = ({ apiKey }: { apiKey: StoredKey }) => (
  <Alert tone="info">
    <p class="mb-2">
      Your default key was shown when you signed up. If you have not copied it, make it anew:
    </p>
    <form method="post" action={`/dashboard/api/${apiKey.id}/regenerate`}>
      <button class="btn btn-sm" type="submit">
        Show me a new default key
      </button>
    </form>
  </Alert>
);

async function keysPage(c: PageContext, form: FormState, status: FormStatus = 200) {
  const { deps, merchantId } = c.var;
  const keys = await readKeys(deps, merchantId);
  const now = deps.now();
  return merchantPage(
    c,
    "API",
    <>
      <PageHead
        title="API"
        lead="A key is what your code signs in with. Give each app its own, so that one can be stopped without the others."
      >
        <a class="btn" href="/dashboard/api/webhooks">
          Webhooks
        </a>
        <a class="btn" href="/docs">
          Documentation
        </a>
      </PageHead>
      <div class="grid gap-4 xl:grid-cols-[1fr_22rem]">
        <Panel title="Your keys">
          {keys.map((key) => (key.isDefault && key.lastUsedAt === null ? <NotCopied apiKey={key} /> : null))}
          <ul class="divide-y divide-base-300">
            {keys.map((key) => (
              <KeyRow apiKey={key} now={now} />
            ))}
          </ul>
        </Panel>
        <Panel title="A new key">
          <FormTrouble form={form} />
          <form method="post" action="/dashboard/api">
            <Field name="name" label="Name" form={form} required maxlength={80} placeholder="Online shop" />
            <Select
              name="scope"
              label="It may"
              form={form}
              options={[
                { value: "full", label: "do everything" },
                { value: "payments", label: "take payments and send SMS only" },
              ]}
            />
            <Submit>Make the key</Submit>
          </form>
        </Panel>
      </div>
    </>,
    status,
  );
}

export const apiPages = new Hono<PageEnv>()
  .get("/api", (c) => keysPage(c, EMPTY_FORM))

  /** Makes a key, which stands in this answer alone. */
  .post("/api", (c) => {
    const { deps, merchantId } = c.var;
    const create = async (values: Record<string, string>) => {
      const { key, apiKey } = await createKey(deps, merchantId, parseForm(createRequest, values));
      return merchantPage(
        c,
        "New key",
        <NewKey apiKey={key} secret={apiKey} baseUrl={deps.config.publicBaseUrl} title="Your new key" />,
      );
    };
    return submitted(c, create, (form, status) => keysPage(c, form, status));
  });
