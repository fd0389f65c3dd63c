import { z } from "zod";
import type { CallbackMessage } from "./features/callbacks/message.ts";
import type { KeyGate } from "./features/limits/key-gate.ts";
import type { PhoneLimit } from "./features/limits/phone-limit.ts";
import type { NoticeMessage } from "./features/notices/message.ts";
import type { PayoutMessage } from "./features/payouts/message.ts";
import type { SmsMessage } from "./features/sms/message.ts";
import type { WebhookMessage } from "./features/webhooks/message.ts";
import type { CallbackSecrets } from "./lib/callback-token.ts";
import { parseJson } from "./lib/json.ts";
import type { DarajaToken } from "./upstreams/daraja/token.ts";

/** What the runtime hands the Worker: bindings from wrangler.toml, and text settings. */
export interface Env {
  DB: D1Database;
  KEY_GATE: DurableObjectNamespace<KeyGate>;
  PHONE_LIMIT: DurableObjectNamespace<PhoneLimit>;
  DARAJA_TOKEN: DurableObjectNamespace<DarajaToken>;
  WEBHOOK_QUEUE: Queue<WebhookMessage>;
  PAYOUT_QUEUE: Queue<PayoutMessage>;
  SMS_QUEUE: Queue<SmsMessage>;
  NOTICE_QUEUE: Queue<NoticeMessage>;
  /** The second place for M-Pesa's callbacks, while the database takes none. */
  CALLBACK_QUEUE: Queue<CallbackMessage>;
  /** Cloudflare's email binding; used where no EMAIL_API_KEY is set. */
  EMAIL?: SendEmail;
  IP_LIMIT: RateLimit;
  /** Figures for operators; absent locally. */
  METRICS?: AnalyticsEngineDataset;
}

const text = z.string().min(1);

const share = z.number().min(0).max(1);
const count = z.int().positive();

/** The contract's table: windows in seconds, shares of what finished. */
const fraudSchema = z
  .object({
    burst: z
      .object({
        pushes: count.default(30),
        seconds: count.default(60),
        finished: count.default(10),
        finished_seconds: count.default(600),
        failed: share.default(0.5),
      })
      .prefault({}),
    cancel_rate: z
      .object({ finished: count.default(20), seconds: count.default(3_600), cancelled: share.default(0.6) })
      .prefault({}),
    failure_rate: z
      .object({ finished: count.default(20), seconds: count.default(3_600), failed: share.default(0.8) })
      .prefault({}),
    phone_diversity: z
      .object({
        finished: count.default(30),
        phones: count.default(30),
        seconds: count.default(600),
        completed: share.default(0.1),
      })
      .prefault({}),
  })
  .strict();

export type FraudLimits = z.infer<typeof fraudSchema>;

const limitsSchema = z
  .object({
    key_minute: z.int().positive().default(60),
    key_day: z.int().positive().default(10_000),
    phone_pushes: z.int().positive().default(3),
    phone_window_seconds: z.int().positive().default(300),
    fraud: fraudSchema.prefault({}),
  })
  .strict();

/** The limits of the text, all but the IP limit, which is the binding's. */
export type Limits = z.infer<typeof limitsSchema>;

