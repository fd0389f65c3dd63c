import { itemsOf } from "./pages.ts";
import { createSend, type Send, type Settings, sleep } from "./transport.ts";
import type { BodyOf, CallOptions, MoneyOptions, PushOptions, QueryOf, Transaction } from "./types.ts";

type Id = string | number;

/** A gateway, with the key of one of your accounts. Each call throws `ApiError` or `ConnectionError`. */
export class SmartPay {
  readonly stk;
  readonly transactions;
  readonly payouts;
  readonly statements;
  readonly withdrawals;
  readonly account;
  readonly keys;
  readonly plans;
  readonly sms;
  readonly webhooks;
  private readonly send: Send;

  constructor(settings: Settings) {
    const send = createSend(settings);
    this.send = send;
    this.stk = stkOf(send);
    this.transactions = transactionsOf(send);
    this.payouts = payoutsOf(send);
    this.statements = statementsOf(send);
    this.withdrawals = withdrawalsOf(send);
    this.account = { get: (options?: CallOptions) => send("getAccount", { ...options }) };
    this.keys = keysOf(send);
    this.plans = { list: (options?: CallOptions) => send("listPlans", { ...options }) };
    this.sms = smsOf(send);
    this.webhooks = webhooksOf(send);
  }

  /** Whether the gateway can be reached, and what it is. */
  ping(options?: CallOptions) {
    return this.send("ping", { ...options });
  }
}

const stkOf = (send: Send) => ({
  /** Prompts a customer's phone for a payment. With `wait`, `transaction` is there if the customer was quick enough. */
  push: (payment: BodyOf<"stkPush">, options?: PushOptions) => send("stkPush", { ...options, body: payment }),
});

const FIRST_LOOK_MS = 2_000;
const LONGEST_PAUSE_MS = 5_000;

const transactionsOf = (send: Send) => {
  /** By its checkout request id or its transaction id. */
  const get = (ref: string, options?: CallOptions) => send("getTransaction", { ...options, path: { ref } });
  /** One page, newest first. */
  const list = (query: QueryOf<"listTransactions"> = {}, options?: CallOptions) =>
    send("listTransactions", { ...options, query });
  return {
    get,
    list,
    /** All that fit, newest first, page by page as you go. */
    all: (query: Omit<QueryOf<"listTransactions">, "offset" | "cursor"> = {}, options?: CallOptions) =>
      itemsOf(
        (cursor) => list({ limit: 100, ...query, cursor }, options),
        ({ transactions }) => transactions,
      ),
    /**
     * Asks until the payment is final or the time is up, and returns it as it is then: `pending` in the latter
     * case. A webhook tells sooner, and costs no requests.
     */
    async waitFor(
      ref: string,
      { timeoutSeconds = 120, ...options }: CallOptions & { timeoutSeconds?: number } = {},
    ): Promise<Transaction> {
      const until = Date.now() + timeoutSeconds * 1_000;
      for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
        const { transaction } = await get(ref, options);
        const leftMs = until - Date.now();
        if (transaction.status !== "pending" || leftMs <= 0) return transaction;
        await sleep(Math.min(pauseMs, leftMs), options.signal);
      }
    },
  };
};

const payoutsOf = (send: Send) => {
  const list = (query: QueryOf<"listPayouts"> = {}, options?: CallOptions) =>
    send("listPayouts", { ...options, query });
  return {
    list,
    all: (options?: CallOptions) =>
      itemsOf(
        (cursor) => list({ limit: 100, cursor }, options),
        ({ payouts }) => payouts,
      ),
  };
};

const statementsOf = (send: Send) => {
  const list = (query: QueryOf<"listStatements"> = {}, options?: CallOptions) =>
    send("listStatements", { ...options, query });
  return {
    /** Days whose payments were compared with what M-Pesa reports. */
    list,
    all: (query: Pick<QueryOf<"listStatements">, "from" | "to"> = {}, options?: CallOptions) =>
      itemsOf(
        (cursor) => list({ limit: 100, ...query, cursor }, options),
        ({ statements }) => statements,
      ),
    /** By its day in East Africa, `YYYY-MM-DD`. */
    get: (day: string, options?: CallOptions) => send("getStatement", { ...options, path: { day } }),
  };
};

