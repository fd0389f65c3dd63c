// The gateway as the bench talks to it: merchants, their keys, and M-Pesa's side.
import { freePort } from "../../scripts/ports.mjs";
import { migrate, run, worker } from "./workers.mjs";

const OPERATOR_TOKEN = "an-operator-token-for-the-bench-alone";
const UNLIMITED = 1_000_000_000;

/** Nothing here is about the limits, but for what they cost: they stand where no measurement meets them. */
export const ROOMY = {
  key_minute: UNLIMITED,
  key_day: UNLIMITED,
  phone_pushes: UNLIMITED,
  fraud: {
    burst: { finished: UNLIMITED },
    cancel_rate: { finished: UNLIMITED },
    failure_rate: { finished: UNLIMITED },
    phone_diversity: { finished: UNLIMITED },
  },
};

export const settings = (port, simulatorPort, more = {}) => ({
  PUBLIC_BASE_URL: `http://127.0.0.1:${port}`,
  APP_SECRET: "a-secret-of-the-bench-that-guards-nothing",
  OPERATOR_TOKEN,
  DARAJA_BASE_URL: `http://127.0.0.1:${simulatorPort}`,
  DARAJA_CONSUMER_KEY: "simulator-key",
  DARAJA_CONSUMER_SECRET: "simulator-secret",
  DARAJA_SHORTCODE: "600999",
  DARAJA_PASSKEY: "simulator-passkey",
  SMS_BASE_URL: `http://127.0.0.1:${simulatorPort}`,
  EMAIL_BASE_URL: `http://127.0.0.1:${simulatorPort}`,
  EMAIL_API_KEY: "simulator-email-key",
  ...more,
});

/** A gateway of a bundle: its options for the runtime, and how to reach it. */
export async function gateway({
  name,
  bundled,
  simulatorPort,
  limits = ROOMY,
  more = {},
  isConsumer = false,
}) {
  const port = await freePort();
  const options = worker({
    name,
    config: "wrangler.toml",
    bundled,
    port,
    database: name,
    isConsumer,
    settings: settings(port, simulatorPort, { LIMITS: JSON.stringify(limits), ...more }),
  });
  return { name, port, options, api: new Api(port) };
}

/** Runs gateways, beside whatever else, in one workerd, their databases migrated. */
export async function start(stateDir, gateways, others = []) {
  const runtime = await run(stateDir, [...others, ...gateways.map(({ options }) => options)]);
  for (const one of gateways) {
    one.database = await runtime.getD1Database("DB", one.name);
    await migrate(one.database);
  }
  return runtime;
}

export class Api {
  constructor(port) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
  }

  async call(path, { method, key, body, headers = {} } = {}) {
    const response = await fetch(this.url + path, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: {
        "CF-Connecting-IP": `10.1.${Math.floor(Math.random() * 256)}.${Math.floor(Math.random() * 256)}`,
        ...(key ? { Authorization: `Bearer ${key}` } : {}),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : text };
  }

  /** As `call`; any answer but a success ends the bench. */
  async ok(path, options) {
    const answer = await this.call(path, options);
    if (answer.status >= 300) {
      throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  }

  /** A merchant with a plan, and a destination and callback URL where they are given. */
  async newMerchant({ destination, callbackUrl } = {}) {
    const made = await this.ok("/operator/v1/merchants", {
      key: OPERATOR_TOKEN,
      body: { fullname: "A merchant", email: "merchant@smartpay.example", plan: "Professional" },
    });
    const key = made.key.api_key;
    if (destination || callbackUrl) {
      await this.ok(`/v1/keys/${made.key.id}/destination`, {
        method: "PUT",
        key,
        body: { ...(destination ?? { method: "wallet" }), callbackurl: callbackUrl ?? "" },
      });
    }
    return { key, keyId: made.key.id, merchantId: Number(made.merchant.account_number.slice(2)) };
  }
}

let phones = 0;
/** A number that no push has gone to before, and that does not answer by itself. */
export const newPhone = () => `25472${String(++phones).padStart(7, "0")}`;

export const pushBody = (phone = newPhone()) => ({ phone, amount: 10, account_reference: "ORDER_101" });

/** The simulator in a workerd of its own. */
export async function startSimulator(stateDir, bundled) {
  const port = await freePort();
  const options = worker({
    name: "simulator",
    config: "simulator/wrangler.toml",
    bundled,
    port,
  });
  delete options.assets; // the pages, which nobody looks at here
  const runtime = await run(stateDir, [{ ...options, serviceBindings: {} }]);
  return { port, runtime, api: new Api(port) };
}
