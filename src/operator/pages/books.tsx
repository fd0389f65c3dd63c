import { Hono } from "hono";
import type { PageContext, PageEnv } from "../../dashboard/context.ts";
import { EMPTY_FORM, type FormState, parseForm, submitted } from "../../dashboard/forms.ts";
import {
  Alert,
  Badge,
  Empty,
  Field,
  FormTrouble,
  kenyaDay,
  kes,
  localPhone,
  PageHead,
  Panel,
  When,
  whole,
} from "../../dashboard/parts.tsx";
import { ApiError } from "../../errors.ts";
import { accountOf, readMerchant } from "../../features/account/merchants.ts";
import { type ListedAct, listActs } from "../../features/audit/list.ts";
import { previewReversal, recordReversal } from "../../features/ledger/reverse.ts";
import { type LedgerReport, verifyLedger } from "../../features/ledger/verify.ts";
import { type DayStatement, listStatements } from "../../features/reconciliation/statement.ts";
import { parseAccountNumber } from "../../lib/ids.ts";
import { reversalRequest } from "../contract.ts";
import { by, consolePage } from "./frame.tsx";
import { Facts, Reason, Row, Rows } from "./parts.tsx";

const DIFFERENCES = {
  not_in_ledger: "M-Pesa has it, the ledger has not",
  not_in_mpesa: "the ledger has it, M-Pesa's statement has not",
  other_amount: "the amounts differ",
} as const;

const Day = ({ statement: s }: { statement: DayStatement }) => (
  <Panel title={kenyaDay(s.day)}>
    <Facts
      of={[
        ["M-Pesa reported", `${kes(s.payments.mpesa.amount)} in ${whole(s.payments.mpesa.count)} payments`],
        ["Ledger", `${kes(s.payments.ledger.amount)} in ${whole(s.payments.ledger.count)} payments`],
        ["Paid out", `${kes(s.payouts.amount)} in ${whole(s.payouts.count)}, fees ${kes(s.payouts.fees)}`],
        [
          "Differences",
          s.differences.length === 0 ? (
            <Badge tone="success">none</Badge>
          ) : (
            <Badge tone="error">{whole(s.differences.length)}</Badge>
          ),
        ],
      ]}
    />
    {s.differences.length > 0 ? (
      <div class="mt-3">
        <Rows>
          {s.differences.map((d) => (
            <Row
              end={
                d.transaction_id ? (
                  <a class="btn btn-sm" href={`/operator/unclear/${d.transaction_id}`}>
                    Look at it
                  </a>
                ) : null
              }
            >
              <span>{DIFFERENCES[d.kind]}</span>
              <span class="mono">{d.receipt ?? d.transaction_id ?? ""}</span>
              <span class="soft tabular-nums">
                {`M-Pesa ${d.mpesa_amount === null ? "–" : kes(d.mpesa_amount)}, ledger ${d.ledger_amount === null ? "–" : kes(d.ledger_amount)}`}
              </span>
            </Row>
          ))}
        </Rows>
      </div>
    ) : null}
  </Panel>
);

const Report = ({ report }: { report: LedgerReport }) =>
  report.intact ? (
    <>
      <Alert tone="success">{`The books hold: ${whole(report.entries)} entries, sealed up to ${whole(report.sealed_to)}.`}</Alert>
      <Facts
        of={Object.entries(report.balances)
          .filter(([account]) => !account.includes(":"))
          .map(([account, amount]) => [account, kes(amount)])}
      />
      <p class="soft mt-3 break-all text-sm">
        {"The chain's head: "}
        <span class="mono">{report.head}</span>
      </p>
    </>
  ) : (
    <Alert tone="error">{`The ledger does not hold: ${report.broken.what} (${report.broken.where}). Stop payouts until it is understood.`}</Alert>
  );

const Ledger = ({ report, reversals }: { report: LedgerReport | undefined; reversals: ListedAct[] }) => (
  <>
    <PageHead title="Ledger" />
    <div class="grid gap-4">
      <Panel title="Proof of the books">
        {report ? <Report report={report} /> : null}
        <p class="soft mb-3">
          Recomputes the hash chain, every balance and every equation from the first entry on. It runs by
          itself once a day.
        </p>
        <a class="btn" href="/operator/ledger?verify=1">
          Verify now
        </a>
      </Panel>
      <Panel title="Reversals by Safaricom">
        <p class="soft mb-3">
          Record one when Safaricom took a payment back: the merchant's wallet pays it, and what it cannot
          cover is owed.
        </p>
        <form method="get" action="/operator/reversals">
          <Field
            name="receipt"
            label="M-Pesa's receipt of the payment"
            form={EMPTY_FORM}
            required
            maxlength={12}
          />
          <button class="btn" type="submit">
            See what it would do
          </button>
        </form>
        {reversals.length > 0 ? (
          <div class="mt-3">
            <Rows>
              {reversals.map(({ at, subject, reason, detail }) => {
                const { amount, taken, owed } = JSON.parse(detail);
                return (
                  <Row end={<When at={at} />}>
                    <span class="font-medium tabular-nums">{kes(amount)}</span>
                    <span class="mono">{subject}</span>
                    <span class="soft">{`${kes(taken)} taken, ${kes(owed)} owed. ${reason}`}</span>
                  </Row>
                );
              })}
            </Rows>
          </div>
        ) : null}
      </Panel>
    </div>
  </>
);

