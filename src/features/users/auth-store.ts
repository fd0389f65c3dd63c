import { drizzleAdapter } from "@better-auth/drizzle-adapter";
import { betterAuth } from "better-auth/minimal";
import { twoFactor } from "better-auth/plugins/two-factor";
import type { Db } from "../../db/client.ts";
import { credentials, sessions, twoFactors, users, verifications } from "../../db/schema.ts";
import type { Config } from "../../env.ts";
import { logFault } from "../../http/log.ts";
import { DAY_MS, HOUR_MS, SECOND_MS } from "../../lib/clock.ts";
import { randomHex } from "../../lib/hash.ts";
import type { EmailPort } from "../../upstreams/email/port.ts";
import { findIdByEmail, removeEmailChange } from "./email-store.ts";
import { hashPassword, verifyPassword } from "./password.ts";

export type AuthDeps = {
  db: Db;
  config: Pick<Config, "publicBaseUrl" | "appSecret" | "environment">;
  email: EmailPort;
  background: (work: Promise<unknown>) => void;
};

export const MIN_PASSWORD = 10;
export const MAX_PASSWORD = 128;

/**
 * Users, sessions, passwords and second factors, by better-auth. Its own HTTP endpoints are not mounted:
 * our pages call its functions, behind our own throttle and our own check of where a form comes from.
 */
export function createAuth(deps: AuthDeps) {
  const { config, db } = deps;
  const isLocal = config.environment === "local";
  return betterAuth({
    baseURL: config.publicBaseUrl,
    basePath: "/auth",
    // Apart from what else APP_SECRET keys.
    secret: `sessions:${config.appSecret}`,
    database: drizzleAdapter(db, {
      provider: "sqlite",
      schema: { users, sessions, credentials, verifications, twoFactors },
    }),
    user: {
      modelName: "users",
      additionalFields: {
        role: { type: "string", input: false, defaultValue: "merchant" },
        phone: { type: "string", required: false },
      },
    },
    session: {
      modelName: "sessions",
      expiresIn: (7 * DAY_MS) / SECOND_MS,
      updateAge: DAY_MS / SECOND_MS,
    },
    account: { modelName: "credentials" },
    verification: { modelName: "verifications", storeIdentifier: "hashed" },
    emailAndPassword: {
      enabled: true,
      minPasswordLength: MIN_PASSWORD,
      maxPasswordLength: MAX_PASSWORD,
      password: { hash: hashPassword, verify: verifyPassword },
      revokeSessionsOnPasswordReset: true,
      resetPasswordTokenExpiresIn: HOUR_MS / SECOND_MS,
      // Whoever asked for another address may have known the password that was forgotten.
      onPasswordReset: ({ user }) => removeEmailChange(db, user.id),
      // Behind the answer, so that its time does not tell whether the address is known.
      sendResetPassword: async ({ user, token }) => {
        const send = async () => {
          // The address may have been changed since it was looked for: it brings nobody in any more.
          if ((await findIdByEmail(db, user.email)) !== user.id) return;
          await deps.email.send({
            id: `password_reset:${randomHex(16)}`,
            to: user.email,
            subject: "Choose a new SmartPay password",
            text: `Hello ${user.name},\n\nOpen this page within an hour to choose a new password:\n\n${config.publicBaseUrl}/reset-password?token=${token}\n\nIf it was not you who asked, you need do nothing: your password stays as it is.\n`,
          });
        };
        deps.background(send().catch((error) => logFault("password reset email", error)));
      },
    },
    plugins: [twoFactor({ issuer: "SmartPay", twoFactorTable: "twoFactors" })],
    advanced: {
      // A browser takes __Host- and Secure from https alone, and Safari not even from http://localhost.
      useSecureCookies: false,
      cookiePrefix: isLocal ? "smartpay" : "__Host-smartpay",
      defaultCookieAttributes: { httpOnly: true, secure: !isLocal, sameSite: "lax", path: "/" },
      ipAddress: { ipAddressHeaders: ["cf-connecting-ip"] },
    },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { disabled: true },
  });
}

export type Auth = ReturnType<typeof createAuth>;