const settingsSchema = z.object({
  PUBLIC_BASE_URL: z.url({ protocol: /^https?$/ }),
  ENVIRONMENT: z.enum(["sandbox", "production"]).optional(),
  /** Keys callback tokens, key locators and the sealing of what is stored for a merchant. */
  APP_SECRET: z.string().min(32),
  /** While it is rotated: callbacks that were asked for under the one before are still known. */
  APP_SECRET_PREVIOUS: z.string().min(32).optional(),
  OPERATOR_TOKEN: z.string().min(32),
  ROUTING: z.enum(["direct", "settle"]).optional(),
  DARAJA_BASE_URL: z.url({ protocol: /^https?$/ }),
  DARAJA_CONSUMER_KEY: text,
  DARAJA_CONSUMER_SECRET: text,
  DARAJA_SHORTCODE: z.string().regex(/^\d{5,7}$/),
  DARAJA_PASSKEY: text,
  /** A till's number, where DARAJA_SHORTCODE is its store number; without it the shortcode is a paybill. */
  DARAJA_TILL: z
    .string()
    .regex(/^\d{5,7}$/)
    .optional(),
  /** The host name of an egress proxy that stands in for Safaricom's in production. */
  DARAJA_EGRESS_HOST: z.string().optional(),
  /** Who sends payouts: the initiator's name, and its credential or its password with Safaricom's certificate. */
  DARAJA_INITIATOR: text.optional(),
  DARAJA_SECURITY_CREDENTIAL: text.optional(),
  DARAJA_INITIATOR_PASSWORD: text.optional(),
  DARAJA_CERTIFICATE: text.optional(),
  /** `YYYY-MM-DD`: the password ends 90 days later. */
  DARAJA_INITIATOR_PASSWORD_SET_ON: z.iso.date().optional(),
  /** `true`: no payout goes out, each waits as it is; everything else goes on. */
  PAYOUTS_PAUSED: z.stringbool().default(false),
  /** Whole shillings that a payout costs the merchant. */
  PAYOUT_FEE_B2C: z.coerce.number().int().min(0).default(0),
  PAYOUT_FEE_B2B: z.coerce.number().int().min(0).default(0),
  /** Whole shillings: with less on an account that payouts are made from, the operator is told. */
  FLOAT_ALERT_BELOW: z.coerce.number().int().min(0).default(20_000),
  /** Whole shillings for one SMS credit. */
  SMS_CREDIT_PRICE: z.coerce.number().int().min(1).default(1),
  /** An HTTP API of Resend's shape; without a key the EMAIL binding sends. */
  EMAIL_BASE_URL: z.url({ protocol: /^https?$/ }).default("https://api.resend.com"),
  EMAIL_API_KEY: text.optional(),
  EMAIL_FROM: text.default("SmartPay <noreply@smartpay.example>"),
  /** Where the gateway's own troubles are told. */
  OPERATOR_EMAIL: z.email().optional(),
  /** Where merchants write to; shown to them. */
  SUPPORT_EMAIL: z.email().optional(),
  /** Africa's Talking. */
  SMS_BASE_URL: z.url({ protocol: /^https?$/ }).default("https://api.africastalking.com"),
  SMS_USERNAME: text.optional(),
  SMS_API_KEY: text.optional(),
  SMS_SENDER_ID: text.optional(),
  WEBHOOK_RETRY_SECONDS: z
    .string()
    .regex(/^\d+(,\d+)*$/)
    .default("30,300,3000"),
  LIMITS: z.string().optional(),
  TIME_SCALE: z.coerce.number().positive().optional(),
});

export type Environment = "local" | "sandbox" | "production";

export interface Config {
  environment: Environment;
  /** Without a slash at its end. */
  publicBaseUrl: string;
  appSecret: string;
  /** The secret before this one, while it is rotated. */
  appSecretPrevious: string | undefined;
  operatorToken: string;
  routing: "direct" | "settle";
  daraja: DarajaConfig;
  payoutsPaused: boolean;
  payoutFees: { b2c: number; b2b: number };
  floatAlertBelow: number;
  smsCreditPrice: number;
  email: { baseUrl: string; apiKey: string | undefined; from: string };
  operatorEmail: string | undefined;
  supportEmail: string | undefined;
  sms: { baseUrl: string; username: string; apiKey: string; senderId: string | undefined } | undefined;
  limits: Limits;
  /** Pauses before a webhook's second, third and fourth attempt. */
  webhookRetryMs: number[];
  /** Shortens a pause or an expiry when TIME_SCALE is set locally; otherwise returns it unchanged. */
  scaled: (ms: number) => number;
  /** Hosts that no callback URL may name: our own and our upstreams'. */
  ownHosts: string[];
}

export interface DarajaConfig {
  baseUrl: string;
  consumerKey: string;
  consumerSecret: string;
  shortcode: string;
  passkey: string;
  till: string | undefined;
  /** Undefined where the operator pays nothing out. */
  initiator: Initiator | undefined;
}

export interface Initiator {
  name: string;
  /** Ready-made, or to be made of the password and the certificate. */
  credential: { ready: string } | { password: string; certificate: string };
  /** Milliseconds UTC; undefined where it is not known. */
  passwordSetAt: number | undefined;
}

/** Safaricom's with real money; its sandbox is another. */
const LIVE_DARAJA_HOST = "api.safaricom.co.ke";
const LOCAL_HOSTS = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** A configuration that is incomplete or contradicts itself, with every fault as `NAME: what is wrong`. */
export class ConfigError extends Error {
  constructor(readonly faults: string[]) {
    super(`Settings are missing or wrong:\n${faults.join("\n")}`);
  }
}

/**
 * Parses the settings once an isolate, and refuses to run on an incomplete set.
 * *Local* means that PUBLIC_BASE_URL is localhost: only then LIMITS and TIME_SCALE count.
 */
