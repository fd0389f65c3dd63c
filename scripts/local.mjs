// The gateway and the simulator on this machine: what `npm start` and `npm run chaos` both run.
import { spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "./ports.mjs";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const wrangler = join(
  dirname(createRequire(import.meta.url).resolve("wrangler/package.json")),
  "bin/wrangler.js",
);

const CRONS = JSON.parse(/^crons = (.*)$/m.exec(readFileSync(join(root, "wrangler.toml"), "utf8"))[1]);

/** Seconds on a free machine. A Worker that cannot start ends by itself, and is told of at once. */
const STARTS_WITHIN_MS = 180_000;

/** What the gateway takes over from the environment as it is. */
const PASSED_ON = [
  "ROUTING",
  "LIMITS",
  "TIME_SCALE",
  "WEBHOOK_RETRY_SECONDS",
  "PAYOUTS_PAUSED",
  "PAYOUT_FEE_B2C",
  "PAYOUT_FEE_B2B",
  "FLOAT_ALERT_BELOW",
  "SMS_CREDIT_PRICE",
  "SUPPORT_EMAIL",
  "DARAJA_CONSUMER_KEY",
  "DARAJA_CONSUMER_SECRET",
  "DARAJA_SHORTCODE",
  "DARAJA_PASSKEY",
  "DARAJA_TILL",
];

/** wrangler offline, and without anything that it would ask or tell. */
export const QUIET = {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_HIDE_BANNER: "true",
  X_LOCAL_OBSERVABILITY: "false",
  CI: "true",
};

export class Local {
  children = new Set();
  stopping = false;

  /** `onFailure` is told, in words for whoever started this, why it cannot go on. */
  constructor({ port, simulatorPort, stateDir, env, onFailure }) {
    this.stateDir = stateDir;
    this.env = env;
    this.onFailure = onFailure;
    this.ports = { gateway: port, simulator: simulatorPort };
    this.gatewayUrl = `http://localhost:${port}`;
    this.simulatorUrl = `http://localhost:${simulatorPort}`;
    mkdirSync(stateDir, { recursive: true });
    this.secretsPath = join(stateDir, "secrets.json");
    this.secrets = existsSync(this.secretsPath) ? JSON.parse(readFileSync(this.secretsPath, "utf8")) : {};
    this.secrets.appSecret ??= randomBytes(32).toString("base64url");
    this.secrets.operatorToken ??= randomBytes(32).toString("base64url");
    this.saveSecrets();
    this.operatorToken = env.OPERATOR_TOKEN ?? this.secrets.operatorToken;
  }

  /** Secrets are made once and kept in the state folder, readable by the owner alone. */
  saveSecrets() {
    writeFileSync(this.secretsPath, JSON.stringify(this.secrets, null, 2), { mode: 0o600 });
  }

  /** Tells why it cannot go on, unless it is being stopped already. Who waits for this goes no further. */
  giveUp(message) {
    if (!this.stopping) this.onFailure(message);
    return new Promise(() => {});
  }

  /** Applies the migrations and starts both Workers; answers when both take requests. */
  async start() {
    if (!/^[\x21-\x7e]{32,}$/.test(this.operatorToken)) {
      await this.giveUp("A setting is wrong. OPERATOR_TOKEN: must be 32 or more ASCII characters, no spaces");
    }
    await this.migrate();
    await Promise.all([this.startSimulator(), this.startGateway()]);
  }

  async migrate() {
    const child = this.run([
      "d1",
      "migrations",
      "apply",
      "DB",
      "--local",
      "--persist-to",
      join(this.stateDir, "gateway"),
    ]);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output += chunk;
      });
    }
    const code = await new Promise((done) => child.once("close", done));
    if (code !== 0 || this.stopping) await this.giveUp(`The migrations could not be applied:\n${output}`);
  }

  async startSimulator() {
    // The token of the gateway's delivery-report URL, as src/lib/callback-token.ts makes it.
    const reportToken = createHmac("sha256", this.secrets.appSecret)
      .update("callback:sms")
      .digest("hex")
      .slice(0, 40);
    const settings = {
      TIME_SCALE: this.env.TIME_SCALE ?? "1",
      SMS_DELIVERY_REPORT_URL: `${this.gatewayUrl}/cb/sms/${reportToken}`,
    };
    const logLevel = this.env.SIMULATOR_LOG_LEVEL ?? this.env.LOG_LEVEL;
    await this.startWorker("simulator", "simulator/wrangler.toml", settings, logLevel);
    await this.waitFor(`${this.simulatorUrl}/requests`);
  }

  async startGateway() {
    const { env, simulatorUrl } = this;
    const settings = {
      PUBLIC_BASE_URL: env.PUBLIC_BASE_URL ?? this.gatewayUrl,
      APP_SECRET: this.secrets.appSecret,
      OPERATOR_TOKEN: this.operatorToken,
      DARAJA_BASE_URL: env.DARAJA_BASE_URL ?? simulatorUrl,
      DARAJA_CONSUMER_KEY: "simulator-key",
      DARAJA_CONSUMER_SECRET: "simulator-secret",
      DARAJA_SHORTCODE: "600999",
      DARAJA_PASSKEY: "simulator-passkey",
      DARAJA_INITIATOR: "simulator",
      // The simulator looks at a credential's form alone: base64 of an RSA block of 256 bytes.
      DARAJA_SECURITY_CREDENTIAL: Buffer.alloc(256, "simulator").toString("base64"),
      SMS_BASE_URL: env.SMS_BASE_URL ?? simulatorUrl,
      SMS_USERNAME: "sandbox",
      SMS_API_KEY: "simulator-sms-key",
      EMAIL_BASE_URL: env.EMAIL_BASE_URL ?? simulatorUrl,
      EMAIL_API_KEY: "simulator-email-key",
      OPERATOR_EMAIL: env.OPERATOR_EMAIL ?? "operator@smartpay.example",
      ...Object.fromEntries(PASSED_ON.filter((name) => env[name]).map((name) => [name, env[name]])),
    };
    this.gateway = await this.startWorker("gateway", "wrangler.toml", settings, env.LOG_LEVEL);
    await this.waitFor(`${this.gatewayUrl}/healthz`);
    await this.checkSettings();
    await this.waitFor(`${this.gatewayUrl}/v1/ping`);
  }

  /** With a setting that is wrong the gateway serves nothing, so it is asked for that before all else. */
  async checkSettings() {
    const response = await fetch(`${this.gatewayUrl}/operator/v1/doctor?only=settings`, {
      method: "POST",
      headers: { Authorization: `Bearer ${this.operatorToken}` },
    });
    const { settings, message } = await response.json();
    if (!settings) await this.giveUp(`The gateway did not tell whether its settings are right: ${message}`);
    if (settings.length > 0) await this.giveUp(`A setting is wrong. ${settings.join("; ")}`);
  }

  /** The gateway's process dies at once, with whatever it was doing; its data stays. */
  async killGateway() {
    const { gateway } = this;
    this.children.delete(gateway);
    const ended = new Promise((done) => gateway.once("exit", done));
    signal(gateway, "SIGKILL");
    await ended;
  }

  /** The local runtime never fires a cron by itself. A tick is of all of them; one that is missed is made up for by the next. */
  async tick() {
    const urlOf = (cron) => `${this.gatewayUrl}/cdn-cgi/local/scheduled?cron=${encodeURIComponent(cron)}`;
    await Promise.all(CRONS.map((cron) => fetch(urlOf(cron)).catch(() => undefined)));
  }

  /** Ticks once a minute, as TIME_SCALE shortens it, until all is stopped. */
  async keepTicking() {
    const scale = Number(this.env.TIME_SCALE ?? 1);
    const pauseMs = Math.max(1_000, 60_000 * (scale >= 1 ? 1 / scale : scale));
    while (!this.stopping) {
      await this.tick();
      await sleep(pauseMs);
    }
  }

  /** Ends both Workers and waits for them; a second call does not hurry it. */
  stop() {
    this.stopped ??= this.endAll();
    return this.stopped;
  }

  async endAll() {
    this.stopping = true;
    const running = [...this.children].filter(
      (child) => child.exitCode === null && child.signalCode === null,
    );
    const ended = running.map((child) => new Promise((done) => child.once("exit", done)));
    for (const child of running) signal(child, "SIGTERM");
    await Promise.race([Promise.all(ended), sleep(5_000)]);
    // wrangler's own children are in its group: none outlives us.
    for (const child of this.children) signal(child, "SIGKILL");
  }

  async startWorker(name, config, settings, logLevel = "warn") {
    const child = this.run([
      "dev",
      ...["--config", config, "--ip", "127.0.0.1", "--port", String(this.ports[name])],
      ...["--inspector-port", String(await freePort()), "--persist-to", join(this.stateDir, name)],
      ...["--env-file", this.writeEnvFile(name, settings), "--log-level", logLevel],
      "--show-interactive-dev-session=false",
    ]);
    child.stdout.pipe(process.stdout);
    child.stderr.pipe(process.stderr);
    child.once("exit", () => {
      if (this.children.has(child)) this.giveUp(`The ${name} ended by itself; the lines above say why.`);
    });
    return child;
  }

  run(args) {
    // The environment without a name; left out, wrangler would warn that there are others.
    const child = spawn(process.execPath, [wrangler, ...args, "--env="], {
      cwd: root,
      env: { ...process.env, ...QUIET },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.children.add(child);
    return child;
  }

  writeEnvFile(name, settings) {
    const path = join(this.stateDir, `${name}.env`);
    const lines = Object.entries(settings)
      .filter(([, value]) => value !== undefined && value !== "")
      .map(([key, value]) => `${key}='${value}'`);
    writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o600 });
    return path;
  }

  async waitFor(url) {
    const until = Date.now() + STARTS_WITHIN_MS;
    while (!this.stopping && Date.now() < until) {
      const response = await fetch(url).catch(() => undefined);
      if (response?.ok) return;
      await sleep(100);
    }
    await this.giveUp(`${url} did not answer within three minutes.`);
  }
}

function signal(child, name) {
  try {
    process.kill(-child.pid, name);
  } catch {
    // the whole group has ended already
  }
}
