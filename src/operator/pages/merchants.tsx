import { Hono } from "hono";
import { z } from "zod";
import type { PageEnv } from "../../dashboard/context.ts";
import { EMPTY_FORM, parseForm, typed } from "../../dashboard/forms.ts";
import {
  Badge,
  Empty,
  kes,
  localPhone,
  PageHead,
  Panel,
  Select,
  When,
  whole,
} from "../../dashboard/parts.tsx";
import { ApiError } from "../../errors.ts";
import {
  accountOf,
  listMerchants,
  type MerchantView,
  readMerchant,
} from "../../features/account/merchants.ts";
import { release, suspend } from "../../features/keys/suspend.ts";
import { grant } from "../../features/subscriptions/grant.ts";
import { callsRemaining } from "../../features/subscriptions/rules.ts";
import { randomHex } from "../../lib/hash.ts";
import { parseKeyId } from "../../lib/ids.ts";
import { planNames, reasonField } from "../contract.ts";
import { by, consolePage } from "./frame.tsx";
import { Act, Facts, Row, Rows } from "./parts.tsx";

type List = Awaited<ReturnType<typeof listMerchants>>;

const Merchants = ({ list, q }: { list: List; q: string }) => (
  <>
    <PageHead title="Merchants" />
    <search class="mb-4 block">
      <form method="get" action="/operator/merchants" class="flex gap-2">
        <label class="sr-only" for="q">
          Account number, name or email
        </label>
        <input
          id="q"
          name="q"
          class="input w-full max-w-md"
          value={q}
          placeholder="Account number, name or email"
        />
        <button class="btn" type="submit">
          Search
        </button>
      </form>
    </search>
    <Panel>
      {list.merchants.length === 0 ? (
        <Empty>No merchant fits.</Empty>
      ) : (
        <Rows>
          {list.merchants.map((m) => (
            <Row end={<span class="tabular-nums">{kes(m.balance)}</span>}>
              <a class="quiet-link font-medium" href={`/operator/merchants/${accountOf(m.id)}`}>
                {m.fullname}
              </a>
              <span class="mono soft">{accountOf(m.id)}</span>
              <span class="soft">{m.email}</span>
              {m.suspendedKeys > 0 ? <Badge tone="error">{`${m.suspendedKeys} suspended`}</Badge> : null}
            </Row>
          ))}
        </Rows>
      )}
      {list.nextCursor ? (
        <p class="mt-3">
          <a
            class="quiet-link"
            href={`/operator/merchants?cursor=${list.nextCursor}${q ? `&q=${encodeURIComponent(q)}` : ""}`}
          >
            More
          </a>
        </p>
      ) : null}
    </Panel>
  </>
);

type Key = MerchantView["keys"][number];

const KeyRow = ({ each, account, now }: { each: Key; account: string; now: number }) => {
  const action = (verb: string) => `/operator/merchants/${account}/keys/${each.id}/${verb}`;
  const isSuspended = each.suspendedAt !== null;
  return (
    <Row
      end={
        each.deletedAt !== null ? null : (
          <>
            <Act
              id={`grant-${each.id}`}
              label="Give a plan"
              title={`Give “${each.name}” a plan`}
              action={action("grant")}
              confirm="Give it"
              fields={{ grant: randomHex(16) }}
            >
              <Select
                name="plan"
                label="Plan"
                form={EMPTY_FORM}
                options={planNames.map((name) => ({ value: name, label: name }))}
                value="Starter"
              />
            </Act>
            {isSuspended ? (
              <Act
                id={`release-${each.id}`}
                label="Release"
                title={`Release “${each.name}”`}
                action={action("release")}
                confirm="Release it"
              >
                <p class="mb-4">It may push again at once, and its history of failures begins anew.</p>
              </Act>
            ) : (
              <Act
                id={`suspend-${each.id}`}
                label="Suspend"
                title={`Suspend “${each.name}”`}
                action={action("suspend")}
                confirm="Suspend it"
              >
                <p class="mb-4">
                  It sends no more prompts until it is released. The merchant is told by email.
                </p>
              </Act>
            )}
          </>
        )
      }
    >
      <span class="font-medium">{each.name}</span>
      <span class="mono soft">{each.hint}</span>
      {each.deletedAt !== null ? <Badge tone="neutral">deleted</Badge> : null}
      {isSuspended ? <Badge tone="error">suspended</Badge> : null}
      <span class="soft">
        {each.plan ? `${each.plan}, ${whole(callsRemaining(each, now))} calls left` : "no plan"}
      </span>
      <span class="soft text-sm">{`${whole(each.completedCount)} of ${whole(each.startedCount)} paid`}</span>
    </Row>
  );
};

