import { createApp } from "./app.ts";
import { createDeps, meter } from "./deps.ts";
import type { Env } from "./env.ts";
import { storeMeterSoon } from "./features/operations/record.ts";
import { bringMessages } from "./queues.ts";
import { runSchedule } from "./schedule.ts";

export { KeyGate } from "./features/limits/key-gate.ts";
export { PhoneLimit } from "./features/limits/phone-limit.ts";
export { DarajaToken } from "./upstreams/daraja/token.ts";

const app = createApp();

export default {
  fetch: async (request, env, ctx) => {
    const response = await app.fetch(request, env, ctx);
    storeMeterSoon(meter, () => createDeps(env, ctx));
    return response;
  },
  queue: bringMessages,
  scheduled: (event, env, ctx) => runSchedule(event.cron, createDeps(env, ctx)),
} satisfies ExportedHandler<Env>;