const withdrawalsOf = (send: Send) => ({
  /** Out of your wallet, to one of your verified phones. */
  create: (withdrawal: BodyOf<"withdraw">, options?: MoneyOptions) =>
    send("withdraw", { ...options, body: withdrawal }),
  get: (id: string, options?: CallOptions) => send("getWithdrawal", { ...options, path: { id } }),
});

const keysOf = (send: Send) => ({
  list: (options?: CallOptions) => send("listKeys", { ...options }),
  /** The new `api_key` is in this answer alone. */
  create: (key: BodyOf<"createKey">, options?: CallOptions) => send("createKey", { ...options, body: key }),
  get: (id: Id, options?: CallOptions) => send("getKey", { ...options, path: { id } }),
  delete: (id: Id, options?: CallOptions) => send("deleteKey", { ...options, path: { id } }),
  setDefault: (id: Id, options?: CallOptions) => send("setDefaultKey", { ...options, path: { id } }),
  /** The old key stops on the very next request; the new one is in this answer alone. */
  regenerate: (id: Id, options?: CallOptions) => send("regenerateKey", { ...options, path: { id } }),
  getDestination: (id: Id, options?: CallOptions) => send("getDestination", { ...options, path: { id } }),
  /** Where payments land, and with `callbackurl` where their results are told. */
  setDestination: (id: Id, destination: BodyOf<"setDestination">, options?: CallOptions) =>
    send("setDestination", { ...options, path: { id }, body: destination }),
  setNotifications: (id: Id, notifications: BodyOf<"setNotifications">, options?: CallOptions) =>
    send("setNotifications", { ...options, path: { id }, body: notifications }),
  /** Prompts a phone for a plan's price; the key is active once it is paid. */
  subscribe: (id: Id, plan: BodyOf<"buyPlan">, options?: MoneyOptions) =>
    send("buyPlan", { ...options, path: { id }, body: plan }),
  getWebhookSecret: (id: Id, options?: CallOptions) => send("getWebhookSecret", { ...options, path: { id } }),
  /** The old secret signs too for 24 hours. */
  rotateWebhookSecret: (id: Id, options?: CallOptions) =>
    send("rotateWebhookSecret", { ...options, path: { id } }),
  /** Sends a test event to the key's callback URL. */
  testWebhook: (id: Id, options?: CallOptions) => send("testWebhook", { ...options, path: { id } }),
});

const smsOf = (send: Send) => ({
  /** To one number, or to a list of them. */
  send: (sms: BodyOf<"sendSms">, options?: MoneyOptions) => send("sendSms", { ...options, body: sms }),
  get: (id: string, options?: CallOptions) => send("getSms", { ...options, path: { id } }),
  balance: (options?: CallOptions) => send("smsBalance", { ...options }),
  /** Prompts a phone for the price; the credits are there once it is paid. */
  buyCredits: (purchase: BodyOf<"buySmsCredits">, options?: MoneyOptions) =>
    send("buySmsCredits", { ...options, body: purchase }),
});

const webhooksOf = (send: Send) => {
  const list = (query: QueryOf<"listWebhooks"> = {}, options?: CallOptions) =>
    send("listWebhooks", { ...options, query });
  return {
    /** Deliveries, with each attempt and what your server answered. */
    list,
    all: (query: Pick<QueryOf<"listWebhooks">, "status"> = {}, options?: CallOptions) =>
      itemsOf(
        (cursor) => list({ limit: 100, ...query, cursor }, options),
        ({ webhooks }) => webhooks,
      ),
    get: (id: string, options?: CallOptions) => send("getWebhook", { ...options, path: { id } }),
    /** Sends one again, also a delivered one. */
    replay: (id: string, options?: CallOptions) => send("replayWebhook", { ...options, path: { id } }),
    /** Sends again what failed since a time, some at a time: go on with `next_cursor` while `has_more`. */
    replayFailed: (failed: BodyOf<"replayFailedWebhooks">, options?: CallOptions) =>
      send("replayFailedWebhooks", { ...options, body: failed }),
  };
};
