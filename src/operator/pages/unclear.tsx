import { Hono } from "hono";
import type { Child } from "hono/jsx";
import type { PageEnv } from "../../dashboard/context.ts";
import { EMPTY_FORM, type FormState, parseForm, submitted } from "../../dashboard/forms.ts";
import {
  Alert,
  Badge,
  Empty,
  Field,
  FormTrouble,
  kes,
  localPhone,
  PageHead,
  Panel,
  When,
} from "../../dashboard/parts.tsx";
import { ApiError } from "../../errors.ts";
import { accountOf } from "../../features/account/merchants.ts";
import { describeDestination, storedDestination } from "../../features/keys/destination.ts";
import { applyRuling, withdrawRuling } from "../../features/rulings/apply.ts";
import {
  AT_MOST,
  listRulings,
  listUnclear,
  readRulingFacts,
  readRulingWithEffect,
  readSubject,
  type Subject,
} from "../../features/rulings/list.ts";
import { propose } from "../../features/rulings/propose.ts";
import { callbackSubject } from "../../features/rulings/rules.ts";
import { proposalOf, rulingRequest } from "../contract.ts";
import { by, consolePage } from "./frame.tsx";
import { ago, Cut, Facts, Reason, Row, Rows } from "./parts.tsx";

const pageOf = (subject: string) => `/operator/unclear/${encodeURIComponent(subject)}`;

const Look = ({ subject }: { subject: string }) => (
  <a class="btn btn-sm" href={pageOf(subject)}>
    Rule on it
  </a>
);

type Waiting = Awaited<ReturnType<typeof listUnclear>>;
type Rulings = Awaited<ReturnType<typeof listRulings>>;

const DECISIONS: Record<string, string> = {
  paid: "paid",
  not_paid: "not paid",
  attach: "attach to another payment",
  dismiss: "put aside",
};

const Unclear = ({ waiting, proposals, now }: { waiting: Waiting; proposals: Rulings; now: number }) => (
  <>
    <PageHead
      title="Unclear"
      lead="What M-Pesa left open. Compare it with M-Pesa's own statement before you rule; each ruling is proposed first, and applied then."
    />
    <div class="grid gap-4">
      {proposals.length > 0 ? (
        <Panel title="Proposed">
          <Rows>
            {proposals.map((ruling) => (
              <Row
                end={
                  <a class="btn btn-sm btn-primary" href={`/operator/rulings/${ruling.id}`}>
                    Decide
                  </a>
                }
              >
                <span class="mono">{ruling.subject}</span>
                <span>{DECISIONS[ruling.decision]}</span>
                <span class="soft">{ruling.reason}</span>
              </Row>
            ))}
          </Rows>
          <Cut count={proposals.length} at={AT_MOST} />
        </Panel>
      ) : null}
      <Panel title="Payouts without an answer" id="payouts">
        {waiting.payouts.length === 0 ? (
          <Empty>None.</Empty>
        ) : (
          <Rows>
            {waiting.payouts.map((payout) => (
              <Row end={<Look subject={payout.id} />}>
                <span class="w-28 font-medium tabular-nums">{kes(payout.amount)}</span>
                <span>{describeDestination(storedDestination(payout.destination))}</span>
                <Badge tone="warning">{payout.status === "sending" ? "not acknowledged" : "no result"}</Badge>
                <span class="soft text-sm">{payout.sentAt ? `sent ${ago(payout.sentAt, now)} ago` : ""}</span>
              </Row>
            ))}
          </Rows>
        )}
        <Cut count={waiting.payouts.length} at={AT_MOST} />
      </Panel>
      <Panel title="Payments without an answer" id="payments">
        {waiting.payments.length === 0 ? (
          <Empty>None.</Empty>
        ) : (
          <Rows>
            {waiting.payments.map((payment) => (
              <Row end={<Look subject={payment.id} />}>
                <span class="w-28 font-medium tabular-nums">{kes(payment.amount)}</span>
                <span class="tabular-nums">{localPhone(payment.phone)}</span>
                <span class="soft">{payment.accountReference}</span>
                <Badge tone="warning">
                  {payment.acknowledgement === "accepted" ? "no result" : "not acknowledged"}
                </Badge>
                <span class="soft text-sm">{`begun ${ago(payment.createdAt, now)} ago`}</span>
              </Row>
            ))}
          </Rows>
        )}
        <Cut count={waiting.payments.length} at={AT_MOST} />
      </Panel>
      <Panel title="Callbacks that do not fit" id="callbacks">
        {waiting.callbacks.length === 0 ? (
          <Empty>None.</Empty>
        ) : (
          <Rows>
            {waiting.callbacks.map((callback) => (
              <Row end={<Look subject={callbackSubject(callback)} />}>
                <Badge tone="error">{(callback.verdict ?? "not judged").replaceAll("_", " ")}</Badge>
                <span class="mono">{callback.reference}</span>
                <span class="soft text-sm">{`came ${ago(callback.receivedAt, now)} ago`}</span>
              </Row>
            ))}
          </Rows>
        )}
        <Cut count={waiting.callbacks.length} at={AT_MOST} />
      </Panel>
      <Panel title="Another one">
        <form method="get" action="/operator/unclear/find" class="flex flex-wrap gap-2">
          <label class="sr-only" for="subject">
            A payment's or payout's id
          </label>
          <input
            id="subject"
            name="subject"
            class="input mono w-full max-w-md"
            placeholder="tx_… or po_…"
            required
          />
          <button class="btn" type="submit">
            Look at it
          </button>
        </form>
      </Panel>
    </div>
  </>
);

