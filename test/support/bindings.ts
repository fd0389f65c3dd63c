import { env } from "cloudflare:test";
import { type Options, slowed } from "../../bench/worker/bindings.ts";

export { depth, type Trip } from "../../bench/worker/bindings.ts";

/** The real D1 and Durable Objects, each call of which takes longer and is recorded. */
export const slowBindings = (options: Options) => slowed(env, options);
