import { Hono } from "hono";
import type { PageEnv } from "../../dashboard/context.ts";
import { bookPages } from "./books.tsx";
import { deadPages } from "./dead.tsx";
import { nowPages } from "./home.tsx";
import { merchantPages } from "./merchants.tsx";
import { secondFactorPages } from "./second-factor.tsx";
import { unclearPages } from "./unclear.tsx";

/** The operator's console, behind `asOperator`. */
export const consolePages = new Hono<PageEnv>()
  .route("/", nowPages)
  .route("/", secondFactorPages)
  .route("/", unclearPages)
  .route("/", deadPages)
  .route("/", merchantPages)
  .route("/", bookPages);
