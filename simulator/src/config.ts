import type { Network } from "./network.ts";

export type Env = {
  NETWORK: DurableObjectNamespace<Network>;
  ASSETS: Fetcher;
  SHORTCODE?: string;
  PASSKEY?: string;
  CONSUMER_KEY?: string;
  CONSUMER_SECRET?: string;
  INITIATOR?: string;
  ORGANISATION_NAME?: string;
  SMS_USERNAME?: string;
  SMS_API_KEY?: string;
  SMS_DELIVERY_REPORT_URL?: string;
  EMAIL_API_KEY?: string;
  TIME_SCALE?: string;
  SIMULATOR_SECRET?: string;
  LOCKED?: string;
};

/** What everybody knows of a local run, and nobody may know of one that others can reach. */
const SECRETS = [
  "SIMULATOR_SECRET",
  "CONSUMER_KEY",
  "CONSUMER_SECRET",
  "PASSKEY",
  "SMS_API_KEY",
  "EMAIL_API_KEY",
] as const;

/** The secrets without which a locked simulator answers nothing; none where it is not locked. */
export const missingSecrets = (env: Env): string[] =>
  env.LOCKED ? SECRETS.filter((name) => (env[name] ?? "").length < MIN_SECRET) : [];

const MIN_SECRET = 16;

export type Config = ReturnType<typeof readConfig>;

/** The simulated organisation. The defaults are for a local run, where nothing here is a secret. */
export function readConfig(env: Env) {
  return {
    shortcode: env.SHORTCODE || "600999",
    passkey: env.PASSKEY || "simulator-passkey",
    consumerKey: env.CONSUMER_KEY || "simulator-key",
    consumerSecret: env.CONSUMER_SECRET || "simulator-secret",
    initiator: env.INITIATOR || "simulator",
    organisationName: env.ORGANISATION_NAME || "SMARTPAY",
    smsUsername: env.SMS_USERNAME || "sandbox",
    smsApiKey: env.SMS_API_KEY || "simulator-sms-key",
    smsDeliveryReportUrl: env.SMS_DELIVERY_REPORT_URL || undefined,
    emailApiKey: env.EMAIL_API_KEY || "simulator-email-key",
    secret: env.SIMULATOR_SECRET || undefined,
    timeFactor: timeFactor(env.TIME_SCALE),
  };
}

/** What every pause is multiplied by: 10 and 0.1 both make a minute six seconds. */
export function timeFactor(scale: string | undefined): number {
  const value = Number(scale || "1");
  if (!Number.isFinite(value) || value <= 0) return 1;
  return value >= 1 ? 1 / value : value;
}
