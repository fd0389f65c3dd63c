import { ERRORS, type ErrorCode } from "../../errors.ts";
import { OCCASIONS_TO_SUSPEND } from "../../features/fraud/rules.ts";
import { IP_LIMIT_PER_MINUTE } from "../../http/ip-limit.ts";
import { SECOND_MS } from "../../lib/clock.ts";
import { ERROR_HELP, type Help } from "../error-help.ts";
import type { DocsPage, Facts } from "../layout.tsx";
import { Note, Prose, Snippet, spoken, Table, whole } from "../parts.tsx";
import { RESULT_HELP } from "../result-codes.ts";
import { SNIPPETS } from "../snippets.ts";

const Advice = ({ help }: { help: Help }) => (
  <>
    <p>{help.cause}</p>
    <p>
      <strong>What to do.</strong> {help.remedy}
    </p>
    <p class="say">
      {help.english}
      <br />
      <span lang="sw">{help.swahili}</span>
    </p>
  </>
);

export const errors: DocsPage = {
  path: "errors",
  title: "Errors",
  lead: "Every error has a code for your program, a message for you, and here a sentence for your customer.",
  Body: () => (
    <>
      <p>
        <Prose>
          Read `error_code`, never the message. `errors` names the fields at fault. Where `Accept` names
          `application/problem+json`, the members of RFC 9457 are there too.
        </Prose>
      </p>
      {(Object.keys(ERRORS) as ErrorCode[]).map((code) => (
        <section class="code" id={code}>
          <h2>
            <a href={`#${code}`}>{code}</a> <span class="badge">{String(ERRORS[code].status)}</span>
          </h2>
          <p>{ERRORS[code].message}</p>
          <Advice help={ERROR_HELP[code]} />
        </section>
      ))}
    </>
  ),
};

export const results: DocsPage = {
  path: "result-codes",
  title: "M-Pesa result codes",
  lead: "What became of a payment: ResultCode in a webhook, a number; result_code in a transaction, a string.",
  Body: () => (
    <>
      <Note>
        <Prose>
          Go by the code alone: M-Pesa's wording changes. A code that is not listed is a failure too.
        </Prose>
      </Note>
      {Object.entries(RESULT_HELP).map(([code, help]) => (
        <section class="code" id={code}>
          <h2>
            <a href={`#${code}`}>{code}</a> {help.meaning}
          </h2>
          <Advice help={help} />
        </section>
      ))}
    </>
  ),
};

const percent = (share: number) => `${Math.round(share * 100)} %`;
const minutes = (seconds: number) => spoken(seconds * SECOND_MS);

function fraudRows({ limits: { fraud } }: Facts) {
  const { burst, cancel_rate, failure_rate, phone_diversity } = fraud;
  return [
    [
      "FRAUD_BLOCK_BURST",
      `${burst.pushes} pushes within ${minutes(burst.seconds)}, and of at least ${burst.finished} finished within ${minutes(burst.finished_seconds)} ${percent(burst.failed)} or more failed`,
    ],
    [
      "FRAUD_BLOCK_CANCEL_RATE",
      `Of at least ${cancel_rate.finished} finished within ${minutes(cancel_rate.seconds)}, ${percent(cancel_rate.cancelled)} or more were cancelled`,
    ],
    [
      "FRAUD_BLOCK_FAILURE_RATE",
      `Of at least ${failure_rate.finished} finished within ${minutes(failure_rate.seconds)}, ${percent(failure_rate.failed)} or more failed`,
    ],
    [
      "FRAUD_BLOCK_PHONE_DIVERSITY",
      `Of at least ${phone_diversity.finished} finished within ${minutes(phone_diversity.seconds)}, to ${phone_diversity.phones} different phones, under ${percent(phone_diversity.completed)} were paid`,
    ],
  ];
}

const errorLink = (code: string) => (
  <a href={`/docs/errors#${code}`}>
    <code>{code}</code>
  </a>
);

export const limits: DocsPage = {
  path: "limits",
  title: "Limits and fraud",
  lead: "How much you can send, and what makes the gateway stop you.",
  Body: ({ facts }) => (
    <>
      <Table
        heads={["limit", "", "told by"]}
        rows={[
          ["IP address", `${IP_LIMIT_PER_MINUTE} requests a minute`, errorLink("IP_RATE_LIMIT")],
          ["Key, minute", `${whole(facts.limits.key_minute)} requests`, <code>X-RateLimit-Remaining</code>],
          ["Key, day", `${whole(facts.limits.key_day)} requests`, <code>X-RateLimit-Day-Remaining</code>],
          [
            "Phone",
            `${facts.limits.phone_pushes} prompts in ${minutes(facts.limits.phone_window_seconds)}, whoever sends them`,
            errorLink("PHONE_RATE_LIMIT"),
          ],
        ]}
      />
      <p>
        <Prose>
          The day is East Africa's. The IETF's `RateLimit` and `RateLimit-Policy` are sent too, and every 429
          has `Retry-After`: wait that long. Without it, double your pause each time.
        </Prose>
      </p>
      <h2>Fraud</h2>
      <p>
        Only what the payer does counts as a failure: no money, expired, cancelled, not reached, wrong PIN; at
        most once a phone. M-Pesa's own troubles do not. A block lifts by itself as time goes on.
      </p>
      <Table
        heads={["code", "when"]}
        rows={fraudRows(facts).map(([code = "", when = ""]) => [errorLink(code), when])}
      />
      <p>
        {OCCASIONS_TO_SUSPEND} such blocks with 403 within 24 hours suspend the key (
        {errorLink("KEY_SUSPENDED")}) until the operator lifts it.
      </p>
    </>
  ),
};

export const idempotency: DocsPage = {
  path: "idempotency",
  title: "Idempotency",
  lead: "Repeat a request as often as you must, and charge the customer once.",
  Body: () => (
    <>
      <p>
        <Prose>
          Send `Idempotency-Key`, 1 to 255 visible ASCII characters, with whatever moves money or credits:
          your order's number will do. If the connection breaks, send the very same request again. A new
          payment, or one to another number, needs a new key: in this code each run has one.
        </Prose>
      </p>
      <Snippet name="push" of={SNIPPETS.push} />
      <Table
        heads={["then", "you get"]}
        rows={[
          ["same key, same body", <Prose>The first answer again, with `Idempotent-Replayed: true`</Prose>],
          ["same key, other body", errorLink("IDEMPOTENCY_KEY_REUSED")],
          ["the first is still running", errorLink("IDEMPOTENCY_IN_PROGRESS")],
          ["the first was refused", "A new attempt: refusals are not kept"],
        ]}
      />
      <p>
        <Prose>
          Keys are kept for at least 72 hours, for each API key and endpoint. A withdrawal requires one. A
          replay costs no call of your plan.
        </Prose>
      </p>
    </>
  ),
};