function factsOf({ payment, payout, callback, merchantId, merchantName }: Subject): [string, Child][] {
  const merchant: [string, Child] = [
    "Merchant",
    <a class="quiet-link" href={`/operator/merchants/${accountOf(merchantId)}`}>
      {`${merchantName}, ${accountOf(merchantId)}`}
    </a>,
  ];
  if (payment) {
    return [
      ["Amount", kes(payment.amount)],
      ["Phone", localPhone(payment.phone)],
      ["Reference", payment.accountReference],
      ["State", payment.resultDesc ? `${payment.status}: ${payment.resultDesc}` : payment.status],
      ["M-Pesa said", payment.acknowledgement ?? "nothing"],
      ["Checkout id", <span class="mono">{payment.checkoutRequestId ?? "not known"}</span>],
      ["Receipt", <span class="mono">{payment.mpesaReceipt ?? "–"}</span>],
      ["Money goes to", describeDestination(storedDestination(payment.destination))],
      merchant,
      ["Begun", <When at={payment.createdAt} />],
    ];
  }
  if (payout) {
    return [
      ["Amount", kes(payout.amount)],
      ["Fee", kes(payout.fee)],
      ["To", describeDestination(storedDestination(payout.destination))],
      ["By", payout.channel.toUpperCase()],
      ["State", payout.status],
      ["Attempt", String(payout.attempt)],
      ["M-Pesa's id", <span class="mono">{payout.conversationId ?? "not known"}</span>],
      merchant,
      ["Sent", <When at={payout.sentAt} />],
    ];
  }
  return [
    ["Why it does not fit", (callback?.verdict ?? "").replaceAll("_", " ")],
    ["Came to the URL of", <span class="mono">{callback?.reference}</span>],
    merchant,
    ["Came", <When at={callback?.receivedAt ?? null} />],
    ["Body", <pre class="mono whitespace-pre-wrap break-all">{callback?.body}</pre>],
  ];
}

const Choice = ({
  name,
  value,
  form,
  children,
}: {
  name: string;
  value: string;
  form: FormState;
  children: Child;
}) => (
  <label class="mb-2 flex items-start gap-2">
    <input
      type="radio"
      class="radio radio-sm mt-0.5"
      name={name}
      value={value}
      checked={form.values[name] === value}
      required
    />
    <span>{children}</span>
  </label>
);

