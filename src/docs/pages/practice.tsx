import type { DocsPage } from "../layout.tsx";
import { Code, Note, Prose, Table } from "../parts.tsx";

export const testing: DocsPage = {
  path: "testing",
  title: "Testing",
  lead: "A simulated M-Pesa with a phone that you can see. No account, no money.",
  Body: () => (
    <>
      <Code>npm install && npm start</Code>
      <p>
        <Prose>
          `npm start` prints the gateway's address, the phone's, and a demo key. Send a push to any number,
          open the phone and type the PIN `1234`. Some numbers answer by themselves:
        </Prose>
      </p>
      <Table
        heads={["phone", "what happens"]}
        rows={[
          [<code>254700000000</code>, "pays"],
          [<code>254700001032</code>, "cancels"],
          [<code>254700001037</code>, "cannot be reached"],
          [<code>254700002001</code>, "types a wrong PIN"],
          [<code>254700000001</code>, "has no money"],
          [<code>2547000</code>, "and five digits: answers with that result code"],
          [<code>254700000700</code>, "pays, and no callback ever comes"],
          [<code>254700000701</code>, "pays, and the callback comes three times"],
          [<code>254700000702</code>, "a failure is reported first, then the success"],
          [<code>254700000703</code>, "a forged success comes first, then the customer cancels"],
          [<code>254700000704</code>, "pays, and the callback comes after 45 seconds"],
        ]}
      />
      <Note>These meanings hold on the simulator alone. Elsewhere the numbers belong to people.</Note>
      <h2>In your own tests</h2>
      <p>
        <Prose>
          Start the gateway with `TIME_SCALE=10` to make a minute six seconds, and with `LIMITS` to loosen its
          limits. Your callback URL may be `http://localhost:PORT` there. Emails are shown at `/mail` of the
          phone's address.
        </Prose>
      </p>
    </>
  ),
};

export const live: DocsPage = {
  path: "going-live",
  title: "Going live",
  lead: "Before the first real shilling.",
  Body: () => (
    <>
      <h2>Keys</h2>
      <ul>
        <li>
          Make a key for production, and keep it in your secrets manager. Never use the bootstrap key in code.
        </li>
        <li>
          <Prose>Where a server only collects, give it a key of scope `payments`.</Prose>
        </li>
        <li>Use https for everything.</li>
      </ul>
      <h2>Payments</h2>
      <ul>
        <li>
          <Prose>Store `checkout_request_id` with the order before you show anything to the customer.</Prose>
        </li>
        <li>
          <Prose>Send an `Idempotency-Key` with every push. Never send a push again after a 202.</Prose>
        </li>
        <li>
          <Prose>
            Credit only on `ResultCode` 0, once for each `CheckoutRequestID`, and compare the amount.
          </Prose>
        </li>
        <li>
          A failed payment can turn into a paid one later. Accept that second webhook, which has an id of its
          own. Once a payment is paid, no failure of it counts, should one still be on its way.
        </li>
      </ul>
      <h2>Webhooks</h2>
      <ul>
        <li>Check the signature. Answer at once, and work afterwards.</li>
        <li>
          <Prose>Send yourself a test by `POST /v1/keys/:id/test-webhook`.</Prose>
        </li>
        <li>
          Once a day, compare your orders with <a href="/docs/transactions">the list of transactions</a>.
        </li>
      </ul>
      <h2>When it goes wrong</h2>
      <ul>
        <li>
          <Prose>Honour `Retry-After`. After `PHONE_RATE_LIMIT` leave the number alone for 5 minutes.</Prose>
        </li>
        <li>
          Show your customer a sentence that helps: <a href="/docs/errors">errors</a> and{" "}
          <a href="/docs/result-codes">result codes</a> have one each in English and Swahili.
        </li>
        <li>
          <Prose>Log `X-Request-Id`, and quote it to support.</Prose>
        </li>
      </ul>
    </>
  ),
};
