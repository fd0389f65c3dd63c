import { Hono } from "hono";
import { cors } from "hono/cors";
import { pageRoutes } from "./dashboard/door.ts";
import { createDeps, isConfigured } from "./deps.ts";
import { docsRoutes } from "./docs/routes.tsx";
import { ApiError } from "./errors.ts";
import { accountRoutes } from "./features/account/routes.ts";
import { healthRoutes, readyRoutes, unreadyRoutes } from "./features/health/routes.ts";
import { keyRoutes } from "./features/keys/routes.ts";
import { stkCallback } from "./features/payments/callback.ts";
import { compatRoutes } from "./features/payments/compat-routes.ts";
import { paymentRoutes } from "./features/payments/routes.ts";
import { payoutCallback } from "./features/payouts/callback.ts";
import { payoutRoutes } from "./features/payouts/routes.ts";
import { purchaseRoutes } from "./features/purchases/routes.ts";
import { heldCallbacks } from "./features/reconciliation/held-callbacks.ts";
import { statementRoutes } from "./features/reconciliation/routes.ts";
import { smsCallback } from "./features/sms/callback.ts";
import { smsRoutes } from "./features/sms/routes.ts";
import { webhookRoutes } from "./features/webhooks/routes.ts";
import type { AppEnv } from "./http/context.ts";
import { success, withErrorText, withStatus } from "./http/envelope.ts";
import { ipLimit } from "./http/ip-limit.ts";
import { requestLog } from "./http/log.ts";
import { onError } from "./http/on-error.ts";
import { rateLimitHeaders } from "./http/rate-limit-headers.ts";
import { requestId } from "./http/request-id.ts";
import { doctorRoutes } from "./operator/doctor.ts";
import { operatorRoutes } from "./operator/routes.ts";

/** The gateway's HTTP side: middleware in the order in which a request meets it, then a line a feature. */
export function createApp() {
  const app = new Hono<AppEnv>({ strict: false });

  app.use(requestId, requestLog);
  // In front of the settings, which may be what is wrong.
  app.route("/", healthRoutes);
  app.route("/", unreadyRoutes(isConfigured));
  app.route("/", doctorRoutes);
  app.route("/cb", heldCallbacks(isConfigured));
  app.use(async (c, next) => {
    c.set("deps", createDeps(c.env, c.executionCtx));
    await next();
  });
  // In front of the IP limit: upstreams' calls, known by the secret in their URL, and what
  // people read. Pages count in it themselves.
  app.route("/cb/stk", stkCallback);
  app.route("/cb/payout", payoutCallback);
  app.route("/cb/sms", smsCallback);
  app.route("/", docsRoutes);
  app.route("/", pageRoutes);
  app.use("/v1/sms/*", withStatus);
  app.on("POST", ["/v1/initiatestk", "/v1/stkpush", "/v1/transactionstatus"], withErrorText);
  app.use("/v1/*", cors({ origin: "*", exposeHeaders: EXPOSED_HEADERS }), rateLimitHeaders);
  app.use(ipLimit);

  app.route("/", readyRoutes);
  app.get("/v1/ping", (c) => success(c, { message: "pong", environment: c.var.deps.config.environment }));
  app.route("/v1", purchaseRoutes);
  app.route("/v1/keys", keyRoutes);
  app.route("/v1/account", accountRoutes);
  app.route("/v1/sms", smsRoutes);
  app.route("/v1", paymentRoutes);
  app.route("/v1", compatRoutes);
  app.route("/v1", payoutRoutes);
  app.route("/v1/statements", statementRoutes);
  app.route("/v1", webhookRoutes);
  app.route("/operator/v1", operatorRoutes);

  app.notFound((c) => onError(new ApiError("NOT_FOUND"), c));
  app.onError(onError);
  return app;
}

const EXPOSED_HEADERS = [
  "X-Request-Id",
  "X-RateLimit-Remaining",
  "X-RateLimit-Day-Remaining",
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
  "Idempotent-Replayed",
];