export function readConfig(env: Settings): Config {
  const parsed = settingsSchema.safeParse(env);
  const faults = [...(parsed.error?.issues ?? []).map(faultOf), ...halves(env)];
  const isLocal = LOCAL_HOSTS.has(hostOf(env.PUBLIC_BASE_URL));
  const environment = isLocal ? "local" : parsed.data?.ENVIRONMENT;
  if (!isLocal) faults.push(...unfitForOthers(env));
  else if (env.ENVIRONMENT === "production") {
    faults.push("PUBLIC_BASE_URL: must not be this machine's own address in production");
  }
  const limits = limitsSchema.safeParse(isLocal && env.LIMITS ? parseJson(String(env.LIMITS)) : {});
  if (!limits.success) faults.push(`LIMITS: ${limits.error.issues.map(faultOf).join("; ")}`);
  if (faults.length > 0 || !parsed.success || !environment || !limits.success) {
    throw new ConfigError([...new Set(faults)].sort());
  }
  const s = parsed.data;
  const factor = isLocal && s.TIME_SCALE ? (s.TIME_SCALE >= 1 ? 1 / s.TIME_SCALE : s.TIME_SCALE) : 1;
  return {
    environment,
    publicBaseUrl: s.PUBLIC_BASE_URL.replace(/\/+$/, ""),
    appSecret: s.APP_SECRET,
    appSecretPrevious: s.APP_SECRET_PREVIOUS,
    operatorToken: s.OPERATOR_TOKEN,
    routing: s.ROUTING ?? "direct",
    daraja: {
      baseUrl: s.DARAJA_BASE_URL.replace(/\/+$/, ""),
      consumerKey: s.DARAJA_CONSUMER_KEY,
      consumerSecret: s.DARAJA_CONSUMER_SECRET,
      shortcode: s.DARAJA_SHORTCODE,
      passkey: s.DARAJA_PASSKEY,
      till: s.DARAJA_TILL,
      initiator: initiatorOf(s),
    },
    payoutsPaused: s.PAYOUTS_PAUSED,
    payoutFees: { b2c: s.PAYOUT_FEE_B2C, b2b: s.PAYOUT_FEE_B2B },
    floatAlertBelow: s.FLOAT_ALERT_BELOW,
    smsCreditPrice: s.SMS_CREDIT_PRICE,
    email: { baseUrl: s.EMAIL_BASE_URL.replace(/\/+$/, ""), apiKey: s.EMAIL_API_KEY, from: s.EMAIL_FROM },
    operatorEmail: s.OPERATOR_EMAIL,
    supportEmail: s.SUPPORT_EMAIL,
    sms:
      s.SMS_USERNAME && s.SMS_API_KEY
        ? {
            baseUrl: s.SMS_BASE_URL.replace(/\/+$/, ""),
            username: s.SMS_USERNAME,
            apiKey: s.SMS_API_KEY,
            senderId: s.SMS_SENDER_ID,
          }
        : undefined,
    limits: limits.data,
    webhookRetryMs: s.WEBHOOK_RETRY_SECONDS.split(",").map((seconds) => Number(seconds) * 1_000 * factor),
    scaled: (ms) => ms * factor,
    ownHosts: [s.PUBLIC_BASE_URL, s.DARAJA_BASE_URL, s.SMS_BASE_URL, s.EMAIL_BASE_URL].flatMap(spellingsOf),
  };
}

/**
 * The secrets of callback tokens, whatever else is wrong with the settings; undefined where it is these.
 */
export function readCallbackSecrets(env: Settings): CallbackSecrets | undefined {
  const secret = settingsSchema.shape.APP_SECRET.safeParse(env.APP_SECRET);
  const previous = settingsSchema.shape.APP_SECRET_PREVIOUS.safeParse(env.APP_SECRET_PREVIOUS);
  return secret.success ? { appSecret: secret.data, appSecretPrevious: previous.data } : undefined;
}

/** What is wrong with the settings, and the token that permits to be told so; empty where there is none. */
export function checkSettings(env: Settings): { operatorToken: string; faults: string[] } {
  const operatorToken = typeof env.OPERATOR_TOKEN === "string" ? env.OPERATOR_TOKEN : "";
  try {
    readConfig(env);
    return { operatorToken, faults: [] };
  } catch (error) {
    if (error instanceof ConfigError) return { operatorToken, faults: error.faults };
    throw error;
  }
}

