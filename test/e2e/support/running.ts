import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../../scripts/ports.mjs";

/** What `npm start` runs, on ports and in a state folder of its own. */
export type Running = {
  gateway: string;
  simulator: string;
  key: string;
  operatorToken: string;
  stateDir: string;
  output: () => string;
  stop: (signal?: NodeJS.Signals) => Promise<number | null>;
};

export const newStateDir = () => mkdtempSync(join(tmpdir(), "smartpay-"));
export const removeStateDir = (path: string) => rmSync(path, { recursive: true, force: true });

export type StartOptions = { stateDir: string; env?: Record<string, string> };

/** Starts the script, without waiting for it. */
export function spawnStart(env: Record<string, string>): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, ["scripts/start.mjs"], { env: { ...process.env, ...env } });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output += chunk;
  });
  return { child, output: () => output };
}

export async function start({ stateDir, env = {} }: StartOptions): Promise<Running> {
  const [port, simulatorPort] = [await freePort(), await freePort()];
  const settings = { PORT: String(port), SIMULATOR_PORT: String(simulatorPort), STATE_DIR: stateDir, ...env };
  const { child, output } = spawnStart(settings);
  const exited = new Promise<number | null>((done) => child.once("close", done));
  await new Promise<void>((ready, fail) => {
    child.stdout?.on("data", () => {
      if (output().includes("Ctrl-C")) ready();
    });
    exited.then(() => fail(new Error(`it ended before it was ready:\n${output()}`)));
  });
  const line = (label: string) => new RegExp(`^${label}: (\\S+)$`, "m").exec(output())?.[1] ?? "";
  return {
    gateway: `http://localhost:${port}`,
    simulator: `http://localhost:${simulatorPort}`,
    key: line("Demo API key"),
    operatorToken: line("Operator token"),
    stateDir,
    output,
    stop: (signal = "SIGTERM") => {
      child.kill(signal);
      return exited;
    },
  };
}

export type Received = { at: number; path: string; headers: IncomingMessage["headers"]; body: unknown };

/** A merchant's server: keeps what it gets and answers as told. */
export class Listener {
  readonly received: Received[] = [];
  private waiting: (() => void)[] = [];
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  /** @param status what it answers with, 200 by default. */
  static async open(status: () => number = () => 200): Promise<Listener> {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo; // listening on TCP
    const listener = new Listener(server, `http://localhost:${port}`);
    server.on("request", async (request, response) => {
      let text = "";
      for await (const chunk of request) text += chunk;
      const { url: path = "", headers } = request;
      listener.received.push({ at: Date.now(), path, headers, body: JSON.parse(text) });
      response.writeHead(status()).end("OK");
      for (const wake of listener.waiting.splice(0)) wake();
    });
    return listener;
  }

  /** The first request that fits, as soon as it is there. */
  async next(fits: (received: Received) => boolean): Promise<Received> {
    for (;;) {
      const found = this.received.find(fits);
      if (found) return found;
      await new Promise<void>((wake) => this.waiting.push(wake));
    }
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** Where one request comes from, believed locally: only who wants to meets the limit of one address. */
export const newAddress = () => `10.${[0, 0, 0].map(() => Math.floor(Math.random() * 256)).join(".")}`;

/** Asks again until the answer is the one that is waited for. */
export async function eventually<T>(ask: () => Promise<T>, isIt: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isIt(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
