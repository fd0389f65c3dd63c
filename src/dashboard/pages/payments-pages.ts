import { Hono } from "hono";
import type { PageEnv } from "../context.ts";
import { paymentPages } from "./payment.tsx";
import { paymentRequestPages } from "./payment-new.tsx";
import { paymentListPages } from "./payments.tsx";

/** The list, the form, and then one payment, whose path would take theirs. */
export const paymentsPages = new Hono<PageEnv>()
  .route("/", paymentListPages)
  .route("/", paymentRequestPages)
  .route("/", paymentPages);
