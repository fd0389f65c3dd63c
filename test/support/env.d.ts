/// <reference types="vite/types/importMeta.d.ts" />
import type { D1Migration } from "cloudflare:test";
import type { Env as GatewayEnv } from "../../src/env.ts";

declare global {
  namespace Cloudflare {
    interface Env extends GatewayEnv {
      TEST_MIGRATIONS: D1Migration[];
      TEST_SEED: string;
      OPERATOR_TOKEN: string;
      APP_SECRET: string;
    }
  }
}
