import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { buildAssets } from "./scripts/assets.mjs";

buildAssets();

/** The Workers' tests, each in workerd with its own bindings. The end-to-end tests run in Node beside them. */
export default defineConfig({
  test: {
    // One more than the two cores of CI's machine: an end-to-end test waits more than it works.
    maxWorkers: 3,
    projects: [
      {
        plugins: [
          cloudflareTest(async () => ({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: {
                TEST_MIGRATIONS: await readD1Migrations("./migrations"),
                TEST_SEED: process.env.TEST_SEED ?? "1",
                PUBLIC_BASE_URL: "http://localhost:8787",
                APP_SECRET: "a secret for the tests, of 32 characters or more",
                OPERATOR_TOKEN: "an-operator-token-for-the-tests-of-32-characters",
                DARAJA_BASE_URL: "https://daraja.test",
                DARAJA_CONSUMER_KEY: "consumer",
                DARAJA_CONSUMER_SECRET: "consumer-secret",
                DARAJA_SHORTCODE: "600999",
                DARAJA_PASSKEY: "passkey",
                SMS_BASE_URL: "https://sms.test",
                SMS_USERNAME: "sandbox",
                SMS_API_KEY: "sms-key",
                EMAIL_BASE_URL: "https://email.test",
                EMAIL_API_KEY: "email-key",
                OPERATOR_EMAIL: "operator@smartpay.test",
              },
            },
          })),
        ],
        test: {
          name: "gateway",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**", "test/conformance/**"],
          setupFiles: ["./test/support/setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        plugins: [cloudflareTest({ wrangler: { configPath: "./simulator/wrangler.toml" } })],
        test: {
          name: "simulator",
          include: ["simulator/test/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: { name: "e2e", include: ["test/e2e/**/*.test.ts"], testTimeout: 300_000, hookTimeout: 300_000 },
      },
    ],
  },
});
