import { BANKS, OWN_WALLET_BANK_CODE } from "../../features/keys/banks.ts";
import { MAX_KEYS } from "../../features/keys/create.ts";
import { METHOD_FIELDS, type Method } from "../../features/keys/destination.ts";
import {
  AMOUNT_RANGE,
  DESCRIPTION_LENGTH,
  MAX_METADATA,
  REFERENCE_LENGTH,
} from "../../features/payments/contract.ts";
import { LONGEST_WAIT_SECONDS } from "../../features/payments/wait.ts";
import { B2C_MINIMUM, PAYOUT_MAXIMUM } from "../../features/payouts/rules.ts";
import { PLANS } from "../../features/subscriptions/plans.ts";
import type { DocsPage } from "../layout.tsx";
import { Json, Note, Prose, Snippet, Table, whole } from "../parts.tsx";
import { SNIPPETS } from "../snippets.ts";

export const keys: DocsPage = {
  path: "keys",
  title: "Keys and plans",
  lead: "Separate keys for production, staging and each client. Each has its own limit, destination and notifications.",
  Body: () => (
    <>
      <Snippet name="key" of={SNIPPETS.key} />
      <p>
        <Prose>{`The key itself is shown by create and regenerate alone; \`GET /v1/keys/:id\` shows its first and last four characters. Names are unique, whatever their case. You can have ${MAX_KEYS} keys.`}</Prose>
      </p>
      <h2>Scopes</h2>
      <Table
        heads={["scope", "may"]}
        rows={[
          [<code>full</code>, "everything, for all of your keys; the default"],
          [
            <code>payments</code>,
            "push, send SMS, and read its own transactions, messages, webhooks and their secret, the plans and the SMS balance; nothing else",
          ],
        ]}
      />
      <h2>Plans</h2>
      <p>
        <Prose>
          A key sends prompts while a plan runs and has calls left. Buying another adds its calls and its
          days. Unused calls lapse at the end.
        </Prose>
      </p>
      <Table
        heads={["plan", "KES", "calls", "days"]}
        rows={Object.entries(PLANS).map(([name, { price, calls, days }]) => [
          name,
          price === 0 ? "free" : whole(price),
          whole(calls),
          String(days),
        ])}
      />
      <Snippet name="plan" of={SNIPPETS.plan} />
      <h2>Changing and deleting</h2>
      <p>
        A regenerated key stops on the very next request. The default key cannot be deleted: make another one
        the default first. After a delete its transactions stay, and pending ones are settled and told as
        before. You are told by email of a changed destination, a regenerated and a deleted key. The address
        is your account's, which you change under Settings in the dashboard.
      </p>
    </>
  ),
};

const shortened = ({ stored, onPrompt }: typeof REFERENCE_LENGTH, taker: string) =>
  `Up to ${stored} characters; ${taker} ${onPrompt} of them. No line breaks or other control characters`;

export const payments: DocsPage = {
  path: "payments",
  title: "Payments",
  lead: "Send a prompt to a customer's phone. Where the money goes is what the key's destination says.",
  Body: () => (
    <>
      <Snippet name="push" of={SNIPPETS.push} />
      <Table
        heads={["field", "required", ""]}
        rows={[
          [<code>phone</code>, "yes", "2547XXXXXXXX, 2541XXXXXXXX, 07XXXXXXXX or 01XXXXXXXX"],
          [
            <code>amount</code>,
            "yes",
            `Whole shillings, ${whole(AMOUNT_RANGE.min)} to ${whole(AMOUNT_RANGE.max)}`,
          ],
          [<code>account_reference</code>, "no", shortened(REFERENCE_LENGTH, "the prompt shows")],
          [<code>description</code>, "no", shortened(DESCRIPTION_LENGTH, "M-Pesa takes")],
          [<code>callback_url</code>, "no", "For this payment alone; wins over the key's"],
          [
            <code>metadata</code>,
            "no",
            `Up to ${MAX_METADATA} texts of your own, given back with the transaction`,
          ],
        ]}
      />
      <Note>
        <Prose>Save `checkout_request_id`: it finds the transaction and matches the webhook.</Prose>
      </Note>
      <h2>Three kinds of answers</h2>
      <Table
        heads={["HTTP", "means", "do"]}
        rows={[
          ["200", "The prompt was sent", "Wait for the webhook"],
          [
            "202",
            "M-Pesa has not confirmed it; a prompt may have been sent",
            "Do not send it again. Wait for the webhook",
          ],
          ["4xx, 503", "Nothing was sent, and the call is not counted", "See the error's code"],
          [
            "500, or no answer",
            "Whether a prompt was sent is not known",
            "Repeat the request with the same Idempotency-Key",
          ],
        ]}
      />
      <h2>Wait for the result</h2>
      <p>
        <Prose>{`With the header \`Prefer: wait=30\` the answer comes when the customer is done, at most ${LONGEST_WAIT_SECONDS} seconds later, and has the \`transaction\` in it.`}</Prose>
      </p>
      <h2>Ask for the result</h2>
      <Snippet name="status" of={SNIPPETS.status} />
      <p>
        <Prose>
          `status` is `pending`, `completed` or `failed`. `completed` is final. A `failed` one becomes
          `completed` if M-Pesa later proves that it was paid; a second webhook tells you. No payment stays
          pending for more than a day. `result_code` is a string, `"0"` for a payment that was made; the
          webhook's `ResultCode` is a number.
        </Prose>
      </p>
    </>
  ),
};

