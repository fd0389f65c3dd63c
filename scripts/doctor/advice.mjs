/** What to do about each finding that is not well. */
const ADVICE = {
  configuration: "Change these lines of wrangler.toml, marked with CHANGE (docs/deploy.md, steps 2 to 4).",
  reachable:
    "Deploy first (docs/deploy.md, step 7). If you have, wait until the certificate of the custom domain is issued, and look whether Access or a firewall rule stands in front.",
  operator_token:
    "Set OPERATOR_TOKEN to what `wrangler secret put OPERATOR_TOKEN` was given, of 32 characters or more.",
  settings: "Set each of these with `wrangler secret put NAME`, or in wrangler.toml's vars (docs/deploy.md).",
  environment:
    "The gateway that answered is another than the one asked for: check PUBLIC_BASE_URL and --env.",
  credentials:
    "Copy the consumer key and secret of your app from the Daraja portal again, both of the same app and of the same world (sandbox or live), and look whether DARAJA_BASE_URL is that world's. An HTML answer means that Safaricom's firewall turned this address away: docs/runbook.md, \"M-Pesa is down\".",
  passkey:
    "Set DARAJA_PASSKEY to the one that Safaricom sent for exactly this DARAJA_SHORTCODE; for a till, the shortcode is its store number.",
  initiator:
    'Put the secret again from a file, since the prompt of `secret put` takes one line: docs/deploy.md, "Payouts". Payouts wait until then.',
  statement:
    'Payments are taken without it; receipts that a query cannot tell, lost acknowledgements and the daily statement need it. Register the shortcode for Pull Transactions, once (docs/deploy.md, "M-Pesa\'s statement"). If it is registered, look whether the app has the product and has gone live with it.',
  callback_words: "Choose a host name without the word, for PUBLIC_BASE_URL and the custom domain.",
  callbacks:
    "Let POST requests to /cb/* through without a challenge, a login or a redirect: a rule that skips bot protection for that path, and no Access application over it (docs/deploy.md, step 5).",
  clock: "Set this machine's time by NTP. M-Pesa's password holds the time.",
  cron: "Asks M-Pesa about open payments, sends payouts and webhooks again, and raises alerts. Look in the dashboard under Settings, Trigger events, whether the Worker has its cron triggers, and deploy again if not; else look for `fault` in the log (docs/operations.md).",
  migrations:
    "Run `npx wrangler d1 migrations apply DB --remote --env ENV`, then deploy what is checked out.",
  queue: "Make the queue (docs/deploy.md, step 3) and deploy again, so that its consumer is attached.",
  payouts: 'Fine while you pay nothing out. Else docs/deploy.md, "Payouts".',
  sms: 'Fine while you send no SMS; merchants cannot verify a phone without it. Else docs/deploy.md, "SMS".',
  operator_email:
    "Set OPERATOR_EMAIL in wrangler.toml: troubles that a person has to look at are told there.",
  push: "Look the code up under /docs/errors. 1032 and 1037 mean that nobody paid: run it again with the phone in hand.",
  direct:
    "Safaricom does not let this shortcode name another payee. Set ROUTING to settle and deploy, or ask Safaricom's API support to enable it.",
};

export const adviceFor = (name) => ADVICE[name] ?? (name.startsWith("queue_") ? ADVICE.queue : undefined);
