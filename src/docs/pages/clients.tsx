import type { DocsPage } from "../layout.tsx";
import { Prose, Snippet, Table } from "../parts.tsx";
import { SNIPPETS } from "../snippets.ts";

export const clients: DocsPage = {
  path: "clients",
  title: "Clients",
  lead: "For TypeScript and PHP, from your server: the same API, with what a bad network needs done for you.",
  Body: () => (
    <>
      <Snippet name="client" of={SNIPPETS.client} />
      <p>
        <Prose>
          Both are in the gateway's repository, with what else they can do in their READMEs: `sdk/typescript`
          (Node 20 or newer, Deno, Bun, Workers) and `sdk/php` (PHP 8.1 or newer, with Composer or without).
          They need no other packages. Neither is for browsers or apps: a key is a secret.
        </Prose>
      </p>
      <h2>What they do for you</h2>
      <ul>
        <li>
          <Prose>
            An `Idempotency-Key` on whatever moves money or credits: yours, or one for the call's own repeats.
          </Prose>
        </li>
        <li>
          <Prose>
            Trying again where that is safe: a broken connection, 429 and 5xx, after the pause that
            `Retry-After` asks for. Never a `PAYMENT_FAILURE`, and never what could then be done twice.
          </Prose>
        </li>
        <li>
          <Prose>Errors with the code, the fields at fault, the request's id and the pause to keep.</Prose>
        </li>
        <li>Waiting for the customer, and lists that go on over their pages.</li>
        <li>Webhooks whose signature and age are checked.</li>
      </ul>
      <h2>A webhook's handler</h2>
      <Snippet name="handler" of={SNIPPETS.handler} />
      <h2>When a call fails</h2>
      <Table
        heads={["TypeScript", "PHP", "means"]}
        rows={[
          [<code>ApiError</code>, <code>ApiException</code>, "The gateway did not do it, and says why"],
          [<code>RateLimitError</code>, <code>RateLimitException</code>, "The same, for a 429"],
          [
            <code>ConnectionError</code>,
            <code>ConnectionException</code>,
            "Nobody knows whether it was done: repeat the same call with the error's idempotencyKey",
          ],
          [<code>WebhookError</code>, <code>WebhookException</code>, "A webhook that is not to be believed"],
        ]}
      />
    </>
  ),
};
