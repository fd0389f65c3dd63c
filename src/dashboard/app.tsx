import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { ApiError } from "../errors.ts";
import { logFault } from "../http/log.ts";
import { toApiError } from "../http/on-error.ts";
import { MAX_BODY_BYTES } from "../http/validate.ts";
import { consolePages } from "../operator/pages/app.ts";
import { asOperator } from "../operator/pages/guard.ts";
import type { PageContext, PageEnv } from "./context.ts";
import { asMerchant, limitAddress, prepare, sameSite, signedIn } from "./guard.ts";
import { CardPage, show } from "./layout.tsx";
import { apiPages } from "./pages/api.tsx";
import { apiKeyPages } from "./pages/api-key.tsx";
import { buyingPages } from "./pages/buying.tsx";
import { emailPages } from "./pages/email.tsx";
import { homePages } from "./pages/home.tsx";
import { joinPages } from "./pages/join.tsx";
import { namePages } from "./pages/name.tsx";
import { paymentsPages } from "./pages/payments-pages.ts";
import { planPages } from "./pages/plan.tsx";
import { settingsPages } from "./pages/settings.tsx";
import { signInPages } from "./pages/signin.tsx";
import { smsPages } from "./pages/sms.tsx";
import { verifyPhonePages } from "./pages/verify-phone.tsx";
import { walletPages } from "./pages/wallet.tsx";
import { webhookPages } from "./pages/webhooks.tsx";
import { sentenceOf } from "./words.ts";

/** All pages: middleware in the order in which a request meets it, then a line for each part. */
export function createPages() {
  const app = new Hono<PageEnv>({ strict: false });
  app.use(prepare, limitAddress, sameSite);
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: () => {
        throw new ApiError("PAYLOAD_TOO_LARGE");
      },
    }),
  );

  app.get("/", (c) => c.redirect("/dashboard"));
  // The addresses that the API's text and older links name.
  app.get("/signup.php", (c) => c.redirect("/signup", 301));
  app.get("/login.php", (c) => c.redirect("/login", 301));
  app.route("/", joinPages);
  app.route("/", signInPages);

  app.use("/dashboard/*", signedIn, asMerchant);
  app.route("/dashboard", homePages);
  app.route("/dashboard", paymentsPages);
  app.route("/dashboard", verifyPhonePages);
  app.route("/dashboard", apiPages);
  app.route("/dashboard", webhookPages);
  app.route("/dashboard", apiKeyPages);
  app.route("/dashboard", walletPages);
  app.route("/dashboard", smsPages);
  app.route("/dashboard", planPages);
  app.route("/dashboard", buyingPages);
  app.route("/dashboard", settingsPages);
  app.route("/dashboard", namePages);
  app.route("/dashboard", emailPages);

  app.use("/operator/*", signedIn, asOperator);
  app.route("/operator", consolePages);

  app.notFound((c) => trouble(new ApiError("NOT_FOUND", { message: "There is no such page." }), c));
  app.onError(trouble);
  return app;
}

/** A page that says what is wrong, and what to do about it. */
function trouble(error: Error, c: PageContext) {
  const answer = toApiError(error);
  c.env.logFields.error_code = answer.code;
  if (answer.status >= 500) logFault(c.env.requestId, answer.cause ?? error);
  if (answer.retryAfterSeconds !== undefined) c.header("Retry-After", String(answer.retryAfterSeconds));
  const isConsole = c.req.path.startsWith("/operator");
  const page = (
    <CardPage title="Sorry">
      <h1 class="mb-2">{answer.code === "NOT_FOUND" ? "Nothing here" : "This did not work"}</h1>
      <p class="mb-4">{answer.message}</p>
      {answer.fields.map((field) => (
        <p class="mb-4">{sentenceOf(field)}</p>
      ))}
      <p class="mb-4">
        <a class="quiet-link" href={isConsole ? "/operator" : "/dashboard"}>
          {isConsole ? "Back to the console" : "Back to the dashboard"}
        </a>
      </p>
      <p class="soft text-sm">{`Request ${c.env.requestId}`}</p>
    </CardPage>
  );
  // The catalogue's statuses are all ones that have a body.
  return show(c, page, answer.status as Parameters<typeof show>[2]);
}
