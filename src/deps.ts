import { connect, type Db } from "./db/client.ts";
import { createRoom, type Room } from "./db/room.ts";
import { type Config, ConfigError, type Env, readConfig } from "./env.ts";
import type { CallbackMessage } from "./features/callbacks/message.ts";
import { type LimitsPort, limitsOf } from "./features/limits/port.ts";
import type { NoticeMessage } from "./features/notices/message.ts";
import type { PayoutMessage } from "./features/payouts/message.ts";
import type { SmsMessage } from "./features/sms/message.ts";
import type { WebhookMessage } from "./features/webhooks/message.ts";
import { logFault } from "./http/log.ts";
import type { Clock } from "./lib/clock.ts";
import { createMeter, type Meter } from "./lib/meter.ts";
import { healthClient } from "./upstreams/daraja/health-client.ts";
import { darajaHttp } from "./upstreams/daraja/http.ts";
import { payoutClient } from "./upstreams/daraja/payout-client.ts";
import type {
  DarajaHealthPort,
  DarajaPayoutPort,
  DarajaPort,
  DarajaStatementPort,
} from "./upstreams/daraja/port.ts";
import { statementClient } from "./upstreams/daraja/statement-client.ts";
import { stkClient } from "./upstreams/daraja/stk-client.ts";
import { type DnsPort, dnsOverHttps, noDns } from "./upstreams/dns/client.ts";
import { cloudflareEmail } from "./upstreams/email/cloudflare.ts";
import type { EmailPort } from "./upstreams/email/port.ts";
import { resendEmail } from "./upstreams/email/resend.ts";
import { analyticsEngine } from "./upstreams/metrics/analytics-engine.ts";
import type { Metrics } from "./upstreams/metrics/port.ts";
import { createOutgoing, type Outgoing } from "./upstreams/outgoing.ts";
import { smsGatewayClient } from "./upstreams/sms-gateway/client.ts";
import type { SmsPort } from "./upstreams/sms-gateway/port.ts";

/** What the doors hand to the verbs. */
export interface Deps extends Room {
  config: Config;
  db: Db;
  now: Clock;
  outgoing: Outgoing;
  limits: LimitsPort;
  daraja: DarajaPort;
  darajaPayouts: DarajaPayoutPort;
  darajaStatement: DarajaStatementPort;
  darajaHealth: DarajaHealthPort;
  metrics: Metrics;
  dns: DnsPort;
  email: EmailPort;
  /** Undefined where no SMS gateway is configured. */
  sms: SmsPort | undefined;
  webhookQueue: Pick<Queue<WebhookMessage>, "send" | "sendBatch">;
  webhooksByQueue: boolean;
  payoutQueue: Pick<Queue<PayoutMessage>, "send">;
  smsQueue: Pick<Queue<SmsMessage>, "send" | "sendBatch">;
  noticeQueue: Pick<Queue<NoticeMessage>, "send">;
  callbackQueue: Pick<Queue<CallbackMessage>, "send">;
  /** All of them, by the last part of their names. */
  queues: Record<string, Queue>;
  meter: Meter;
  /** Goes on after the answer was given. */
  background: (work: Promise<unknown>) => void;
}

/** The isolate's: what is counted in memory is stored from time to time. */
export const meter = createMeter();

const configs = new WeakMap<object, Config>();

/** Parsed once an isolate, for as long as it is given the same settings. */
function configOf(env: Env): Config {
  const known = configs.get(env);
  if (known) return known;
  const config = readConfig(env);
  configs.set(env, config);
  return config;
}

/** Whether the settings are whole: without that there are no deps. */
export function isConfigured(env: Env): boolean {
  try {
    configOf(env);
    return true;
  } catch (error) {
    if (error instanceof ConfigError) return false;
    throw error;
  }
}

/** The only place where adapters are built from the bindings. */
export function createDeps(env: Env, ctx: Pick<ExecutionContext, "waitUntil">): Deps {
  const config = configOf(env);
  const now = Date.now;
  const metrics = analyticsEngine(env.METRICS);
  const outgoing = createOutgoing();
  const { noteCall, hasRoom } = createRoom();
  const { daraja: darajaConfig, scaled } = config;
  const tokens = env.DARAJA_TOKEN;
  const daraja = darajaHttp({ config: darajaConfig, scaled, tokens, now, metrics, meter, outgoing });
  return {
    config,
    db: connect(env.DB, noteCall),
    hasRoom,
    now,
    outgoing,
    limits: limitsOf(env, config.limits),
    daraja: stkClient(daraja),
    darajaPayouts: payoutClient(daraja),
    darajaStatement: statementClient(daraja),
    darajaHealth: healthClient(daraja),
    metrics,
    dns: config.environment === "local" ? noDns : dnsOverHttps(outgoing),
    email: emailOf(env, config, outgoing),
    sms: config.sms && smsGatewayClient({ config: config.sms, scaled, outgoing }),
    webhookQueue: env.WEBHOOK_QUEUE,
    webhooksByQueue: false,
    payoutQueue: env.PAYOUT_QUEUE,
    smsQueue: env.SMS_QUEUE,
    noticeQueue: env.NOTICE_QUEUE,
    callbackQueue: env.CALLBACK_QUEUE,
    queues: {
      webhooks: env.WEBHOOK_QUEUE,
      payouts: env.PAYOUT_QUEUE,
      sms: env.SMS_QUEUE,
      notices: env.NOTICE_QUEUE,
      callbacks: env.CALLBACK_QUEUE,
    } as Record<string, Queue>, // a probe is a message to any of them
    meter,
    background: (work) => ctx.waitUntil(work.catch((error) => logFault("background work", error))),
  };
}

function emailOf(env: Env, { email }: Config, outgoing: Outgoing): EmailPort {
  const { apiKey, from, baseUrl } = email;
  if (apiKey) return resendEmail({ baseUrl, apiKey, from, outgoing });
  if (env.EMAIL) return cloudflareEmail({ binding: env.EMAIL, from });
  return {
    send: async () => {
      throw new Error("no email service is configured: set EMAIL_API_KEY or the EMAIL binding");
    },
  };
}