const Decisions = ({ subject, form }: { subject: Subject; form: FormState }) =>
  subject.callback ? (
    <>
      <fieldset class="mb-4">
        <legend class="mb-2 text-sm font-medium">Ruling</legend>
        <Choice name="decision" value="dismiss" form={form}>
          Put it aside: nothing is credited.
        </Choice>
        <Choice name="decision" value="attach" form={form}>
          Attach it to a payment whose checkout id and amount it tells.
        </Choice>
      </fieldset>
      <Field
        name="attach_to"
        label="Payment, if it is attached"
        form={form}
        value={subject.callback.reference}
        hint="Its receipt must be unused. What does not agree cannot be attached."
      />
    </>
  ) : (
    <>
      <fieldset class="mb-4">
        <legend class="mb-2 text-sm font-medium">Ruling</legend>
        <Choice name="decision" value="paid" form={form}>
          Paid: M-Pesa's statement has it, with a receipt.
        </Choice>
        <Choice name="decision" value="not_paid" form={form}>
          {subject.payout
            ? "Not paid: the money goes back into the merchant's wallet, and is not sent again."
            : "Not paid: it counts as failed, unless M-Pesa proves it later."}
        </Choice>
      </fieldset>
      <Field
        name="receipt"
        label="M-Pesa's receipt, if it was paid"
        form={form}
        placeholder="UKO4K7PQ2X"
        maxlength={12}
      />
    </>
  );

const SubjectPage = ({ id, subject, form }: { id: string; subject: Subject; form: FormState }) => (
  <>
    <PageHead
      title={
        subject.payment ? "Unclear payment" : subject.payout ? "Unclear payout" : "Callback that does not fit"
      }
      lead={<span class="mono">{id}</span>}
    />
    <div class="grid gap-4 lg:grid-cols-2 lg:items-start">
      <Panel title="What we know">
        <Facts of={factsOf(subject)} />
      </Panel>
      <Panel title="Propose a ruling">
        <FormTrouble form={form} />
        <form method="post" action={pageOf(id)}>
          <Decisions subject={subject} form={form} />
          <Reason form={form} hint="What you compared it with." />
          <button class="btn btn-primary" type="submit">
            See what it would do
          </button>
        </form>
      </Panel>
    </div>
  </>
);

const STATUS = { proposed: "info", applied: "success", withdrawn: "neutral", void: "warning" } as const;

type Read = Awaited<ReturnType<typeof readRulingWithEffect>> & Awaited<ReturnType<typeof readRulingFacts>>;

const RulingPage = ({ ruling, effect, subject, target, nameOf }: Read) => (
  <div class="max-w-2xl">
    <PageHead
      title={`Ruling: ${DECISIONS[ruling.decision]}`}
      lead={
        <a class="quiet-link mono" href={pageOf(ruling.subject)}>
          {ruling.subject}
        </a>
      }
    />
    <Panel>
      <p class="mb-3">
        <Badge tone={STATUS[ruling.status]}>{ruling.status}</Badge>{" "}
        {ruling.outcome ? <span>{ruling.outcome}</span> : null}
      </p>
      <Facts
        of={[
          ["Reason", ruling.reason],
          ...(ruling.receipt
            ? ([["Receipt", <span class="mono">{ruling.receipt}</span>]] as [string, Child][])
            : []),
          ["Proposed", <Who at={ruling.proposedAt} name={nameOf(ruling.proposedBy)} />],
          ...(ruling.decidedBy === null
            ? []
            : ([["Decided", <Who at={ruling.decidedAt} name={nameOf(ruling.decidedBy)} />]] as [
                string,
                Child,
              ][])),
        ]}
      />
      {effect?.possible ? (
        <>
          <h2 class="mt-5 mb-2">This will happen</h2>
          <ul class="mb-3 list-disc pl-5">
            {effect.summary.map((line) => (
              <li>{line}</li>
            ))}
          </ul>
          {effect.transfers.length > 0 ? (
            <ul class="mb-4 rounded-box bg-base-200 p-3">
              {effect.transfers.map(({ debit, credit, amount }) => (
                <li class="flex flex-wrap justify-between gap-x-4">
                  <span class="mono">{`${debit} → ${credit}`}</span>
                  <span class="font-medium tabular-nums">{kes(amount)}</span>
                </li>
              ))}
            </ul>
          ) : null}
        </>
      ) : null}
      {effect && !effect.possible ? (
        <div class="mt-4">
          <Alert tone="warning">{`It cannot be applied now. ${effect.why}`}</Alert>
        </div>
      ) : null}
      {ruling.status === "proposed" ? (
        <div class="mt-4 flex flex-wrap gap-2">
          <form method="post" action={`/operator/rulings/${ruling.id}/apply`}>
            <button class="btn btn-primary" type="submit" disabled={effect?.possible ? undefined : true}>
              Apply it
            </button>
          </form>
          <form method="post" action={`/operator/rulings/${ruling.id}/withdraw`}>
            <button class="btn" type="submit">
              Take it back
            </button>
          </form>
        </div>
      ) : null}
    </Panel>
    <div class="mt-4 grid gap-4">
      <Panel title={subject.callback ? "The callback" : subject.payout ? "The payout" : "The payment"}>
        <Facts of={factsOf(subject)} />
      </Panel>
      {target ? (
        <Panel title="The payment that it is attached to">
          <p class="mono mb-2">{ruling.attachTo}</p>
          <Facts of={factsOf(target)} />
        </Panel>
      ) : null}
    </div>
  </div>
);