const Reverse = ({
  receipt,
  preview: { payment, reversal },
  merchant,
  form,
}: {
  receipt: string;
  preview: Awaited<ReturnType<typeof previewReversal>>;
  merchant: string;
  form: FormState;
}) => (
  <div class="max-w-2xl">
    <PageHead title="Record a reversal" lead={<span class="mono">{receipt}</span>} />
    <Panel>
      <Facts
        of={[
          [
            "Merchant",
            <a class="quiet-link" href={`/operator/merchants/${accountOf(payment.merchantId)}`}>
              {`${merchant}, ${accountOf(payment.merchantId)}`}
            </a>,
          ],
          ["Payment", <span class="mono">{payment.id}</span>],
          ["Phone", localPhone(payment.phone)],
          ["Reference", payment.accountReference],
          ["Paid", <When at={payment.paidAt ?? payment.completedAt} />],
          ["Amount", kes(reversal.amount)],
          ["The wallet pays", kes(reversal.taken)],
          ["The merchant will owe", kes(reversal.owed)],
        ]}
      />
      <form method="post" action="/operator/reversals" class="mt-4">
        <FormTrouble form={form} />
        <input type="hidden" name="receipt" value={receipt} />
        <Reason form={form} hint="What of Safaricom's tells of it. It stands in the audit log for good." />
        <div class="flex flex-wrap gap-2">
          <button class="btn btn-primary" type="submit">
            Record it
          </button>
          <a class="btn" href="/operator/ledger">
            Leave it
          </a>
        </div>
      </form>
    </Panel>
  </div>
);

async function reversalPage(
  c: PageContext,
  receipt: string,
  form: FormState,
  status?: Parameters<typeof consolePage>[3],
) {
  const preview = await previewReversal(c.var.deps, receipt);
  const { merchant } = await readMerchant(c.var.deps, accountOf(preview.payment.merchantId));
  const page = <Reverse receipt={receipt} preview={preview} merchant={merchant.fullname} form={form} />;
  return consolePage(c, "Reversal", page, status);
}

/** What else the log has of an act, in words. */
const detailOf = (detail: string) =>
  Object.entries(JSON.parse(detail) as Record<string, unknown>) // written by ourselves
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`)
    .join(", ");

type AuditPage = Awaited<ReturnType<typeof listActs>> & { subject: string | undefined };

const Audit = ({ acts, nextBefore, subject: only }: AuditPage) => (
  <>
    <PageHead
      title="Audit log"
      lead="Every act of an operator, for good: nothing in it can be changed or taken out."
    />
    <Panel>
      {acts.length === 0 ? (
        <Empty>Nothing was done yet.</Empty>
      ) : (
        <Rows>
          {acts.map(({ at, actor, name, action, subject, reason, detail }) => (
            <Row end={<span class="soft text-sm">{<When at={at} />}</span>}>
              <span class="font-medium">{action}</span>
              <a class="quiet-link mono" href={`/operator/audit?subject=${encodeURIComponent(subject)}`}>
                {subject}
              </a>
              <span>{reason}</span>
              <span class="soft">{name ?? actor}</span>
              <span class="soft w-full text-sm break-all">{detailOf(detail)}</span>
            </Row>
          ))}
        </Rows>
      )}
      {nextBefore === null ? null : (
        <p class="mt-3">
          <a
            class="quiet-link"
            href={`/operator/audit?${new URLSearchParams({ before: String(nextBefore), ...(only ? { subject: only } : {}) })}`}
          >
            Earlier
          </a>
        </p>
      )}
    </Panel>
  </>
);

const receiptAlone = reversalRequest.pick({ receipt: true });

export const bookPages = new Hono<PageEnv>()
  .get("/statements", async (c) => {
    const account = c.req.query("account_number");
    const merchantId = account ? parseAccountNumber(account) : undefined;
    if (account && merchantId === undefined) throw new ApiError("NOT_FOUND");
    const statements = await listStatements(c.var.deps, merchantId, undefined);
    return consolePage(
      c,
      "Statements",
      <>
        <PageHead
          title="Statements"
          lead={`What M-Pesa reported of each day, what the ledger says, and every difference${account ? `: ${account}` : ""}. A day's statement is made an hour after it ended, or once M-Pesa has told the whole day.`}
        />
        {statements.length === 0 ? (
          <Empty>No statement yet.</Empty>
        ) : (
          <div class="grid gap-4">
            {statements.map((statement) => (
              <Day statement={statement} />
            ))}
          </div>
        )}
      </>,
    );
  })
  .get("/ledger", async (c) => {
    const report = c.req.query("verify") ? await verifyLedger(c.var.deps) : undefined;
    const { acts } = await listActs(c.var.deps, { limit: 20, action: "reversal.record" });
    return consolePage(c, "Ledger", <Ledger report={report} reversals={acts} />);
  })
  .get("/reversals", (c) => {
    const { receipt } = parseForm(receiptAlone, c.req.query());
    return reversalPage(c, receipt, EMPTY_FORM);
  })
  .post("/reversals", (c) => {
    const record = async (values: Record<string, string>) => {
      const { receipt, reason } = parseForm(reversalRequest, values);
      await recordReversal(c.var.deps, receipt, by(c, reason));
      return c.redirect("/operator/ledger?done=reversed", 303);
    };
    return submitted(c, record, (form, status) => {
      const { receipt } = parseForm(receiptAlone, form.values);
      return reversalPage(c, receipt, form, status);
    });
  })
  .get("/audit", async (c) => {
    const before = Number(c.req.query("before")) || undefined;
    const subject = c.req.query("subject");
    const page = await listActs(c.var.deps, { limit: 50, before, subject });
    return consolePage(c, "Audit log", <Audit {...page} subject={subject} />);
  });
