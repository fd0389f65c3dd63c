import type { Context } from "hono";
import type { Deps } from "../deps.ts";
import type { Env } from "../env.ts";
import type { Caller } from "../features/keys/caller.ts";
import type { StoredKey } from "../features/keys/store.ts";

/** What the middleware leaves for the doors behind it. */
export type AppEnv = {
  Bindings: Env;
  Variables: {
    requestId: string;
    deps: Deps;
    /** Only behind `authenticated()`. */
    caller: Caller;
    /** Only behind `admitted()`: the key that was authenticated, counted and allowed to. */
    key: StoredKey;
    /** Whether answers have `status` beside `success`. */
    hasStatus?: boolean;
    /** Whether failures have `error` beside `message`. */
    hasErrorText?: boolean;
    /** What the request's log line says beside the usual: ids, codes, never keys or whole numbers. */
    logFields: Record<string, string | number | boolean | null>;
  };
};

export type AppContext = Context<AppEnv>;