const Who = ({ at, name }: { at: number | null; name: string }) => (
  <>
    <When at={at} />
    {`, by ${name}`}
  </>
);

export const unclearPages = new Hono<PageEnv>()
  .get("/unclear", async (c) => {
    const { deps } = c.var;
    const [waiting, proposals] = await Promise.all([listUnclear(deps), listRulings(deps, "proposed")]);
    return consolePage(c, "Unclear", <Unclear waiting={waiting} proposals={proposals} now={deps.now()} />);
  })
  .get("/unclear/find", (c) => c.redirect(pageOf((c.req.query("subject") ?? "").trim())))
  .get("/unclear/:subject", async (c) => {
    const id = c.req.param("subject");
    const subject = await readSubject(c.var.deps, id);
    return consolePage(c, "Ruling", <SubjectPage id={id} subject={subject} form={EMPTY_FORM} />);
  })
  .post("/unclear/:subject", (c) => {
    const id = c.req.param("subject");
    const proposeIt = async (values: Record<string, string>) => {
      const asked = parseForm(rulingRequest, { ...values, subject: id });
      const { ruling } = await propose(c.var.deps, proposalOf(asked), by(c, asked.reason));
      return c.redirect(`/operator/rulings/${ruling.id}`, 303);
    };
    return submitted(c, proposeIt, async (form, status) => {
      const subject = await readSubject(c.var.deps, id);
      return consolePage(c, "Ruling", <SubjectPage id={id} subject={subject} form={form} />, status);
    });
  })
  .get("/rulings/:id", async (c) => {
    const read = await readRulingWithEffect(c.var.deps, c.req.param("id"));
    const facts = await readRulingFacts(c.var.deps, read.ruling);
    return consolePage(c, "Ruling", <RulingPage {...read} {...facts} />);
  })
  .post("/rulings/:id/apply", async (c) => {
    const id = c.req.param("id");
    const done = await applyRuling(c.var.deps, id, by(c, "")).then(() => "?done=applied", overtaken);
    return c.redirect(`/operator/rulings/${id}${done}`, 303);
  })
  .post("/rulings/:id/withdraw", async (c) => {
    const id = c.req.param("id");
    const done = await withdrawRuling(c.var.deps, id, by(c, "")).then(() => "?done=withdrawn", overtaken);
    return c.redirect(`/operator/rulings/${id}${done}`, 303);
  });

/** Its own page says what became of it instead. */
function overtaken(error: unknown): string {
  if (error instanceof ApiError && error.code === "RULING_CONFLICT") return "";
  throw error;
}
