import type { Context } from "hono";
import type { Deps } from "../deps.ts";
import type { Joined } from "../features/account/join.ts";
import type { Auth } from "../features/users/auth-store.ts";

type Session = Auth["$Infer"]["Session"];

/** What a page finds beside its request. */
export type PageEnv = {
  Bindings: {
    deps: Deps;
    requestId: string;
    logFields: Record<string, string | number | boolean | null>;
    ipLimit: RateLimit;
  };
  Variables: {
    deps: Deps;
    auth: Auth;
    /** Only behind `signedIn`. */
    user: Session["user"];
    session: Session["session"];
    /** Only behind `asMerchant`. */
    merchant: Joined["merchant"];
    merchantId: Joined["merchantId"];
  };
};

export type PageContext = Context<PageEnv>;
