import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { type Unstable_Config as Config, unstable_readConfig as readConfig } from "wrangler";

const CONFIG = "wrangler.toml";
const SIMULATOR = "simulator/wrangler.toml";
const wrangler = join(
  dirname(createRequire(import.meta.url).resolve("wrangler/package.json")),
  "bin/wrangler.js",
);

const configOf = (env: string | undefined, config = CONFIG) => readConfig({ config, env });

/** What a Worker can reach, by name, without what each environment calls its own. */
const bindingsOf = (config: Config) => ({
  databases: config.d1_databases.map(({ binding, migrations_dir }) => [binding, migrations_dir]),
  objects: config.durable_objects.bindings.map(({ name, class_name }) => [name, class_name]),
  producers: config.queues.producers?.map(({ binding, queue }) => [binding, queue?.split("-").at(-1)]),
  consumers: config.queues.consumers?.map(({ queue, dead_letter_queue, ...settings }) => [
    queue.split("-").at(-1),
    dead_letter_queue?.split("-").at(-1),
    settings,
  ]),
  limits: config.ratelimits.map(({ name, simple }) => [name, simple]),
  crons: config.triggers.crons,
  migrations: config.migrations,
  rules: config.rules,
  assets: config.assets,
  flags: config.compatibility_flags,
});

async function dryRun(config: string, env: string): Promise<string> {
  const args = ["deploy", "--dry-run", "--config", config, `--env=${env}`];
  const outdir = join(tmpdir(), `smartpay-dry-${config.split("/")[0]}-${env}`);
  const { stdout } = await promisify(execFile)(process.execPath, [wrangler, ...args, "--outdir", outdir], {
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false", CI: "true" },
  });
  return stdout;
}

describe.each(["production", "sandbox"])("the environment %s", (name) => {
  const config = configOf(name);

  it("has every binding, limit and cron of the one that the tests run", () => {
    expect(bindingsOf(config)).toEqual(bindingsOf(configOf(undefined)));
  });

  it("has a consumer for every queue, each with its dead-letter queue, which has one itself", () => {
    const { producers = [], consumers = [] } = config.queues;
    const consumed = consumers.map(({ queue }: { queue: string }) => queue);
    expect(producers.filter(({ queue = "" }) => !consumed.includes(queue))).toEqual([]);
    for (const consumer of consumers) {
      if (consumer.queue.endsWith("-dead")) continue;
      expect(consumed).toContain(consumer.dead_letter_queue);
    }
  });

  it("shares no queue, database, limit or dataset with another", () => {
    const ownNames = (env: string | undefined) => {
      const { queues, d1_databases, ratelimits, analytics_engine_datasets } = configOf(env);
      return [
        ...(queues.consumers ?? []).map(({ queue }: { queue: string }) => queue),
        ...d1_databases.map(({ database_name = "" }) => database_name),
        ...ratelimits.map(({ namespace_id }: { namespace_id: string }) => namespace_id),
        ...analytics_engine_datasets.map(({ dataset = "" }) => dataset),
      ];
    };
    const others = [undefined, "production", "sandbox"].filter((other) => other !== name).flatMap(ownNames);
    expect(ownNames(name).filter((own) => others.includes(own))).toEqual([]);
  });

  it("keeps the URLs of callbacks, which hold their tokens, out of the runtime's own logs", () => {
    expect(config.observability).toMatchObject({ enabled: true, logs: { invocation_logs: false } });
  });

  it("can be deployed", async () => {
    const output = await dryRun(CONFIG, name);
    expect(output).toContain(`env.DB (smartpay-${name})`);
    expect(output).toContain("--dry-run: exiting now.");
  });
});

describe("the sandbox's simulator", () => {
  it("is the sandbox's upstream for M-Pesa, SMS and email, and locked", () => {
    const gateway = configOf("sandbox").vars;
    const simulator = configOf("sandbox", SIMULATOR);
    for (const setting of ["DARAJA_BASE_URL", "SMS_BASE_URL", "EMAIL_BASE_URL"]) {
      expect(gateway[setting]).toContain(`//${simulator.name}.`);
    }
    expect(simulator.vars).toMatchObject({ LOCKED: "true", SHORTCODE: gateway.DARAJA_SHORTCODE });
  });

  it("can be deployed", async () => {
    const output = await dryRun(SIMULATOR, "sandbox");
    expect(output).toContain("env.NETWORK (Network)");
    expect(output).toContain("--dry-run: exiting now.");
  });
});

it("the Worker that the deploy button makes can be deployed", async () => {
  expect(await dryRun(CONFIG, "")).toContain("env.DB (smartpay)");
});
