import { BOTH_SIGN_MS } from "../../features/keys/webhook-secret.ts";
import { BLOCK_CHARACTERS, MAX_PARTS, MAX_RECIPIENTS } from "../../features/sms/rules.ts";
import { resultExample } from "../../features/webhooks/openapi.ts";
import { ATTEMPT_TIMEOUT_MS, ATTEMPTS_KEPT } from "../../features/webhooks/rules.ts";
import type { DocsPage } from "../layout.tsx";
import { Json, listed, Note, Prose, Snippet, spoken, Table, whole } from "../parts.tsx";
import { SNIPPETS } from "../snippets.ts";

export const webhooks: DocsPage = {
  path: "webhooks",
  title: "Webhooks",
  lead: "The result of a payment, POSTed to your callback URL the moment it is known.",
  Body: ({ facts }) => (
    <>
      <Json value={resultExample} />
      <Note>
        <Prose>
          Credit an order only if `ResultCode` is 0, and only once: the same result can come again. It is a
          number here, and a string in a transaction's `result_code`. `CallbackMetadata` is there only on
          success.
        </Prose>
      </Note>
      <h2>What your server has to do</h2>
      <p>
        Answer with any 2xx within {spoken(ATTEMPT_TIMEOUT_MS)}, and do the work afterwards. Redirects count
        as failures. What fails is sent again after {listed(facts.webhookRetryMs.map(spoken))}; 410 ends that.
        Then you are told by email.
      </p>
      <h2>Check the signature</h2>
      <p>
        <Prose>
          Three headers come along: `webhook-id`, the same on every attempt, `webhook-timestamp` and
          `webhook-signature`. They follow Standard Webhooks, so its libraries will do. Your secret is what
          `GET /v1/keys/:id/webhook-secret` shows. Sign the body as it came, byte for byte.
        </Prose>
      </p>
      <Snippet name="handler" of={SNIPPETS.handler} />
      <p>
        The <a href="/docs/clients">clients</a> do it for you, as above. Without them:
      </p>
      <Snippet name="verify" of={SNIPPETS.verify} />
      <p>
        <Prose>{`\`POST /v1/keys/:id/webhook-secret\` makes a new secret. The old one signs too for ${spoken(BOTH_SIGN_MS)}, so that you can change over without a gap.`}</Prose>
      </p>
      <h2>See, repeat and test</h2>
      <Table
        heads={["call", ""]}
        rows={[
          [
            <code>GET /v1/webhooks</code>,
            `Deliveries, each with its last ${ATTEMPTS_KEPT} attempts and what your server answered`,
          ],
          [
            <code>POST /v1/webhooks/:id/replay</code>,
            "Sends one again, also a delivered one; with a key of scope full",
          ],
          [<code>POST /v1/webhooks/replay</code>, "Sends again all that failed since a time; likewise"],
          [
            <code>POST /v1/keys/:id/test-webhook</code>,
            "Sends a test event, which fails with 9999 and pays for nothing",
          ],
        ]}
      />
    </>
  ),
};

export const sms: DocsPage = {
  path: "sms",
  title: "SMS",
  lead: "Single or bulk SMS to Kenyan numbers.",
  Body: ({ facts }) => (
    <>
      <Snippet name="sms" of={SNIPPETS.sms} />
      <p>
        <Prose>{`\`phone\` may also be a list of up to ${MAX_RECIPIENTS} numbers, or a text with commas between. Then \`data\` has \`messages\`, one for each, and \`rejected\`. A number that is named twice is sent to once. Without enough credits for all, none is sent.`}</Prose>
      </p>
      <h2>Price</h2>
      <p>{`A credit costs KES ${whole(facts.smsCreditPrice)}. Each begun block of ${BLOCK_CHARACTERS} characters takes one.`}</p>
      <Table
        heads={["length", "parts", "credits"]}
        rows={Array.from({ length: MAX_PARTS }, (_, i) => [
          `${i * BLOCK_CHARACTERS + 1}–${(i + 1) * BLOCK_CHARACTERS} characters`,
          `${i + 1} SMS`,
          String(i + 1),
        ])}
      />
      <p>
        <Prose>
          `GET /v1/sms/balance` tells your credits, `GET /v1/sms/:transaction_id` what became of a message:
          `queued`, `sent`, `delivered` or `failed`. Buy credits by `POST /v1/sms/credits`.
        </Prose>
      </p>
    </>
  ),
};