const METHODS: Record<Method, string> = {
  wallet: "Payments go to your SmartPay wallet",
  phone: "Paid out to an M-Pesa number",
  paybill: "Paybill business number and account",
  till: "Buy Goods till (5 to 7 digits)",
  bankpaybill: "A bank account, by the bank's paybill",
};

export const destinations: DocsPage = {
  path: "destinations",
  title: "Destinations",
  lead: "Where a key's payments land. A change never moves money that is in flight.",
  Body: ({ facts }) => (
    <>
      <Table
        heads={["method", "fields", ""]}
        rows={Object.entries(METHODS).map(([method, text]) => [
          <code>{method}</code>,
          METHOD_FIELDS[method as Method].map((field) => (
            <>
              <code>{field}</code>{" "}
            </>
          )),
          text,
        ])}
      />
      <Json
        value={{
          method: "bankpaybill",
          bank_code: "247247",
          bank_account: "0123456789",
          callbackurl: "https://myapp.com/mpesa/callback",
        }}
      />
      <p>
        <Prose>
          `callbackurl` is left as it is where you do not send it, and cleared by an empty text. It has to be
          https on port 443 of a public host; on your own machine `http://localhost:PORT` will do.
        </Prose>
      </p>
      <h2>How the money gets there</h2>
      {facts.routing === "direct" ? (
        <p>
          This gateway routes directly: with paybill, till and bank the customer pays your number itself.
          Payments to a wallet or a phone are collected first; a phone is then paid out.
        </p>
      ) : (
        <p>
          This gateway collects every payment for your wallet, and pays it out from there to your destination.
        </p>
      )}
      <p>
        <Prose>{`A transaction that is paid out has a \`payout\` with \`status\`, \`amount\`, \`receipt\` and \`reason\`. Under KES ${B2C_MINIMUM} it stays in the wallet. A payout that fails for good goes back to your wallet.`}</Prose>
      </p>
      <h2 id="banks">Supported banks</h2>
      <p>
        <Prose>{`The code ${OWN_WALLET_BANK_CODE} is this gateway's own wallet: its \`bank_account\` is your own SP number.`}</Prose>
      </p>
      <Table
        heads={["bank_code", "bank"]}
        rows={[...BANKS].map(([code, name]) => [<code>{code}</code>, name])}
      />
    </>
  ),
};

export const transactions: DocsPage = {
  path: "transactions",
  title: "Transactions",
  lead: "Everything you were paid, newest first.",
  Body: () => (
    <>
      <Table
        heads={["query", ""]}
        rows={[
          [<code>limit</code>, "Records per page, 20 by default, at most 100"],
          [<code>offset</code>, "Skip so many records"],
          [<code>cursor</code>, "The next_cursor of the page before; quick however deep"],
          [<code>status</code>, "pending, completed or failed"],
          [<code>key_id</code>, "Of one of your keys alone"],
          [<code>phone</code>, "Of one customer"],
          [<code>reference</code>, "The whole account_reference"],
          [<code>receipt</code>, "M-Pesa's receipt"],
          [
            <>
              <code>from</code>, <code>to</code>
            </>,
            "A date, or a date and time, in East Africa Time",
          ],
        ]}
      />
      <Note>
        <Prose>
          A page may be short, even empty, while `has_more` is true: a search reads so many payments at a
          time. Go on with `next_cursor` until `has_more` is false.
        </Prose>
      </Note>
      <Snippet name="list" of={SNIPPETS.list} />
      <p>
        <Prose>
          `total` counts all pages together; with filters other than `status` it is `null`. A key of scope
          `payments` sees its own transactions alone.
        </Prose>
      </p>
    </>
  ),
};

export const account: DocsPage = {
  path: "account",
  title: "Account and withdrawals",
  lead: "Your wallet, and how to take money out of it.",
  Body: ({ facts }) => (
    <>
      <p>
        <Prose>
          `GET /v1/account` tells your account number, `wallet_balance` in whole shillings, `sms_balance`, the
          calling key's plan and your figures. `GET /v1/payouts` lists what was paid out.
        </Prose>
      </p>
      <h2>Withdraw</h2>
      <Snippet name="withdraw" of={SNIPPETS.withdraw} />
      <p>
        <Prose>{`From KES ${B2C_MINIMUM} to ${whole(PAYOUT_MAXIMUM)}, to a phone that you have verified. The money is held at once, and paid or given back exactly once. An \`Idempotency-Key\` is required, so that a repeated request never pays twice: give each withdrawal one of its own.`}</Prose>
      </p>
      <p>{`A withdrawal costs KES ${whole(facts.payoutFees.b2c)}, a payout to a paybill, till or bank KES ${whole(facts.payoutFees.b2b)}.`}</p>
      <h2 id="statements">Daily statements</h2>
      <p>
        <Prose>
          `GET /v1/statements` has one for each day on which you were paid or paid out: what M-Pesa's own
          report says, what your books say, and each payment on which they differ. `GET
          /v1/statements/2026-11-24` is one day's. It is made about an hour after midnight in East Africa, or
          once M-Pesa has told the whole day; what was paid straight to your own paybill or till is not in it.
        </Prose>
      </p>
      <Table
        heads={["difference", "means"]}
        rows={[
          [<code>not_in_ledger</code>, "M-Pesa reports a payment that your books do not have"],
          [<code>not_in_mpesa</code>, "Your books have a payment that M-Pesa did not report"],
          [<code>other_amount</code>, "Both have it, with different amounts"],
        ]}
      />
    </>
  ),
};
