import { applyD1Migrations, env } from "cloudflare:test";
import { configureGlobal } from "fast-check";

// The same cases for the same code: what a change is refused for can be had again.
configureGlobal({ seed: Number(env.TEST_SEED) });
await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