const Merchant = ({ view, now }: { view: MerchantView; now: number }) => {
  const { merchant, wallet, keys, phones } = view;
  const account = accountOf(merchant.id);
  return (
    <>
      <PageHead title={merchant.fullname} lead={account}>
        <Act
          id="credits"
          label="Give SMS credits"
          title="Give SMS credits"
          action={`/operator/merchants/${account}/credits`}
          confirm="Give them"
          button=""
          fields={{ grant: randomHex(16) }}
        >
          <label class="mb-1 block text-sm font-medium" for="credits-count">
            Credits
          </label>
          <input id="credits-count" name="credits" class="input mb-4 w-full" inputmode="numeric" required />
        </Act>
      </PageHead>
      <div class="grid gap-4">
        <Panel title="Account">
          <Facts
            of={[
              ["Email", merchant.email],
              ["Phones", phones.map(({ phone }) => localPhone(phone)).join(", ") || "none verified"],
              ["Wallet", kes(wallet.balance)],
              ["Held", kes(wallet.held)],
              ["Owed", kes(wallet.owed)],
              ["SMS credits", whole(wallet.smsCredits)],
              ["Since", <When at={merchant.createdAt} />],
            ]}
          />
        </Panel>
        <Panel title="Keys">
          <Rows>
            {keys.map((each) => (
              <KeyRow each={each} account={account} now={now} />
            ))}
          </Rows>
        </Panel>
        <p>
          <a class="quiet-link" href={`/operator/statements?account_number=${account}`}>
            Statements of this merchant
          </a>
        </p>
      </div>
    </>
  );
};

const grantName = z.string().regex(/^[0-9a-f]{32}$/);
const grantForm = z.object({ grant: grantName, plan: z.enum(planNames), reason: reasonField });
const creditsForm = z.object({
  grant: grantName,
  credits: z.coerce.number().int("Type a whole number.").min(1).max(1_000_000),
  reason: reasonField,
});
const whyForm = z.object({ reason: reasonField });

const keyIdOf = (text: string) => {
  const id = parseKeyId(text);
  if (id === undefined) throw new ApiError("NOT_FOUND");
  return id;
};

export const merchantPages = new Hono<PageEnv>()
  .get("/merchants", async (c) => {
    const q = c.req.query("q") ?? "";
    const list = await listMerchants(c.var.deps, { q, cursor: c.req.query("cursor") });
    return consolePage(c, "Merchants", <Merchants list={list} q={q} />);
  })
  .get("/merchants/:account", async (c) => {
    const view = await readMerchant(c.var.deps, c.req.param("account"));
    return consolePage(c, view.merchant.fullname, <Merchant view={view} now={c.var.deps.now()} />);
  })
  .post("/merchants/:account/keys/:id/suspend", async (c) => {
    const { reason } = parseForm(whyForm, await typed(c));
    if (!(await suspend(c.var.deps, keyIdOf(c.req.param("id")), by(c, reason)))) {
      throw new ApiError("NOT_FOUND", { message: "This key is suspended or deleted already." });
    }
    return c.redirect(`/operator/merchants/${c.req.param("account")}?done=suspended`, 303);
  })
  .post("/merchants/:account/keys/:id/release", async (c) => {
    const { reason } = parseForm(whyForm, await typed(c));
    await release(c.var.deps, keyIdOf(c.req.param("id")), by(c, reason));
    return c.redirect(`/operator/merchants/${c.req.param("account")}?done=released`, 303);
  })
  .post("/merchants/:account/keys/:id/grant", async (c) => {
    const { plan, reason, grant: name } = parseForm(grantForm, await typed(c));
    const request = { kind: "plan" as const, keyId: keyIdOf(c.req.param("id")), plan };
    await grant(c.var.deps, request, name, by(c, reason));
    return c.redirect(`/operator/merchants/${c.req.param("account")}?done=granted`, 303);
  })
  .post("/merchants/:account/credits", async (c) => {
    const { credits, reason, grant: name } = parseForm(creditsForm, await typed(c));
    const { merchant } = await readMerchant(c.var.deps, c.req.param("account"));
    const request = { kind: "sms_credits" as const, merchantId: merchant.id, credits };
    await grant(c.var.deps, request, name, by(c, reason));
    return c.redirect(`/operator/merchants/${c.req.param("account")}?done=granted`, 303);
  });
