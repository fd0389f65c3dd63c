import { PLANS } from "../../features/subscriptions/plans.ts";
import type { DocsPage } from "../layout.tsx";
import { Code, Note, Prose, Snippet } from "../parts.tsx";
import { SNIPPETS } from "../snippets.ts";

const TEST_KEY_LINES = (url: string) => `export SMARTPAY_URL=${url}
export SMARTPAY_KEY=YOUR_API_KEY`;
const KEY_ID_LINE = "export KEY_ID=YOUR_KEY_ID";
const NEW_KEY_LINE = "export SMARTPAY_KEY=YOUR_NEW_API_KEY";

export const quickstart: DocsPage = {
  path: "",
  title: "Quickstart",
  lead: "Collect M-Pesa payments via STK Push, manage keys, query transactions and send SMS: one REST API, live in 5 steps.",
  Body: ({ facts }) => (
    <>
      <ol class="steps">
        <li>
          <h2>Get your bootstrap key</h2>
          <p>
            <a href="/signup">Sign up</a> → open the API tab in your dashboard → copy your default API key. It
            is shown once, when it is made. Verify your phone, which brings {PLANS.Trial.calls} free calls to
            it.
          </p>
          {facts.environment === "local" ? (
            <Note>
              <Prose>
                On your own machine the code that verifies your phone arrives on the simulated phone that `npm
                start` names. Or take the key of the demo merchant, in the line `Demo API key`.
              </Prose>
            </Note>
          ) : null}
          <p>Put it into your shell:</p>
          <Code>{TEST_KEY_LINES(facts.publicBaseUrl)}</Code>
        </li>
        <li>
          <h2>Create a dedicated key for your app</h2>
          <p>
            <Prose>
              `POST /v1/keys` with a name. You get back a fresh `api_key` — store it in your secrets manager,
              never in code.
            </Prose>
          </p>
          <Snippet name="key" of={SNIPPETS.key} />
          <p>
            <Prose>Put the `id` of the answer into your shell too: the next steps are about this key.</Prose>
          </p>
          <Code>{KEY_ID_LINE}</Code>
          <p>
            A new key has no plan yet, and a plan is what lets it send prompts. Buy one, and pay the prompt
            that comes for it:
          </p>
          <Snippet name="plan" of={SNIPPETS.plan} />
          <p>
            <Prose>
              Or go on with the default key, which has the trial: then put its own number in `KEY_ID`, which
              its page in the API tab shows, and stay with it in step 5.
            </Prose>
          </p>
        </li>
        <li>
          <h2>Set where payments land</h2>
          <p>
            <Prose>
              {
                "`PUT /v1/keys/{id}/destination` — choose wallet, phone, paybill, till, or bank. Set your callback URL here too."
              }
            </Prose>
          </p>
          <Snippet name="destination" of={SNIPPETS.destination} />
        </li>
        <li>
          <h2>Optionally enable payment notifications</h2>
          <p>
            <Prose>
              {"`PUT /v1/keys/{id}/notifications` — get email and/or SMS on every completed payment."}
            </Prose>
          </p>
          <Snippet name="notifications" of={SNIPPETS.notifications} />
        </li>
        <li>
          <h2>Send your first STK Push</h2>
          <p>
            <Prose>
              `POST /v1/stk/push` with a phone and amount. The customer gets a prompt on their phone within
              seconds. Results arrive at your callback URL in real time.
            </Prose>
          </p>
          <p>
            <Prose>
              From here on your app has its own key, so that its plan pays and its callback URL is told: put
              the `api_key` of step 2 in the place of the default one.
            </Prose>
          </p>
          <Code>{NEW_KEY_LINE}</Code>
          <Snippet name="push" of={SNIPPETS.push} />
          <p>
            In your own server, the <a href="/docs/clients">clients for TypeScript and PHP</a> do it in as few
            lines, and bear a bad network.
          </p>
        </li>
      </ol>
      <Note>
        The number 254700000000 pays by itself, on the simulator alone.{" "}
        <a href="/docs/testing">More numbers</a>
      </Note>
    </>
  ),
};

export const authentication: DocsPage = {
  path: "authentication",
  title: "Authentication",
  lead: "Every request carries your API key as a Bearer token.",
  Body: ({ facts }) => (
    <>
      <Code>Authorization: Bearer a3f8c1e9b2d4f6a0e7c5b8d1f3a9e2c6b4d7f0a2e5c8b1d3f6a9e0c2b5d8f1a4</Code>
      <p>
        <Prose>
          Keys are 64 hex characters. The header `X-API-Key` is read everywhere too; where both are sent they
          must agree. Beside it, an `Authorization` of another scheme, such as a proxy's Basic, is not read.
        </Prose>
      </p>
      <Note>
        <Prose>
          Never expose your key in client-side JavaScript, public repositories or logs. If it is compromised,
          `POST /v1/keys/:id/regenerate`: the old key stops on the very next request.
        </Prose>
      </Note>
      <h2>Base URL and versions</h2>
      <Code>{`${facts.publicBaseUrl}/v1`}</Code>
      <p>
        <Prose>
          Requests and answers are `application/json`. Every answer has a `success` boolean, every error an
          `error_code`, and all have the header `X-Request-Id`: quote it to support. Within `/v1` things are
          added, never changed or taken away, so ignore members that you do not know.
        </Prose>
      </p>
      <p>
        <Prose>
          `GET /v1/ping` answers "pong" without a key. Times are East Africa Time, `YYYY-MM-DD HH:MM:SS`;
          amounts are whole shillings.
        </Prose>
      </p>
    </>
  ),
};
