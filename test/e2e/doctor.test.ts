import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { newStateDir, type Running, removeStateDir, start } from "./support/running.ts";

/** Stands in front of another server and passes everything on, but for what a test answers itself. */
class Front {
  target = "";
  answer: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
  url = "";
  private readonly server: Server = createServer((request, response) => void this.pass(request, response));

  async open(): Promise<this> {
    await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
    const { port } = this.server.address() as AddressInfo; // listening on TCP
    this.url = `http://localhost:${port}`;
    return this;
  }

  private async pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.answer(request, response)) return;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = "GET", url = "/", headers } = request;
    const passed = await fetch(this.target + url, {
      method,
      headers: {
        "Content-Type": headers["content-type"] ?? "text/plain",
        ...(headers.authorization ? { Authorization: headers.authorization } : {}),
      },
      body: method === "GET" ? undefined : Buffer.concat(chunks),
    });
    response.writeHead(passed.status, {
      "Content-Type": passed.headers.get("Content-Type") ?? "text/plain",
      "X-Request-Id": passed.headers.get("X-Request-Id") ?? "",
    });
    response.end(await passed.text());
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

const stateDir = newStateDir();
let daraja: Front;
let front: Front;
let running: Running;

beforeAll(async () => {
  daraja = await new Front().open();
  front = await new Front().open();
  running = await start({ stateDir, env: { DARAJA_BASE_URL: daraja.url } });
  daraja.target = running.simulator;
  front.target = running.gateway;
});

afterAll(async () => {
  await running?.stop();
  daraja?.close();
  front?.close();
  removeStateDir(stateDir);
});

beforeEach(() => {
  daraja.answer = () => false;
  front.answer = () => false;
});

/** Runs the doctor on the gateway, and reads its findings: each name with its word. */
async function doctor(args: string[] = [], env: Record<string, string> = {}) {
  const { port } = new URL(running.gateway);
  const options = { env: { ...process.env, STATE_DIR: stateDir, PORT: port, ...env } };
  const { code, output } = await new Promise<{ code: number; output: string }>((done) => {
    execFile(process.execPath, ["scripts/doctor/run.mjs", ...args], options, (error, stdout, stderr) =>
      done({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    );
  });
  const lines = output.matchAll(/^(ok|\?|FAULT) +(\S+) +(.+)$/gm);
  const found = new Map([...lines].map(([, word = "", name = ""]) => [name, word]));
  const faults = [...found].filter(([, word]) => word === "FAULT").map(([name]) => name);
  return { code, output, found, faults };
}

const refuse = (path: RegExp, status: number, body: object | string, headers: Record<string, string> = {}) =>
  ((request, response) => {
    if (!path.test(request.url ?? "")) return false;
    response.writeHead(status, { "Content-Type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
    return true;
  }) satisfies Front["answer"];

describe("the doctor", () => {
  it("finds what npm start runs to be well, and proves direct routing by a payment", async () => {
    const args = ["--push", "254700000000", "--payee", "247247:0123456789"];
    const { code, output, found, faults } = await doctor(args);
    expect([faults, code], output).toEqual([[], 0]);
    for (const name of [
      "reachable",
      "callbacks",
      "credentials",
      "passkey",
      "clock",
      "migrations",
      "direct",
    ]) {
      expect([name, found.get(name)], output).toEqual([name, "ok"]);
    }
    expect(output).toContain(`M-Pesa at ${new URL(daraja.url).host}`);
    expect(output).toMatch(/^doctor: \d+ checks, 0 faults$/m);
  });

  it.each<[string, () => void]>([
    ["credentials", () => (daraja.answer = refuse(/\/oauth\//, 400, ""))],
    [
      "passkey",
      () =>
        (daraja.answer = refuse(/\/stkpushquery\//, 500, {
          requestId: "1",
          errorCode: "500.001.1001",
          errorMessage: "[MerchantValidate] - Wrong credentials",
        })),
    ],
    [
      "clock",
      () =>
        (daraja.answer = (request, response) =>
          request.headers.authorization
            ? false
            : refuse(/\/oauth\//, 400, "", { Date: new Date(Date.now() - 300_000).toUTCString() })(
                request,
                response,
              )),
    ],
  ])("names %s, and says what to do", async (name, arrange) => {
    arrange();
    const { code, output, faults } = await doctor();
    expect([faults, code], output).toEqual([[name], 1]);
    expect(output.slice(output.indexOf(name))).toMatch(/-> \S/);
  });

  it("names a firewall in front of the callbacks", async () => {
    front.answer = refuse(/^\/cb\//, 403, "<html>Just a moment...</html>");
    const { faults, output } = await doctor(["--url", front.url]);
    expect(faults, output).toContain("callbacks");
  });

  it("names a gateway that is not there, a token that is wrong, and an environment that is another's", async () => {
    expect((await doctor(["--url", "http://localhost:1"])).faults).toEqual(["reachable"]);
    const stranger = await doctor([], { OPERATOR_TOKEN: "somebody else's token, of 32 characters" });
    expect(stranger.faults).toEqual(["operator_token"]);
    const { operatorToken: OPERATOR_TOKEN } = running;
    const production = await doctor(["--env", "production", "--url", running.gateway], { OPERATOR_TOKEN });
    expect(production.faults).toEqual(["configuration", "environment"]);
  });

  it("names a payee that M-Pesa does not take", async () => {
    await fetch(`${running.simulator}/faults`, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ stk_push: { refuse: true } }),
    });
    const { faults, output } = await doctor(["--push", "254700000000", "--payee", "247247:0123456789"]);
    await fetch(`${running.simulator}/faults`, { method: "DELETE" });
    expect(faults, output).toEqual(["direct"]);
    expect(output).toContain("Set ROUTING to settle");
  });

  describe("of a gateway that settles", () => {
    const ownState = newStateDir();
    let settling: Running;
    beforeAll(async () => {
      settling = await start({ stateDir: ownState, env: { ROUTING: "settle" } });
    });
    afterAll(async () => {
      await settling?.stop();
      removeStateDir(ownState);
    });
    const doctorThere = (...args: string[]) =>
      doctor(args, { PORT: new URL(settling.gateway).port, STATE_DIR: ownState });

    it("takes no payment to itself for a proof of direct routing", async () => {
      const { code, output, found } = await doctorThere("--push", "254700000000", "--payee", "123456");
      expect([found.get("direct"), code], output).toEqual(["?", 0]);
      expect(output).toContain("routing is settle");
      const sent = await (await fetch(`${settling.simulator}/requests`)).text();
      expect(sent).toContain("/oauth/v1/generate");
      expect(sent).not.toContain("/stkpush/v1/processrequest");
    });

    it("pays its own shortcode, and is not told to try a payee", async () => {
      const { output, found } = await doctorThere("--push", "254700000000");
      expect(found.get("push"), output).toBe("ok");
      const plain = await doctorThere();
      expect(plain.output).not.toContain("--payee");
    });
  });

  it("names a migration that was not applied", async () => {
    const folder = join(stateDir, "gateway/v3/d1/miniflare-D1DatabaseObject");
    const file = readdirSync(folder).find((name) => name.endsWith(".sqlite") && name !== "metadata.sqlite");
    const database = new DatabaseSync(join(folder, file ?? ""), { timeout: 10_000 });
    database.exec("DELETE FROM d1_migrations WHERE id = (SELECT max(id) FROM d1_migrations)");
    database.close();
    const { faults, output } = await doctor();
    expect(faults, output).toEqual(["migrations"]);
  });
});
