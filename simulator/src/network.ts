import { DurableObject } from "cloudflare:workers";
import type { Hono } from "hono";
import { createApp } from "./app.ts";
import { type Env, readConfig } from "./config.ts";
import { wakeForNextJob } from "./jobs/queue.ts";
import { runDueJobs } from "./jobs/run.ts";
import { openPhonePage, refreshPages } from "./phone/live-pages.ts";
import { createTables, emptyTables } from "./schema.ts";
import type { World } from "./world.ts";

/** The simulated network: one object holds all of it, so that it survives a restart as a whole. */
export class Network extends DurableObject<Env> {
  private readonly world: World;
  private readonly app: Hono;
  /** The time the alarm is set to, where this is known; setting it anew costs a write. */
  private alarmTime: number | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { sql } = ctx.storage;
    createTables(sql);
    this.world = {
      sql,
      config: readConfig(env),
      now: () => Date.now(),
      wakeAt: (time) => {
        if (time === this.alarmTime) return;
        this.alarmTime = time;
        void ctx.storage.setAlarm(time);
      },
      background: (work) => ctx.waitUntil(work),
      phoneChanged: (msisdn) => refreshPages(ctx, this.world, msisdn),
      openPhonePage: (msisdn, onlyPrompt) => openPhonePage(ctx, this.world, msisdn, onlyPrompt),
      reset: () => {
        emptyTables(sql);
        this.alarmTime = undefined;
        void ctx.storage.deleteAlarm();
        refreshPages(ctx, this.world);
      },
    };
    this.app = createApp(this.world);
    wakeForNextJob(this.world);
  }

  override fetch(request: Request): Response | Promise<Response> {
    return this.app.fetch(request);
  }

  override alarm(): void {
    this.alarmTime = undefined;
    runDueJobs(this.world);
  }
}