/** Names the setting; a value may be a secret and is never shown. */
const faultOf = ({ path, message }: { path: PropertyKey[]; message: string }) =>
  [path.map(String).join("."), message].filter(Boolean).join(": ");

const hostOf = (url: unknown) => (typeof url === "string" && URL.canParse(url) ? new URL(url).hostname : "");

type Settings = Env & Partial<Record<keyof z.input<typeof settingsSchema>, unknown>>;

/** What is of no use without its other half: nothing that was set is dropped in silence. */
function halves(env: Settings): string[] {
  const has = (name: keyof Settings) => env[name] !== undefined && env[name] !== "";
  const faults: string[] = [];
  const isPayer = [
    "DARAJA_INITIATOR",
    "DARAJA_SECURITY_CREDENTIAL",
    "DARAJA_INITIATOR_PASSWORD",
    "DARAJA_CERTIFICATE",
  ] as const;
  if (isPayer.some(has)) {
    const needed = "is missing, and the initiator of payouts needs it";
    if (!has("DARAJA_INITIATOR")) faults.push(`DARAJA_INITIATOR: ${needed}`);
    if (!has("DARAJA_SECURITY_CREDENTIAL")) {
      const [password, certificate] = [has("DARAJA_INITIATOR_PASSWORD"), has("DARAJA_CERTIFICATE")];
      if (password && !certificate) faults.push(`DARAJA_CERTIFICATE: ${needed}, beside the password`);
      if (!password && certificate)
        faults.push(`DARAJA_INITIATOR_PASSWORD: ${needed}, beside the certificate`);
      if (!password && !certificate) {
        faults.push(`DARAJA_SECURITY_CREDENTIAL: ${needed}, or its password and Safaricom's certificate`);
      }
    }
  }
  if (has("SMS_USERNAME") || has("SMS_API_KEY") || has("SMS_SENDER_ID")) {
    for (const name of ["SMS_USERNAME", "SMS_API_KEY"] as const) {
      if (!has(name)) faults.push(`${name}: is missing, and the SMS gateway needs it`);
    }
  }
  return faults;
}

/** What only a gateway on this machine may leave out, or have otherwise. */
function unfitForOthers(env: Settings): string[] {
  const faults: string[] = [];
  if (!env.ENVIRONMENT) {
    faults.push("ENVIRONMENT: must be sandbox or production unless PUBLIC_BASE_URL is localhost");
  }
  if (!env.ROUTING) faults.push("ROUTING: must be direct or settle");
  for (const name of ["PUBLIC_BASE_URL", "DARAJA_BASE_URL", "SMS_BASE_URL", "EMAIL_BASE_URL"] as const) {
    const url = env[name];
    if (typeof url === "string" && url !== "" && !/^https:/i.test(url)) faults.push(`${name}: must be https`);
  }
  if (!env.EMAIL_API_KEY && !env.EMAIL) {
    faults.push("EMAIL_API_KEY: is missing, and so is the binding EMAIL that could send in its place");
  }
  const darajaHost = hostOf(env.DARAJA_BASE_URL);
  const isLive = darajaHost === LIVE_DARAJA_HOST || darajaHost === env.DARAJA_EGRESS_HOST;
  if (env.ENVIRONMENT === "production" && darajaHost !== "" && !isLive) {
    faults.push(
      `DARAJA_BASE_URL: must be that of ${LIVE_DARAJA_HOST} in production, or of the host named in DARAJA_EGRESS_HOST`,
    );
  }
  return faults;
}

/** The host of a URL; of localhost by its address too. */
function spellingsOf(url: string): string[] {
  const { host, hostname } = new URL(url);
  return hostname === "localhost" ? [host, host.replace("localhost", "127.0.0.1")] : [host];
}

function initiatorOf(s: z.output<typeof settingsSchema>): Initiator | undefined {
  const {
    DARAJA_SECURITY_CREDENTIAL: ready,
    DARAJA_INITIATOR_PASSWORD: password,
    DARAJA_CERTIFICATE: certificate,
  } = s;
  const credential = ready ? { ready } : password && certificate ? { password, certificate } : undefined;
  if (!s.DARAJA_INITIATOR || !credential) return undefined;
  const setOn = s.DARAJA_INITIATOR_PASSWORD_SET_ON;
  return {
    name: s.DARAJA_INITIATOR,
    credential,
    passwordSetAt: setOn ? Date.parse(`${setOn}T00:00:00+03:00`) : undefined,
  };
}
